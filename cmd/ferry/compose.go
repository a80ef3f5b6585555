package main

import (
	"log/slog"
	"path/filepath"

	"ferry/internal/daemon"
	"ferry/internal/port"
	"ferry/internal/port/defaults"
)

// compose makes the clients that the settings describe. Nothing is sent yet.
func compose(set settings, log *slog.Logger) (*daemon.Sync, error) {
	client, err := jiraClient(set, log)
	if err != nil {
		return nil, err
	}
	s := &daemon.Sync{Jira: client, Mapping: set.Mapping, Logger: log, Install: defaults.Options{
		SkipResources: !set.InitializeResources, Origin: set.ResourcesOrigin, Saas: set.Saas, Changes: changesTo(set.Live.Listener), Logger: log,
	}}
	if set.MappingFile != "" {
		s.MappingName = filepath.Base(set.MappingFile)
	}
	if set.PortClientID == "" {
		return s, nil
	}
	s.Port, err = port.New(port.Config{
		BaseURL: set.PortBaseURL, ClientID: set.PortClientID, ClientSecret: set.PortClientSecret.text,
		Type: set.Type, Identifier: set.Identifier, Version: release, Retries: set.Retries, Logger: log,
	})
	return s, err
}

// changesTo is where Port sends word of changes to the integration.
func changesTo(l listener) port.Destination {
	switch l.Type {
	case listenKafka:
		return port.Destination{Type: "KAFKA"}
	case listenWebhook:
		return port.Destination{Type: "WEBHOOK", URL: l.AppHost + "/resync"}
	}
	return port.Destination{}
}
