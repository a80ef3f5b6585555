package source

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Kinds are the kinds that Ferry reads, as a mapping names them.
func Kinds() []string { return []string{Project, Issue} }

// The kinds.
const (
	Project = "project"
	Issue   = "issue"
	User    = "user"
	Release = "release" // a version of a project
	Board   = "board"
	Sprint  = "sprint"
	Worklog = "worklog"
)

// later are the kinds that a mapping may have and that are not read yet. Ocean's facts, H.3.
var later = []string{User, "team", Release, Board, Sprint, "backlog", "epic", Worklog, "component"}

// IsKind tells whether a mapping may have the kind; any other word may be meant for one.
func IsKind(kind string) bool { return slices.Contains(Kinds(), kind) || slices.Contains(later, kind) }

// Ask is what one resource of the mapping asks of Jira.
type Ask struct {
	Resource  int             // its index in the mapping
	Kind      string          // one of Kinds
	Selector  json.RawMessage // the selector object
	Fields    []string        // the keys of the item's `fields` that the resource reads
	AllFields bool            // it may read any of them
}

// Reading is one kind as Jira is asked for it, for one or more resources.
type Reading struct {
	Kind      string
	Name      string // tells readings apart, in the catalogue too
	Resources []int  // by their index in the mapping
	Queries   []Query
	Expand    []string
	fields    map[string]bool
	allFields bool
	explicit  map[int][]string // the fields a resource's selector names, by resource
}

// Query is one question that selects items of a reading. Its bit marks the items that it
// selected.
type Query struct {
	JQL       string // empty for a kind without
	Bit       int
	Resources []int
}

// maxQueries is how many questions the catalogue's masks can tell apart.
const maxQueries = 62

// Refusal is a resource whose selector cannot be used.
type Refusal struct {
	Resource int
	Reason   string
}

// Plan groups what the resources ask into readings, in the order in which the mapping first
// needs each.
func Plan(asks []Ask) (readings []*Reading, refused []Refusal) {
	for _, ask := range asks {
		want, err := parseSelector(ask)
		if err != nil {
			refused = append(refused, Refusal{ask.Resource, err.Error()})
			continue
		}
		r := find(readings, want.reading)
		if r == nil {
			r = &Reading{Kind: ask.Kind, Name: want.reading, Expand: want.expand, fields: map[string]bool{}, explicit: map[int][]string{}}
			readings = append(readings, r)
		}
		if err := r.add(ask, want); err != nil {
			refused = append(refused, Refusal{ask.Resource, err.Error()})
		}
	}
	readings = slices.DeleteFunc(readings, func(r *Reading) bool { return len(r.Resources) == 0 })
	return readings, refused
}

func find(readings []*Reading, name string) *Reading {
	for _, r := range readings {
		if r.Name == name {
			return r
		}
	}
	return nil
}

func (r *Reading) add(ask Ask, want want) error {
	q := r.query(want.jql)
	if q == nil {
		if len(r.Queries) == maxQueries {
			return fmt.Errorf("the mapping has more than %d different selectors of kind %s: join some of them with OR", maxQueries, r.Kind)
		}
		r.Queries = append(r.Queries, Query{JQL: want.jql, Bit: len(r.Queries)})
		q = &r.Queries[len(r.Queries)-1]
	}
	q.Resources = append(q.Resources, ask.Resource)
	r.Resources = append(r.Resources, ask.Resource)
	switch {
	case want.fields != nil:
		r.explicit[ask.Resource] = want.fields
		r.addFields(want.fields)
	case want.allFields || ask.AllFields:
		r.allFields = true
	default:
		r.addFields(ask.Fields)
	}
	return nil
}

func (r *Reading) query(jql string) *Query {
	for i := range r.Queries {
		if r.Queries[i].JQL == jql {
			return &r.Queries[i]
		}
	}
	return nil
}

