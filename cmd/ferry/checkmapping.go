package main

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"ferry/internal/ingest"
	"ferry/internal/mapping"
	"ferry/internal/port"
	"ferry/internal/port/defaults"
	"ferry/internal/source"
	"ferry/jira"
)

// readMapping finds the mapping that a sync would use, and says what is wrong with how it is written.
func (k *checkup) readMapping() {
	text := k.Mapping
	switch {
	case text != nil:
	case k.Port == nil:
		text = defaults.Mapping()
	case k.portDown:
		k.add(partMapping, "all of it", gradeSkipped, "Port keeps it, and did not give it", "")
		return
	case k.outlook.Mapping != nil:
		text = k.outlook.Mapping
	case k.outlook.Origin == "Port" && !k.outlook.Found.Initialized:
		k.add(partMapping, "all of it", gradeSkipped, "Port makes it, with its blueprints, at the first sync", "")
		return
	default:
		k.add(partMapping, "all of it", gradeWrong, "the mapping of integration "+k.Port.Identifier()+" in Port is empty",
			"write a mapping in Port's data sources page, or give --mapping FILE")
		return
	}
	m, err := mapping.Parse(k.mappingName(), text, source.Kinds())
	if e, ok := errors.AsType[*mapping.ParseError](err); ok {
		for _, fault := range e.Faults {
			k.add(partMapping, "all of it", gradeWrong, fault, "mend this place of the mapping")
		}
		return
	}
	if err != nil {
		k.add(partMapping, "all of it", gradeWrong, err.Error(), "mend the mapping")
		return
	}
	k.mapping = m
	if len(m.Resources)+len(m.SetAside) == 0 {
		k.add(partMapping, "all of it", gradeWarning, "it has no resources: a sync would read nothing",
			"write resources in Port's data sources page, or give --mapping FILE")
	}
	for _, warning := range m.Warnings {
		k.add(partMapping, "expressions", gradeWarning, warning, "mend this place of the mapping, or leave it so if it is meant")
	}
}

// compare holds each resource of the mapping against Jira, and the blueprints against Port.
func (k *checkup) compare(ctx context.Context) {
	if k.mapping == nil {
		return
	}
	readings, refused := ingest.Plan(k.mapping)
	told := map[int]finding{}
	for _, a := range k.mapping.SetAside {
		told[a.Index] = setAside(a)
	}
	for _, r := range refused {
		told[r.Resource] = finding{grade: gradeWarning, found: r.Reason, remedy: "mend the resource's selector"}
	}
	for _, reading := range readings {
		for _, q := range reading.Queries {
			count := k.countQuery(ctx, reading, q)
			for _, resource := range q.Resources {
				told[resource] = withFields(count, reading, resource)
			}
		}
	}
	names := map[int]string{}
	for _, r := range k.mapping.Resources {
		names[r.Index] = r.String()
	}
	for _, a := range k.mapping.SetAside {
		names[a.Index] = a.String()
	}
	for _, index := range slices.Sorted(maps.Keys(told)) {
		f := told[index]
		k.add(partMapping, names[index], f.grade, f.found, f.remedy)
	}
	k.compareBlueprints(ctx)
}

func setAside(a mapping.SetAside) finding {
	if source.IsKind(a.Kind) && !slices.Contains(source.Kinds(), a.Kind) {
		return finding{grade: gradeWarning, found: "the kind " + a.Kind + " is not read yet: the resource would be set aside",
			remedy: "leave it, and nothing of its blueprint is touched in Port; or take it out of the mapping"}
	}
	return finding{grade: gradeWarning, found: "would be set aside: " + strings.Join(a.Reasons, "; "), remedy: "mend the resource"}
}

// countQuery asks Jira how much a query selects, which it does only if it takes the query.
func (k *checkup) countQuery(ctx context.Context, reading *source.Reading, q source.Query) finding {
	if !k.canRead(reading.Kind) {
		return finding{grade: gradeSkipped, found: "not tried: Jira does not let us read " + reading.Kind + "s"}
	}
	if q.JQL == "" {
		return finding{grade: gradeOK, found: "all " + reading.Kind + "s"}
	}
	n, err := source.New(k.Jira).Count(ctx, q.JQL)
	switch {
	case err == nil:
		return finding{grade: gradeOK, found: "about " + counted(int64(n), reading.Kind)}
	case refusesQuery(err):
		return finding{grade: gradeWrong, found: "Jira refuses its JQL: " + k.complaint(ctx, q.JQL, err),
			remedy: "mend selector.jql; the issue search of Jira takes the same text"}
	}
	return finding{grade: gradeWrong, found: "its JQL could not be tried: " + err.Error(), remedy: "try again"}
}

func refusesQuery(err error) bool {
	e, ok := errors.AsType[*jira.Error](err)
	return ok && e.Status == http.StatusBadRequest
}

