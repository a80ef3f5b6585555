package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// value is the text that a source gives for a setting.
type value struct {
	text  string
	where string // names the setting and its source, as a fault says it: "FERRY_DATA_DIR in .env line 3"
}

// layer is what one source gives, by canonical name.
type layer map[string]value

// sources are all layers, highest first, and what is wrong with how they are written.
type sources struct {
	layers []layer
	faults []string
}

// look finds a setting. Where a source gives it as an empty text, that hides the sources below: so one run can do
// without a setting that a file has.
func (s *sources) look(name string) (value, bool) {
	for _, l := range s.layers {
		if v, ok := l[name]; ok {
			return v, true
		}
	}
	return value{}, false
}

func (s *sources) fault(text string) { s.faults = append(s.faults, text) }

// surroundings are what a process finds around it.
type surroundings struct {
	env []string // NAME=value, as of os.Environ
	dir string   // where .env and config.yaml are looked for
}

// gather reads every source.
//
// The environment and .env make one layer: name by name the environment wins, and then nested names win over the JSON
// object of their group, wherever each of them stands. So OCEAN__PORT__BASE_URL in .env refines an OCEAN__PORT in the
// environment; deployments of the integration that Ferry replaces rely on it.
func gather(flags layer, around surroundings) *sources {
	s := &sources{}
	environment := environmentLayer(around.env)
	variables := s.dotenv(filepath.Join(around.dir, ".env"))
	maps.Copy(variables, environment)
	file := s.configYAML(filepath.Join(around.dir, "config.yaml"), variables)
	s.layers = []layer{flags, s.unfold(variables), file}
	s.refuseUnknown()
	return s
}

// environmentLayer takes every variable, because config.yaml may refer to any. Where two differ only in case, the one
// in capitals wins, for it sorts first.
func environmentLayer(env []string) layer {
	l := layer{}
	for _, entry := range slices.Sorted(slices.Values(env)) {
		name, text, _ := strings.Cut(entry, "=")
		upper := strings.ToUpper(name)
		if _, ok := l[upper]; !ok {
			l[upper] = value{strings.TrimSpace(text), name + " in the environment"}
		}
	}
	return l
}

// refuseUnknown finds FERRY_ names that are not settings, in the order of their names.
func (s *sources) refuseUnknown() {
	for _, l := range s.layers {
		for _, name := range slices.Sorted(maps.Keys(l)) {
			if ours(name) && !slices.Contains(knownNames, name) {
				s.fault(l[name].where + " is not a setting of Ferry: " + guess(name))
			}
		}
	}
}

// readIfThere reads a file that need not exist.
func (s *sources) readIfThere(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		s.fault(filepath.Base(path) + " cannot be read: " + reason(err))
	}
	return text
}
