package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// unfold opens the groups that are given as one JSON object, like OCEAN__PORT='{"client_id":"…"}'. A nested name wins
// over its group's object, and a longer group name over a shorter one.
func (s *sources) unfold(variables layer) layer {
	out := layer{}
	for _, name := range slices.SortedFunc(maps.Keys(variables), shorterFirst) {
		if v := variables[name]; holdsKnown(name) && v.text != "" {
			s.open(out, name, v)
		}
	}
	for name, v := range variables {
		if !holdsKnown(name) {
			out[name] = v
		}
	}
	return out
}

func shorterFirst(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// open adds the members of one object. The text of an object that is not JSON is not shown: it may hold a secret.
func (s *sources) open(out layer, name string, v value) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(v.text), &members); err != nil || members == nil {
		s.fault(v.where + ` is not a JSON object: it should be like {"` + memberOf(name) + `": …}`)
		return
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		member := value{plain(members[key]), key + " of " + v.where}
		nested := name + "__" + strings.ToUpper(key)
		switch {
		case string(members[key]) == "null":
		case holdsKnown(nested):
			s.open(out, nested, member)
		default:
			out[nested] = member
		}
	}
}

// plain is a JSON value as it would stand in a variable: a string without its quotes, anything else as it is.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text)
	}
	return string(raw)
}

// memberOf is an example of a key in the group's object.
func memberOf(group string) string {
	at := slices.IndexFunc(knownNames, func(known string) bool { return strings.HasPrefix(known, group+"__") })
	member, _, _ := strings.Cut(strings.TrimPrefix(knownNames[at], group+"__"), "__")
	return strings.ToLower(member)
}
