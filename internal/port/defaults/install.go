package defaults

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"ferry/internal/port"
)

// Options are the incumbent's settings for what is installed.
type Options struct {
	// SkipResources leaves blueprints and mapping alone: INITIALIZE_PORT_RESOURCES=false. The integration itself is
	// created nevertheless, because nothing can be stored without it.
	SkipResources bool
	// Origin is CREATE_PORT_RESOURCES_ORIGIN: Default (Ferry installs its own; "Ocean" means the same), Empty (nothing),
	// Port (Port installs what it provides), or nothing: Port where it can, else Default.
	Origin string
	// Changes is where Port sends word of changes to the integration; it follows from the type of event listener.
	Changes port.Destination
	// Saas expects an integration that Port hosts; without it, one that people host.
	Saas   bool
	Logger *slog.Logger // nil: silent
}

// The origins, in Port's words.
const (
	originDefault = "Default"
	originEmpty   = "Empty"
	originPort    = "Port"
)

// installer is one boot: what was asked, and with whom we speak.
type installer struct {
	client  *port.Client
	options Options
	log     *slog.Logger
}

// Install makes sure that our integration exists in Port, is described rightly, and has once been given blueprints and a
// mapping. It can be interrupted and run again at any point. It returns the integration as it then is; its Config is nil
// where SkipResources kept it from being filled.
//
// Nothing that exists is changed: not a blueprint, and not a mapping that has anything in it.
func Install(ctx context.Context, client *port.Client, options Options) (found port.Integration, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("set up integration %q in Port: %w", client.Identifier(), err)
		}
	}()
	in := newInstaller(client, options)
	found, origin, err := in.find(ctx)
	if err != nil {
		return found, err
	}
	if found.Raw == nil {
		if found, err = in.create(ctx, origin); err != nil {
			return found, err
		}
	}
	if found, err = in.mendDrift(ctx, found); err != nil || found.Initialized {
		return found, err
	}
	return in.initialize(ctx, origin, found)
}

func newInstaller(client *port.Client, options Options) installer {
	return installer{client, options, cmp.Or(options.Logger, slog.New(slog.DiscardHandler))}
}

// find reads the integration, whose Raw is nil where Port has none yet, and says whose blueprints and mapping it gets.
func (in installer) find(ctx context.Context) (found port.Integration, origin string, err error) {
	found, err = in.client.Integration(ctx)
	if err == nil {
		err = in.checkRuntime(found)
	} else if errors.Is(err, port.ErrNotFound) {
		found, err = port.Integration{}, nil
	}
	if err != nil {
		return found, "", err
	}
	origin, err = in.origin(ctx, found)
	return found, origin, err
}

// checkRuntime refuses to run an integration that somebody else hosts: two processes would serve it.
func (in installer) checkRuntime(found port.Integration) error {
	installed := cmp.Or(found.InstallationType, "OnPrem")
	switch {
	case in.options.Saas && !strings.HasPrefix(installed, "Saas"):
		return fmt.Errorf("it is installed as %s, and this process is set to run one that Port hosts: choose another OCEAN__INTEGRATION__IDENTIFIER, or OCEAN__RUNTIME=OnPrem", installed)
	case !in.options.Saas && installed != "OnPrem":
		return fmt.Errorf("it is installed as %s, which Port hosts itself: choose another OCEAN__INTEGRATION__IDENTIFIER", installed)
	}
	return nil
}

// origin is the stored one, else the asked one, else Port's where Port provides for our type and has switched that on.
func (in installer) origin(ctx context.Context, found port.Integration) (string, error) {
	switch asked := cmp.Or(found.Origin, in.options.Origin); asked {
	case originEmpty:
		return originEmpty, nil
	case originDefault, "Ocean":
		return originDefault, nil
	case originPort, "":
		provided, err := in.provided(ctx)
		if err != nil || !provided {
			return originDefault, err
		}
		return originPort, nil
	default:
		return "", fmt.Errorf("CREATE_PORT_RESOURCES_ORIGIN is %q: it should be Default, Empty or Port", asked)
	}
}