func (r *Reading) addFields(names []string) {
	for _, name := range names {
		r.fields[name] = true
	}
}

// Mask has the bits of all the reading's queries.
func (r *Reading) Mask() int64 { return 1<<len(r.Queries) - 1 }

// Selecting are the resources whose query is among those of mask.
func (r *Reading) Selecting(mask int64) []int {
	var resources []int
	for _, q := range r.Queries {
		if mask&(1<<q.Bit) != 0 {
			resources = append(resources, q.Resources...)
		}
	}
	return resources
}

// Explicit are the only fields that a resource may see, because its selector names them; nil
// if it may see all that is read.
func (r *Reading) Explicit(resource int) []string { return r.explicit[resource] }

// Fields are the fields that Jira is asked for, sorted. `updated` and `project` are always
// among them: Ferry itself needs to know how new an issue is, and where it lies.
func (r *Reading) Fields() []string {
	if r.Kind != Issue {
		return nil
	}
	if r.allFields {
		return []string{"*all"}
	}
	names := []string{"updated", "project"}
	for name := range r.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// want is what a selector asks for, beside its jq query.
type want struct {
	reading   string
	jql       string
	expand    []string
	fields    []string // named one by one; nil if not
	allFields bool
}

func parseSelector(ask Ask) (want, error) {
	switch ask.Kind {
	case Project:
		return parseProject(ask.Selector)
	case Issue:
		return parseIssue(ask.Selector)
	}
	return want{}, fmt.Errorf("the kind %q is not read yet", ask.Kind)
}

// parseProject: the selector of a project has `expand`, "insight" if it is not given.
// Ocean's facts, H.3.
func parseProject(selector json.RawMessage) (want, error) {
	var s struct{ Expand *string }
	if err := unmarshal(selector, &s); err != nil {
		return want{}, err
	}
	expand := "insight"
	if s.Expand != nil {
		expand = *s.Expand
	}
	w := want{expand: list(expand)}
	w.reading = name(Project, w.expand)
	return w, nil
}

// DefaultJQL is what an issue resource selects that gives no jql. Ocean's facts, H.3.
const DefaultJQL = "(statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)"

func parseIssue(selector json.RawMessage) (want, error) {
	var s struct {
		JQL    *string
		Fields json.RawMessage
		Expand *string
	}
	if err := unmarshal(selector, &s); err != nil {
		return want{}, err
	}
	w := want{jql: DefaultJQL}
	if s.JQL != nil {
		w.jql = *s.JQL
	}
	if s.Expand != nil {
		w.expand = list(*s.Expand)
	}
	w.reading = name(Issue, w.expand)
	err := w.setFields(s.Fields)
	return w, err
}

// setFields reads `fields`: a comma list or a list of names. Without it Ferry asks for what the
// mapping reads, which is what the resource sees of Ocean's "*all" too.
func (w *want) setFields(raw json.RawMessage) error {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return fmt.Errorf("selector.fields should be a list of field names between commas, like \"summary,status\", or \"*all\"")
		}
		names = list(text)
	}
	if len(names) == 0 {
		return nil
	}
	for _, n := range names {
		if strings.HasPrefix(n, "*") || strings.HasPrefix(n, "-") {
			w.allFields = true
			return nil
		}
	}
	w.fields = names
	return nil
}

func unmarshal(selector json.RawMessage, into any) error {
	if len(selector) == 0 {
		return nil
	}
	if err := json.Unmarshal(selector, into); err != nil {
		return fmt.Errorf("selector: %w: jql and expand should be texts", err)
	}
	return nil
}

// list splits a comma list, sorted, each once.
func list(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func name(kind string, expand []string) string {
	if len(expand) == 0 {
		return kind
	}
	return kind + " expand=" + strings.Join(expand, ",")
}

// KindOf is the kind of a reading's name.
func KindOf(reading string) string {
	kind, _, _ := strings.Cut(reading, " ")
	return kind
}
