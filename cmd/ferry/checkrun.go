package main

import (
	"context"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"

	"ferry/internal/catalog"
	"ferry/internal/hooks"
	"ferry/jira"
)

// askRun looks at what ferry run needs beyond a sync.
func (k *checkup) askRun(ctx context.Context) {
	if k.set.Live.takesWebhooks() {
		k.tellAddress()
	}
	if k.set.Live.takesWebhooks() && k.set.Live.BaseURL != "" {
		k.tellWebhook(ctx)
	}
	k.tellDatabase(ctx)
}

// tellAddress says where Jira is to deliver.
func (k *checkup) tellAddress() {
	address := k.set.Live.BaseURL + path.Join("/", k.set.Live.PathPrefix, "integration/webhook")
	switch {
	case k.set.Live.BaseURL == "":
		k.add(partRun, "base URL", gradeNote, "none: ferry run asks Jira every minute what has changed",
			"to hear of changes as they happen, set "+baseURL+" to the address at which Jira reaches Ferry")
	case !k.jiraDown && k.report.Deployment == jira.Cloud && !secure(address):
		k.add(partRun, "base URL", gradeWarning, address+": Jira Cloud delivers to https alone",
			"set "+baseURL+" to an address that begins with https://")
	default:
		k.add(partRun, "base URL", gradeOK, address, "")
	}
}

// secure: by https, or to the machine itself, as in a trial.
func secure(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "https" {
		return err == nil
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// tellWebhook says how ours is. Whether one can be registered at all is told of Jira.
func (k *checkup) tellWebhook(ctx context.Context) {
	switch {
	case k.jiraDown:
		k.add(partRun, "webhook", gradeSkipped, "Jira does not let us in", "")
		return
	case !k.canRegister():
		k.add(partRun, "webhook", gradeNote, "cannot be registered: ferry run asks Jira every minute what has changed",
			"see above what it lacks")
		return
	}
	list, err := newRegistrar(k.set, k.Jira, nil, hooks.RegistrarConfig{Trust: trust(k.set)}).List(ctx)
	if err != nil {
		k.add(partRun, "webhook", gradeNote, err.Error(), "")
		return
	}
	ours := 0
	for _, r := range list {
		if r.Ours {
			k.tellOurs(r)
			ours++
		}
	}
	if ours == 0 {
		k.add(partRun, "webhook", gradeOK, "is not there yet: ferry run registers it", "")
	}
}

func (k *checkup) tellOurs(r hooks.Registered) {
	if len(r.Wrong) == 0 {
		k.add(partRun, "webhook "+r.ID, gradeOK, "is there, as it should be", "")
		return
	}
	k.add(partRun, "webhook "+r.ID, gradeNote, "is there and not right ("+wrongs(r)+"): ferry run makes it right, or ferry webhooks ensure", "")
}

// tellDatabase says where the catalogue is. A directory is left as it is; a database is asked to write, for that is what
// it is for.
func (k *checkup) tellDatabase(ctx context.Context) {
	if k.set.Live.DatabaseURL.text == "" {
		k.tellDirectory()
		return
	}
	err := k.askDatabase(ctx)
	if err != nil {
		k.add(partRun, "database", gradeWrong, err.Error(), "")
		return
	}
	k.add(partRun, "database", gradeOK, "PostgreSQL, of "+databaseURL, "")
}

func (k *checkup) askDatabase(ctx context.Context) error {
	database, err := catalog.Connect(ctx, catalog.Config{URL: k.set.Live.DatabaseURL.text, Integration: k.set.Identifier})
	if err != nil {
		return err
	}
	err = database.Ready(ctx)
	if e := database.Close(); err == nil {
		err = e
	}
	return err
}

func (k *checkup) tellDirectory() {
	if fault := directoryFault(k.set.DataDir); fault != "" {
		k.add(partRun, "database", gradeWrong, fault, "set "+dataDir+" to a directory that can be written")
		return
	}
	k.add(partRun, "database", gradeOK, "SQLite, in "+k.set.DataDir, "")
}

// directoryFault is why a directory, where it is not there, cannot be made. Empty: it can.
func directoryFault(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && info.IsDir():
			return ""
		case err == nil:
			return at + " is no directory"
		case !os.IsNotExist(err) || at == filepath.Dir(at):
			return at + " cannot be looked at: " + reason(err)
		}
	}
}
