package main

import (
	"context"
	"errors"
	"fmt"

	"ferry/internal/port"
	"ferry/internal/port/defaults"
)

// askPort looks whether Port lets us in, and at the integration that a sync would find or make there.
func (k *checkup) askPort(ctx context.Context) {
	if k.Port == nil {
		return
	}
	organization, err := k.Port.Organization(ctx)
	if err != nil && !errors.Is(err, port.ErrForbidden) {
		k.refusedByPort("credentials", err)
		return
	}
	found := "accepted at " + k.set.PortBaseURL
	if organization.ID != "" {
		found = "organization " + organization.ID + " at " + k.set.PortBaseURL
	}
	k.add(partPort, "credentials", gradeOK, found, "")
	if k.outlook, err = defaults.Foresee(ctx, k.Port, k.Install); err != nil {
		k.refusedByPort("integration", err)
		return
	}
	k.tellIntegration()
}

func (k *checkup) refusedByPort(subject string, err error) {
	k.portDown = true
	e, isPorts := errors.AsType[*port.Error](err)
	remedy := ""
	switch {
	case !isPorts: // its sentence says what to do
	case e.Status == 0:
		remedy = "check " + portBaseURL + " and the network"
	case errors.Is(err, port.ErrForbidden):
		remedy = "use credentials that may read integrations in Port: those of an admin, or of a moderator of this integration"
	case errors.Is(err, port.ErrUnavailable):
		remedy = "try again later"
	}
	k.add(partPort, subject, gradeWrong, err.Error(), remedy)
}

func (k *checkup) tellIntegration() {
	id, found := k.Port.Identifier(), k.outlook.Found
	switch {
	case found.Raw == nil:
		k.add(partPort, "integration", gradeOK, id+" is not there yet: a sync makes it", "")
	case found.Type != k.Port.Type():
		k.add(partPort, "integration", gradeWarning, fmt.Sprintf("%s is of type %s, and a sync would make it %s", id, found.Type, k.Port.Type()),
			"if it is another integration's, choose another "+integrationIdentifier)
	default:
		k.add(partPort, "integration", gradeOK, fmt.Sprintf("%s, last of version %s", id, found.Version), "")
	}
}