func (in installer) provided(ctx context.Context) (bool, error) {
	types, err := in.client.ProvisionEnabled(ctx)
	if err != nil || !slices.Contains(types, in.client.Type()) {
		return false, err
	}
	organization, err := in.client.Organization(ctx)
	return organization.Has("USE_PROVISIONED_DEFAULTS"), err
}

// create makes the integration. It is sent once, so after an answer that was lost, or when another process was faster,
// what is there counts.
func (in installer) create(ctx context.Context, origin string) (port.Integration, error) {
	mapping := config()
	if origin == originEmpty {
		mapping = emptyConfig
	}
	made, err := in.client.CreateIntegrationFrom(ctx, origin, in.options.Changes, mapping)
	if errors.Is(err, port.ErrConflict) || errors.Is(err, port.ErrUnavailable) {
		there, missing := in.client.Integration(ctx)
		if missing != nil {
			return made, err
		}
		made, err = there, nil
	}
	if err != nil {
		return made, err
	}
	in.log.LogAttrs(ctx, slog.LevelInfo, "port: integration created", slog.String("origin", origin))
	if origin == originPort {
		return in.awaitProvision(ctx)
	}
	return made, nil
}

// mendDrift tells Port what we are where its record says otherwise. processingMode ocean-core is what keeps Port from
// expecting raw data, to map on its own side.
func (in installer) mendDrift(ctx context.Context, found port.Integration) (port.Integration, error) {
	var stored struct {
		Changes     *port.Destination `json:"changelogDestination"`
		Actions     bool              `json:"actionsProcessingEnabled"`
		Incremental bool              `json:"incrementalSyncEnabled"`
		Mode        string            `json:"processingMode"`
	}
	const mode = "ocean-core"
	err := json.Unmarshal(found.Raw, &stored)
	right := err == nil && stored.Changes != nil && *stored.Changes == in.options.Changes && !stored.Actions && !stored.Incremental &&
		stored.Mode == mode && found.Type == in.client.Type() && found.Version == in.client.Version()
	if right {
		return found, nil
	}
	changed, err := in.client.PatchIntegration(ctx, map[string]any{
		"installationAppType": in.client.Type(), "changelogDestination": in.options.Changes, "actionsProcessingEnabled": false,
		"incrementalSyncEnabled": false, "processingMode": mode,
	})
	return orReread(ctx, in.client, changed, err)
}

// orReread reads the integration where Port's answer to a change does not hold it.
func orReread(ctx context.Context, client *port.Client, changed port.Integration, err error) (port.Integration, error) {
	if err != nil || changed.Raw != nil {
		return changed, err
	}
	return client.Integration(ctx)
}

// initialize gives the integration its blueprints and mapping, and notes that this was done, so that what people
// delete later stays deleted.
func (in installer) initialize(ctx context.Context, origin string, found port.Integration) (port.Integration, error) {
	done := map[string]any{"arePortResourcesInitialized": true}
	switch origin {
	case originPort:
		if _, err := in.awaitProvision(ctx); err != nil {
			return found, err
		}
	case originEmpty:
		if found.Config == nil {
			done["config"] = emptyConfig
		}
	default:
		if in.options.SkipResources {
			return found, nil
		}
		if err := in.installOwn(ctx, found); err != nil {
			return found, err
		}
	}
	changed, err := in.client.PatchIntegration(ctx, done)
	return orReread(ctx, in.client, changed, err)
}

func (in installer) installOwn(ctx context.Context, found port.Integration) error {
	if found.Config == nil {
		if _, err := in.client.PutConfig(ctx, config()); err != nil {
			return err
		}
	}
	return in.createBlueprints(ctx, Blueprints())
}

// Port installs what it provides some time after it was asked to.
const (
	provisionTries = 30
	firstLook      = 3 * time.Second
	longestLook    = time.Minute
)

// awaitProvision reads the integration until Port has put a mapping into it.
func (in installer) awaitProvision(ctx context.Context) (port.Integration, error) {
	wait := firstLook
	for range provisionTries {
		found, err := in.client.Integration(ctx)
		if err != nil || found.Config != nil {
			return found, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return found, context.Cause(ctx)
		}
		wait = min(wait*3/2, longestLook)
	}
	return port.Integration{}, errors.New("the blueprints and the mapping that Port provides have not come: set CREATE_PORT_RESOURCES_ORIGIN=Default to have Ferry install its own")
}
