package jirasim

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// change is one item of a changelog.
type change struct {
	field, id      string // Jira's name in changelogs, and the field's id
	custom         bool
	from, fromText string // "" is null
	to, toText     string
}

func (c change) write(p *page) {
	kind := "jira"
	if c.custom {
		kind = "custom"
	}
	p.raw(`{"field":`)
	p.str(c.field)
	p.raw(`,"fieldtype":"` + kind + `","fieldId":`)
	p.str(c.id)
	for _, value := range [][2]string{{"from", c.from}, {"fromString", c.fromText}, {"to", c.to}, {"toString", c.toText}} {
		p.raw(`,"` + value[0] + `":`)
		if value[1] == "" {
			p.raw("null")
			continue
		}
		p.str(value[1])
	}
	p.raw(`}`)
}

func fieldIDs(changes []change) []string {
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.id)
	}
	return ids
}

// changes are what differs between two states of an issue, as a changelog says it.
func (s *site) changes(before, now Issue) []change {
	all := slices.Concat(s.namedChanges(before, now), s.peopleChanges(before, now), []change{
		{field: "summary", id: "summary", fromText: before.Summary, toText: now.Summary},
		{field: "description", id: "description", fromText: before.Description, toText: now.Description},
		{field: "labels", id: "labels", fromText: strings.Join(before.Labels, " "), toText: strings.Join(now.Labels, " ")},
		{field: "Component", id: "components", fromText: strings.Join(before.Components, ", "), toText: strings.Join(now.Components, ", ")},
		{field: "IssueParentAssociation", id: "parent", from: s.idOf(before.Parent), fromText: before.Parent, to: s.idOf(now.Parent), toText: now.Parent},
	}, customChanges(before, now))
	return slices.DeleteFunc(all, func(c change) bool { return c.from == c.to && c.fromText == c.toText })
}

func (s *site) namedChanges(before, now Issue) []change {
	id := func(kind fragmentKind, name string) string {
		if n := s.names[kind][name]; n != nil {
			return strconv.FormatInt(n.id, 10)
		}
		return ""
	}
	var all []change
	for _, f := range []struct {
		name     string
		kind     fragmentKind
		from, to string
	}{
		{"issuetype", typeFragment, before.Type, now.Type},
		{"status", statusFragment, before.Status, now.Status},
		{"priority", priorityFragment, before.Priority, now.Priority},
		{"resolution", resolutionFragment, before.Resolution, now.Resolution},
	} {
		all = append(all, change{field: f.name, id: f.name, from: id(f.kind, f.from), fromText: f.from, to: id(f.kind, f.to), toText: f.to})
	}
	return all
}

func (s *site) peopleChanges(before, now Issue) []change {
	name := func(account string) string {
		if u := s.users[account]; u != nil {
			return u.DisplayName
		}
		return account
	}
	return []change{
		{field: "assignee", id: "assignee", from: before.Assignee, fromText: name(before.Assignee), to: now.Assignee, toText: name(now.Assignee)},
		{field: "reporter", id: "reporter", from: before.Reporter, fromText: name(before.Reporter), to: now.Reporter, toText: name(now.Reporter)},
	}
}

func customChanges(before, now Issue) []change {
	names := maps.Clone(before.Custom)
	if names == nil {
		names = now.Custom
	} else {
		maps.Copy(names, now.Custom)
	}
	var all []change
	for _, name := range slices.Sorted(maps.Keys(names)) {
		all = append(all, change{field: name, id: name, custom: true, fromText: string(before.Custom[name]), toText: string(now.Custom[name])})
	}
	return all
}

// idOf is the id of the issue with the key as text, or "".
func (s *site) idOf(key string) string {
	if r := s.find(cmp.Or(key, "-")); r != nil {
		return strconv.FormatInt(r.ID, 10)
	}
	return ""
}
