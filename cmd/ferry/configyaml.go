package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// configYAML reads config.yaml: the OCEAN__ settings as nested keys, in camelCase or snake_case, and Ferry's own under
// "ferry". A text "{{ from env NAME }}" stands for a variable, and for nothing where the variable is not set.
func (s *sources) configYAML(path string, variables layer) layer {
	f := configFile{sources: s, variables: variables, out: layer{}}
	var document yaml.Node
	if err := yaml.Unmarshal(s.readIfThere(path), &document); err != nil {
		s.fault("config.yaml is not YAML: " + yamlReason(err))
		return f.out
	}
	for _, root := range document.Content {
		f.walk(nil, root)
	}
	return f.out
}

// yamlReason is what the parser says. It quotes the text in one case only: a value that begins with * is a reference,
// which may well be a secret without its quotes.
func yamlReason(err error) string {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.Contains(text, "anchor") {
		return "it refers to an anchor that it does not have; put quotes around a value that begins with * or &"
	}
	return text
}

type configFile struct {
	*sources
	variables layer
	out       layer
}

// maxNesting ends the walk over an alias that holds itself. Settings are nested three deep.
const maxNesting = 8

func (f configFile) walk(path []string, n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case len(path) > maxNesting:
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			f.member(path, n.Content[i], n.Content[i+1])
		}
	case n.Kind == yaml.SequenceNode && len(path) > 0:
		f.setList(path, n)
	case n.Kind == yaml.ScalarNode && n.Tag != "!!null" && len(path) > 0:
		f.set(path, n)
	}
}

// setList sets a list of texts, as it would be written in the environment.
func (f configFile) setList(path []string, n *yaml.Node) {
	words := []string{}
	for _, item := range n.Content {
		words = append(words, item.Value)
	}
	text, _ := json.Marshal(words) // strings can always be written
	name := variableName(path)
	f.out[name] = value{string(text), name + " in config.yaml" + atLine(n.Line)}
}

func (f configFile) member(path []string, key, n *yaml.Node) {
	switch {
	case key.Kind != yaml.ScalarNode:
		f.fault(fmt.Sprintf(`config.yaml line %d is not a key: put quotes around "{{ from env NAME }}"`, key.Line))
	case key.Value == "<<":
		f.walk(path, n)
	default:
		f.walk(append(path[:len(path):len(path)], snake(key.Value)), n)
	}
}

var reference = regexp.MustCompile(`^\{\{\s*from\s+(\w+)\s+(\w+)\s*\}\}$`)

func (f configFile) set(path []string, n *yaml.Node) {
	name := variableName(path)
	v := value{strings.TrimSpace(n.Value), name + " in config.yaml" + atLine(n.Line)}
	if from := reference.FindStringSubmatch(v.text); from != nil {
		if from[1] != "env" {
			f.fault(v.where + ` refers to "` + from[1] + `": values can come from env alone`)
			return
		}
		variable, ok := f.variables[strings.ToUpper(from[2])]
		if !ok {
			// The variable is not named: by a slip of the pen it may be the secret itself.
			f.out[name] = value{where: v.where + ", which refers to a variable that is not set,"}
			return
		}
		v = value{variable.text, v.where + ", from " + variable.where + ","}
	}
	f.out[name] = v
}

// variableName is the name that the setting at a path of keys has in the environment.
func variableName(path []string) string {
	switch path[0] {
	case "FERRY":
		return strings.Join(path, "_")
	case "APPLICATION":
		return strings.Join(path, "__")
	default:
		return "OCEAN__" + strings.Join(path, "__")
	}
}

// snake turns clientId and client_id into CLIENT_ID, and baseURL into BASE_URL.
func snake(key string) string {
	var b strings.Builder
	letters := []rune(key)
	for i, r := range letters {
		if i > 0 && unicode.IsUpper(r) && startsWord(letters, i) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// startsWord reports whether the capital at i begins a word rather than going on with an abbreviation.
func startsWord(letters []rune, i int) bool {
	before := letters[i-1]
	if unicode.IsUpper(before) {
		return i+1 < len(letters) && unicode.IsLower(letters[i+1])
	}
	return before != '_'
}
