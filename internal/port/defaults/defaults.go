// Package defaults holds the mapping and the blueprints that Ferry starts with, and installs them in a Port that has
// none.
package defaults

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:embed mapping.yaml
var mapping []byte

//go:embed blueprints.json
var blueprints []byte

// Mapping is the default mapping, YAML with comments for people to start from.
func Mapping() []byte { return append([]byte(nil), mapping...) }

// Blueprints are the default blueprints, complete, each after those it relates to.
func Blueprints() []json.RawMessage {
	var all []json.RawMessage
	if err := json.Unmarshal(blueprints, &all); err != nil {
		panic(err) // unreachable: the file is part of the program and read by its tests
	}
	return all
}

// config is the default mapping as Port keeps it.
func config() json.RawMessage {
	var document map[string]any
	if err := yaml.Unmarshal(mapping, &document); err != nil {
		panic(fmt.Errorf("the embedded mapping: %w", err)) // unreachable, as above
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // unreachable: YAML with text keys is JSON
	}
	return text
}

// emptyConfig is the mapping of an integration that somebody wants to fill themselves.
var emptyConfig = json.RawMessage(`{"resources":[]}`)
