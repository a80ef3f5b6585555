package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"

	"ferry/internal/port"
	"ferry/jira"
)

func TestAnErrorThatSettingsMayMendNamesThem(t *testing.T) {
	set := settings{JiraHost: "https://acme.example", PortBaseURL: "https://p.example"}
	refused := errors.New("connection refused")
	silentJira := fmt.Errorf("myself: %w", &jira.Error{Method: "GET", Path: "/x", Err: refused})
	silentPort := fmt.Errorf("set up: %w", &port.Error{Method: "GET", Path: "/y", Err: refused})
	const (
		jiraHint = "\n  Jira at https://acme.example gave no answer: check OCEAN__INTEGRATION__CONFIG__JIRA_HOST and the network"
		portHint = "\n  Port at https://p.example gave no answer: check OCEAN__PORT__BASE_URL and the network"
	)
	tests := map[string]struct {
		err  error
		want string
	}{
		"Jira": {silentJira, "ferry: myself: GET /x: connection refused" + jiraHint},
		"Port": {silentPort, "ferry: set up: GET /y: connection refused" + portHint},
		"both": {errors.Join(silentJira, silentPort), "ferry: myself: GET /x: connection refused\n  set up: GET /y: connection refused" + jiraHint + portHint},
		"a proxy to Jira": {&jira.Error{Method: "GET", Path: "/x", Err: &net.OpError{Op: "proxyconnect", Net: "tcp", Err: refused}},
			"ferry: GET /x: proxyconnect tcp: connection refused\n  the proxy to Jira gave no answer: check FERRY_JIRA_PROXY, or HTTPS_PROXY where that is not set"},
		"Jira answered":      {&jira.Error{Method: "GET", Path: "/x", Status: 404, Err: errors.New("no such page")}, "ferry: GET /x: 404 Not Found: no such page"},
		"the data directory": {fmt.Errorf("open: %w", &fs.PathError{Op: "mkdir", Path: "/x", Err: fs.ErrPermission}), "ferry: open: mkdir /x: permission denied\n  give a directory that can be written: --data-dir, or FERRY_DATA_DIR"},
		"something else":     {errors.New("no"), "ferry: no"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			a := &app{stderr: &stderr}
			if code := a.tell(hinted(test.err, set)); code != exitFailure || stderr.String() != test.want+"\n" {
				t.Errorf("exit code %d with %q, want 1 with %q", code, stderr.String(), test.want+"\n")
			}
		})
	}
	if err := hinted(nil, set); err != nil {
		t.Errorf("hinted(nil) = %v", err)
	}
}
