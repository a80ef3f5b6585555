package portsim

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// An entity is kept small, because a simulated Port holds a hundred thousand: values are JSON texts that share one
// string, names are the blueprint's own, targets are the identifiers of the targets.
type entity struct {
	identifier        string
	datasource        string // the User-Agent that wrote it last, if that was an exporter; else that made it
	created, updated  int64  // Unix nanoseconds
	title, icon, team string // JSON, empty: never set
	properties        []value
	relations         []link
}

// A value is a property: its name and its JSON.
type value struct{ name, text string }

// A link is a relation: where it goes. Many tells [] from null, and ["a"] from "a".
type link struct {
	name    string
	many    bool
	targets []string
}

func (l link) json() any {
	switch {
	case l.many:
		return l.targets
	case len(l.targets) == 0:
		return nil
	}
	return l.targets[0]
}

// pack sorts the values and lets them share one string, so that the request they came in can be freed.
func pack(values []value) []value {
	slices.SortFunc(values, func(a, b value) int { return strings.Compare(a.name, b.name) })
	size := 0
	for _, v := range values {
		size += len(v.text)
	}
	var all strings.Builder
	all.Grow(size)
	for _, v := range values {
		all.WriteString(v.text)
	}
	rest := all.String()
	for i, v := range values {
		values[i].text, rest = rest[:len(v.text)], rest[len(v.text):]
	}
	return slices.Clip(values)
}

func (e *entity) property(name string) (string, bool) {
	i, found := slices.BinarySearchFunc(e.properties, name, func(v value, name string) int { return strings.Compare(v.name, name) })
	if !found {
		return "", false
	}
	return e.properties[i].text, true
}

func (e *entity) relation(name string) (link, bool) {
	for _, l := range e.relations {
		if l.name == name {
			return l, true
		}
	}
	return link{}, false
}

// shown is the entity as Port's API answers with it.
func (e *entity) shown(blueprint string) fields {
	properties, relations := fields{}, fields{}
	for _, v := range e.properties {
		properties[v.name] = json.RawMessage(v.text)
	}
	for _, l := range e.relations {
		relations[l.name] = l.json()
	}
	shown := fields{
		"identifier": e.identifier, "blueprint": blueprint, "properties": properties, "relations": relations,
		"title": nil, "icon": nil, "team": []string{},
		"createdAt": moment(e.created), "updatedAt": moment(e.updated), "createdBy": e.datasource, "updatedBy": e.datasource,
	}
	for key, text := range map[string]string{"title": e.title, "icon": e.icon, "team": e.team} {
		if text != "" {
			shown[key] = json.RawMessage(text)
		}
	}
	return shown
}

func moment(nanoseconds int64) string {
	return time.Unix(0, nanoseconds).UTC().Format(time.RFC3339Nano)
}

const maxIdentifier = 1000 // characters

// identifierLike is Port's pattern ^(?!\.{1,2}$)[\p{L}0-9@_.+:\\/=-]+$ with its length.
func identifierLike(id string) bool {
	if id == "" || id == "." || id == ".." || utf8.RuneCountInString(id) > maxIdentifier {
		return false
	}
	for _, r := range id {
		switch {
		case r >= '0' && r <= '9', strings.ContainsRune(`@_.+:\/=-`, r):
		case r == utf8.RuneError || !unicode.IsLetter(r):
			return false
		}
	}
	return true
}