// complaint is what Jira has against a query. A sync asks for it in parentheses; Jira is asked once more without them, so
// that the places it names are those in the mapping.
func (k *checkup) complaint(ctx context.Context, jql string, refusal error) string {
	if _, err := k.Jira.ApproximateCount(ctx, jql); refusesQuery(err) {
		refusal = err
	}
	if e, ok := errors.AsType[*jira.Error](refusal); ok && len(e.Messages) > 0 {
		return strings.Join(e.Messages, "; ")
	}
	return refusal.Error()
}

// withFields adds what Jira is asked for of each issue.
func withFields(f finding, reading *source.Reading, resource int) finding {
	if f.grade != gradeOK {
		return f
	}
	fields := reading.Explicit(resource)
	if fields == nil {
		fields = reading.Fields()
	}
	if len(fields) > 0 {
		f.found += "; reads " + strings.Join(fields, ", ")
	}
	return f
}

// use is what all resources together set on entities of one blueprint.
type use struct{ properties, relations map[string]bool }

// compareBlueprints looks whether Port has, or would be given, what the mapping sets.
func (k *checkup) compareBlueprints(ctx context.Context) {
	if k.Port == nil {
		return
	}
	uses := map[string]*use{}
	var order []string
	for _, r := range k.mapping.Resources {
		if r.Blueprint == "" {
			k.add(partPort, "blueprint", gradeOK, "that of "+r.String()+" is computed: it is known only when the item is read", "")
			continue
		}
		if uses[r.Blueprint] == nil {
			uses[r.Blueprint] = &use{map[string]bool{}, map[string]bool{}}
			order = append(order, r.Blueprint)
		}
		for _, name := range r.Properties() {
			uses[r.Blueprint].properties[name] = true
		}
		for _, name := range r.Relations() {
			uses[r.Blueprint].relations[name] = true
		}
	}
	for _, id := range order {
		k.compareBlueprint(ctx, id, uses[id])
	}
}

func (k *checkup) compareBlueprint(ctx context.Context, id string, u *use) {
	subject := "blueprint " + id
	if k.portDown {
		k.add(partPort, subject, gradeSkipped, "Port was not asked", "")
		return
	}
	b, made, err := k.blueprint(ctx, id)
	switch {
	case errors.Is(err, port.ErrNotFound):
		k.add(partPort, subject, gradeWarning, "is not there: Port would refuse every entity of it",
			"make it in Port's builder, or change what the mapping says")
		return
	case err != nil:
		k.add(partPort, subject, gradeWrong, err.Error(), "try again, or check what the credentials may read in Port")
		return
	}
	if lacks := u.beyond(b); lacks != "" {
		k.add(partPort, subject, gradeWarning, "has not what the mapping sets, and Port would refuse the entities: "+lacks,
			"add that to the blueprint in Port, or take it out of the mapping")
		return
	}
	if wants := u.short(b); wants != "" {
		k.add(partPort, subject, gradeWarning, "requires what the mapping does not set: "+wants,
			"set that in the mapping, or make it optional in Port")
		return
	}
	found := "has all that is set"
	if made {
		found = "is not there yet: a sync makes it"
	}
	k.add(partPort, subject, gradeOK, found, "")
}

// blueprint is one as a sync would find it; made says that the sync makes it first.
func (k *checkup) blueprint(ctx context.Context, id string) (b port.Blueprint, made bool, err error) {
	for _, raw := range k.outlook.Blueprints {
		var shape struct {
			Identifier string
			Schema     struct{ Properties map[string]json.RawMessage }
			Relations  map[string]port.Relation
		}
		if err := json.Unmarshal(raw, &shape); err != nil {
			return b, false, err
		}
		if shape.Identifier == id {
			return port.Blueprint{Identifier: id, Properties: shape.Schema.Properties, Relations: shape.Relations}, true, nil
		}
	}
	b, err = k.Port.Blueprint(ctx, id)
	return b, false, err
}

// beyond names what is set and the blueprint does not have.
func (u *use) beyond(b port.Blueprint) string {
	var lacks []string
	for _, name := range slices.Sorted(maps.Keys(u.properties)) {
		if _, has := b.Properties[name]; !has {
			lacks = append(lacks, "property "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(u.relations)) {
		if _, has := b.Relations[name]; !has {
			lacks = append(lacks, "relation "+name)
		}
	}
	return strings.Join(lacks, ", ")
}

// short names what the blueprint requires and nobody sets.
func (u *use) short(b port.Blueprint) string {
	var wants []string
	for _, name := range b.Required {
		if !u.properties[name] {
			wants = append(wants, "property "+name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Relations)) {
		if b.Relations[name].Required && !u.relations[name] {
			wants = append(wants, "relation "+name)
		}
	}
	return strings.Join(wants, ", ")
}
