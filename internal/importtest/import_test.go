// Package importtest holds the rule of who may import whom.
package importtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers are Ferry's rooms from the bottom up. A room imports rooms of lower layers only.
var layers = [][]string{
	{"ferry/jira"},
	{"ferry/internal/source", "ferry/internal/mapping", "ferry/internal/catalog", "ferry/internal/port"},
	{"ferry/internal/port/defaults", "ferry/internal/port/changelog"},
	{"ferry/internal/ingest", "ferry/internal/deliver", "ferry/internal/hooks"},
	{"ferry/internal/daemon", "ferry/internal/console"},
	{"ferry/cmd/ferry", "ferry/jira/examples/watch"},
}

// simulators may be imported by tests, by the demo in cmd/ferry and by the benchmarks. They
// know the rest of Ferry no more than a real Jira does.
var simulators = []string{
	"ferry/jira/jirasim", "ferry/jira/jirasim/jql", "ferry/jira/jirasim/company", "ferry/internal/port/portsim",
}

// forTests are imported by tests alone.
var forTests = []string{"ferry/internal/importtest", "ferry/internal/catalog/postgrestest"}

// alone says which packages from outside only one room may use.
var alone = map[string]string{
	"database/sql":               "ferry/internal/catalog",
	"modernc.org/sqlite":         "ferry/internal/catalog",
	"github.com/itchyny/gojq":    "ferry/internal/mapping",
	"github.com/alecthomas/kong": "ferry/cmd/ferry",
	"github.com/joho/godotenv":   "ferry/cmd/ferry",
	"flag":                       "ferry/cmd/ferry",
	"golang.org/x/time/rate":     "ferry/internal/hooks",

	"github.com/prometheus/client_golang/prometheus": "ferry/internal/console",
}

// never says what a room must not import, beside what its layer forbids.
var never = map[string][]string{
	"ferry/internal/source":  {"ferry/internal/port"},
	"ferry/internal/ingest":  {"ferry/internal/port", "ferry/internal/deliver"},
	"ferry/internal/deliver": {"ferry/jira", "ferry/internal/source", "ferry/internal/ingest"},
	"ferry/internal/hooks":   {"ferry/internal/port", "ferry/internal/mapping"},
	"ferry/internal/mapping": {"os", "net", "net/http", "io/fs", "log", "log/slog", "math/rand", "math/rand/v2"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "ferry/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func layerOf(path string) int {
	return slices.IndexFunc(layers, func(layer []string) bool { return slices.Contains(layer, path) })
}

func ours(path string) bool { return path == "ferry" || strings.HasPrefix(path, "ferry/") }

func measures(path string) bool { return strings.HasPrefix(path, "ferry/bench/") }

func TestEveryRoomHasItsPlace(t *testing.T) {
	for _, p := range packages(t) {
		if layerOf(p.ImportPath) < 0 && !slices.Contains(simulators, p.ImportPath) && !measures(p.ImportPath) && !slices.Contains(forTests, p.ImportPath) {
			t.Errorf("%s has no layer: give it one here and in docs/architecture.md", p.ImportPath)
		}
	}
}

func TestRoomsImportOnlyWhatIsBelow(t *testing.T) {
	for _, p := range packages(t) {
		layer := layerOf(p.ImportPath)
		if layer < 0 {
			continue
		}
		for _, path := range p.Imports {
			if !ours(path) || slices.Contains(simulators, path) {
				continue
			}
			if below := layerOf(path); below < 0 || below >= layer {
				t.Errorf("%s imports %s, which is not below it", p.ImportPath, path)
			}
		}
	}
}

func TestSimulatorsAreForTestsAndTheDemo(t *testing.T) {
	for _, p := range packages(t) {
		allowed := p.ImportPath == "ferry/cmd/ferry" || measures(p.ImportPath)
		for _, path := range p.Imports {
			switch {
			case slices.Contains(simulators, p.ImportPath):
				if ours(path) && !slices.Contains(simulators, path) {
					t.Errorf("%s imports %s: a simulator knows nothing of Ferry", p.ImportPath, path)
				}
			case slices.Contains(simulators, path) && !allowed:
				t.Errorf("%s imports %s outside of its tests", p.ImportPath, path)
			}
		}
	}
}

func TestJiraStandsAlone(t *testing.T) {
	for _, p := range packages(t) {
		if p.ImportPath != "ferry/jira" {
			continue
		}
		for _, path := range p.Imports {
			first, _, _ := strings.Cut(path, "/")
			if strings.Contains(first, ".") || ours(path) {
				t.Errorf("ferry/jira imports %s; it is to need the standard library alone", path)
			}
		}
		return
	}
	t.Error("there is no package ferry/jira")
}

func TestRoomsKeepToThemselves(t *testing.T) {
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			if only, ok := alone[path]; ok && p.ImportPath != only && !measures(p.ImportPath) && !slices.Contains(simulators, p.ImportPath) {
				t.Errorf("%s imports %s, which only %s may", p.ImportPath, path, only)
			}
			if slices.Contains(never[p.ImportPath], path) {
				t.Errorf("%s imports %s, which it must not", p.ImportPath, path)
			}
		}
	}
}

// TestOnlyCommandsReadTheEnvironment looks for the calls, since many rooms import os for files.
func TestOnlyCommandsReadTheEnvironment(t *testing.T) {
	out, _ := exec.Command("git", "-C", "../..", "grep", "-nE", `os\.(Getenv|LookupEnv|Environ)\(`, "--", "*.go", ":!*_test.go", ":!cmd", ":!bench", ":!jira/examples", ":!internal/catalog/postgrestest").Output()
	if len(out) > 0 {
		t.Errorf("the environment is read outside of cmd:\n%s", out)
	}
}
