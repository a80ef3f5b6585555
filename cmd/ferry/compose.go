package main

import (
	"log/slog"
	"path/filepath"

	"ferry/internal/daemon"
	"ferry/internal/port"
	"ferry/internal/port/defaults"
	"ferry/jira"
)

// compose makes the clients that the settings describe. Nothing is sent yet.
func compose(set settings, log *slog.Logger) (*daemon.Sync, error) {
	auth, err := jira.Automatic(set.JiraEmail, set.JiraToken.text)
	if err != nil {
		return nil, err
	}
	// Nobody waits for a single change here, so no place is kept for urgent calls.
	client, err := jira.New(set.JiraHost, auth, jira.Config{Logger: log, UserAgent: "ferry/" + release, Reserve: -1})
	if err != nil {
		return nil, err
	}
	s := &daemon.Sync{Jira: client, Mapping: set.Mapping, Logger: log, Install: defaults.Options{
		SkipResources: !set.InitializeResources, Origin: set.ResourcesOrigin, Saas: set.Saas, Logger: log,
	}}
	if set.MappingFile != "" {
		s.MappingName = filepath.Base(set.MappingFile)
	}
	if set.PortClientID == "" {
		return s, nil
	}
	s.Port, err = port.New(port.Config{
		BaseURL: set.PortBaseURL, ClientID: set.PortClientID, ClientSecret: set.PortClientSecret.text,
		Type: set.Type, Identifier: set.Identifier, Version: release, Logger: log,
	})
	return s, err
}
