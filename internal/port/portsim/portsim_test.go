package portsim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ferry/internal/port/portsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const agent = "port-ocean/jira/0.7.99/my-jira/exporter"

const models = `[{"identifier":"user","schema":{"properties":{"email":{"type":"string"}}}},
{"identifier":"project","schema":{"properties":{"url":{"type":"string"}}}},
{"identifier":"issue","schema":{"properties":{"status":{"type":"string"},"size":{"type":"number"},"count":{"type":"integer"},"done":{"type":"boolean"},
 "labels":{"type":"array","items":{"type":"string"}},"more":{"type":"object"},"level":{"type":"string","enum":["low","high"]}}},
 "relations":{"project":{"target":"project","many":false},"parent":{"target":"issue","many":false},"subtasks":{"target":"issue","many":true},"assignee":{"target":"user","many":false}}},
{"identifier":"strict","schema":{"properties":{"must":{"type":"string"}},"required":["must"]},"relations":{"owner":{"target":"user","required":true}}}]`

// A desk is a simulated Port and somebody who is signed in to it.
type desk struct {
	t     testing.TB
	sim   *portsim.Server
	token string
	agent string
}

func open(t testing.TB, config portsim.Config) *desk {
	t.Helper()
	d := &desk{t: t, sim: portsim.New(config), agent: agent}
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(models), &all); err != nil {
		t.Fatal(err)
	}
	for _, model := range all {
		d.sim.AddBlueprint(model)
	}
	d.signIn()
	return d
}

func (d *desk) signIn() {
	_, answer := d.send("POST", "/v1/auth/access_token", `{"clientId":"id","clientSecret":"secret"}`)
	d.token, _ = answer["accessToken"].(string)
}

// send makes one request and decodes its answer, nil when that is no JSON.
func (d *desk) send(method, path, body string) (int, map[string]any) {
	d.t.Helper()
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+d.token)
	request.Header.Set("User-Agent", d.agent)
	w := httptest.NewRecorder()
	d.sim.ServeHTTP(w, request)
	var answer map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &answer)
	return w.Code, answer
}

const upserting = "?upsert=true&merge=true&create_missing_related_entities=true"

// put writes entities to a blueprint and returns the status and the errors by index, as "code: message".
func (d *desk) put(blueprint, query string, entities ...string) (int, map[int]string) {
	d.t.Helper()
	status, answer := d.send("POST", "/v1/blueprints/"+blueprint+"/entities/bulk"+query, `{"entities":[`+strings.Join(entities, ",")+`]}`)
	errors := map[int]string{}
	list, _ := answer["errors"].([]any)
	for _, one := range list {
		e := one.(map[string]any)
		errors[int(e["index"].(float64))] = fmt.Sprintf("%v %v: %v", e["statusCode"], e["error"], e["message"])
	}
	return status, errors
}

func TestTokens(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := open(t, portsim.Config{ClientID: "id", ClientSecret: "secret", TokenLife: time.Hour, Clock: func() time.Time { return now }})
	get := func() int { status, _ := d.send("GET", "/v1/organization", ""); return status }
	for _, step := range []struct {
		name string
		do   func()
		want int
	}{
		{"signed in", func() {}, 200},
		{"just before the end", func() { now = now.Add(time.Hour - 1) }, 200},
		{"at the end", func() { now = now.Add(1) }, 401},
		{"signed in again", d.signIn, 200},
		{"withdrawn", d.sim.Revoke, 401},
		{"not a token", func() { d.token = "" }, 401},
	} {
		if step.do(); get() != step.want {
			t.Errorf("%s: status = %d, want %d", step.name, get(), step.want)
		}
	}
	for body, want := range map[string]int{
		`{"clientId":"id","clientSecret":"wrong"}`: 401, `{"clientId":"who","clientSecret":"secret"}`: 401, `{"clientId":"id"}`: 422, `x`: 422,
	} {
		if status, _ := d.send("POST", "/v1/auth/access_token", body); status != want {
			t.Errorf("token for %s = %d, want %d", body, status, want)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	d := open(t, portsim.Config{})
	for id, want := range map[string]bool{
		"A-1": true, "a@b.c": true, `x\\y/z=:+_`: true, "Überß": true, "日本": true, "...": true, strings.Repeat("x", 1000): true, strings.Repeat("é", 1000): true,
		"": false, ".": false, "..": false, "a b": false, "a#b": false, "a(b)": false, "a,b": false, "²": false, "٣": false, strings.Repeat("x", 1001): false, "a\u0301": false,
	} {
		if _, errors := d.put("issue", upserting, `{"identifier":"`+id+`"}`); (len(errors) == 0) != want {
			t.Errorf("identifier %.20q: errors = %v, want taken %t", id, errors, want)
		}
	}
	whole := open(t, portsim.Config{RefuseWhole: true})
	if status, _ := whole.put("issue", upserting, `{"identifier":"A"}`, `{"identifier":"a b"}`); status != 422 || whole.sim.Len("issue") != 0 {
		t.Errorf("RefuseWhole: status %d, %d entities; want 422 and none", status, whole.sim.Len("issue"))
	}
}

func TestLimits(t *testing.T) {
	d := open(t, portsim.Config{})
	many := func(n int) []string { return strings.Split(strings.Repeat(`{"identifier":"A"} `, n), " ")[:n] }
	big := `{"identifier":"A","title":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, tt := range []struct {
		name     string
		entities []string
		want     int
	}{
		{"none", nil, 422}, {"20", many(20), 200}, {"21", many(21), 422}, {"over 1 MiB", []string{big}, 413},
		{"no object", []string{`"x"`}, 422}, {"broken", []string{`{`}, 422},
	} {
		if status, _ := d.put("issue", upserting, tt.entities...); status != tt.want {
			t.Errorf("%s: status = %d, want %d", tt.name, status, tt.want)
		}
	}
	if status, _ := d.put("nowhere", upserting, `{"identifier":"A"}`); status != 404 {
		t.Errorf("unknown blueprint: status = %d, want 404", status)
	}
	ids := `{"entities":["` + strings.Join(strings.Split(strings.Repeat("A ", 101), " ")[:101], `","`) + `"]}`
	if status, _ := d.send("POST", "/v1/blueprints/issue/bulk/entities/delete", ids); status != 422 {
		t.Errorf("delete of 101: status = %d, want 422", status)
	}
}

func TestWhatEntitiesAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, blueprint, entity, want string }{
		{"plain", "issue", `{"identifier":"A","title":"t","icon":"Jira","team":"x","properties":{"status":"s","size":1.5,"count":2,"done":true,"labels":["a"],"more":{"a":1},"level":"low"}}`, ""},
		{"nulls", "issue", `{"identifier":"A","title":null,"icon":null,"team":null,"properties":{"status":null,"size":null,"labels":null},"relations":{"parent":null,"subtasks":null}}`, ""},
		{"unknown property", "issue", `{"identifier":"A","properties":{"other":1}}`, `422 invalid_request: property "other"`},
		{"text for a number", "issue", `{"identifier":"A","properties":{"size":"1"}}`, `422 invalid_request: property "size"`},
		{"fraction for an integer", "issue", `{"identifier":"A","properties":{"count":1.5}}`, `422 invalid_request: property "count"`},
		{"number for text", "issue", `{"identifier":"A","properties":{"status":1}}`, `422 invalid_request: property "status"`},
		{"object for text", "issue", `{"identifier":"A","properties":{"status":{}}}`, `422 invalid_request: property "status"`},
		{"text for a boolean", "issue", `{"identifier":"A","properties":{"done":"true"}}`, `422 invalid_request: property "done"`},
		{"text for a list", "issue", `{"identifier":"A","properties":{"labels":"a"}}`, `422 invalid_request: property "labels"`},
		{"objects in a list of texts", "issue", `{"identifier":"A","properties":{"labels":[{"name":"a"}]}}`, `422 invalid_request: property "labels"`},
		{"not of the enumeration", "issue", `{"identifier":"A","properties":{"level":"medium"}}`, `422 invalid_request: property "level"`},
		{"unknown relation", "issue", `{"identifier":"A","relations":{"other":"x"}}`, `422 invalid_request: relation "other"`},
		{"list for a single relation", "issue", `{"identifier":"A","relations":{"parent":["x"]}}`, `422 invalid_request: relation "parent"`},
		{"text for a many relation", "issue", `{"identifier":"A","relations":{"subtasks":"x"}}`, `422 invalid_request: relation "subtasks"`},
		{"null in a many relation", "issue", `{"identifier":"A","relations":{"subtasks":[null]}}`, `422 invalid_request: relation "subtasks"`},
		{"related identifier", "issue", `{"identifier":"A","relations":{"parent":"a b"}}`, `422 invalid_request: relation "parent"`},
		{"number for an identifier", "issue", `{"identifier":1}`, `422 invalid_request: identifier`},
		{"no identifier", "issue", `{"title":"x"}`, `422 invalid_request: identifier`},
		{"number for a title", "issue", `{"identifier":"A","title":1}`, `422 invalid_request: title`},
		{"another blueprint", "issue", `{"identifier":"A","blueprint":"user"}`, `422 invalid_request: the entity's blueprint`},
		{"without what is required", "strict", `{"identifier":"A","relations":{"owner":"u"}}`, `422 invalid_request: property "must"`},
		{"null for what is required", "strict", `{"identifier":"A","properties":{"must":null},"relations":{"owner":"u"}}`, `422 invalid_request: property "must"`},
		{"without a required relation", "strict", `{"identifier":"A","properties":{"must":"x"}}`, `422 invalid_request: relation "owner"`},
		{"with what is required", "strict", `{"identifier":"A","properties":{"must":"x"},"relations":{"owner":"u"}}`, ""},
	} {
		d := open(t, portsim.Config{})
		status, errors := d.put(tt.blueprint, upserting, tt.entity, `{"identifier":"OK","properties":{"status":"s"}}`)
		if !strings.HasPrefix(errors[0], tt.want) || (tt.want == "") != (errors[0] == "") {
			t.Errorf("%s: error = %q, want %q", tt.name, errors[0], tt.want)
		}
		if tt.blueprint == "issue" {
			want := 200
			if tt.want != "" {
				want = 207
			}
			if status != want || d.sim.Len("issue") == 0 {
				t.Errorf("%s: status %d with %d entities, want %d and the good one taken", tt.name, status, d.sim.Len("issue"), want)
			}
		}
		if _, there := d.sim.Entity(tt.blueprint, "A"); there != (tt.want == "") {
			t.Errorf("%s: entity there = %t", tt.name, there)
		}
	}
}

func TestMissingTargets(t *testing.T) {
	d := open(t, portsim.Config{})
	_, errors := d.put("issue", "?upsert=true&merge=true&create_missing_related_entities=false", `{"identifier":"A","relations":{"project":"P"}}`)
	if want := "404 not_found: entity P of relation project"; !strings.HasPrefix(errors[0], want) || d.sim.Len("issue") != 0 {
		t.Errorf("without making them: %q, %d issues; want %q and none", errors[0], d.sim.Len("issue"), want)
	}
	if _, errors := d.put("issue", upserting, `{"identifier":"A","relations":{"project":"P","subtasks":["B","A"]}}`); len(errors) > 0 {
		t.Errorf("making them: %v, want none", errors)
	}
	want := portsim.Entity{Blueprint: "project", Identifier: "P", Properties: map[string]any{}, Relations: map[string]any{}, Datasource: agent}
	got, _ := d.sim.Entity("project", "P")
	got.Created, got.Updated = time.Time{}, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the stub (-want +got)\n%s", diff)
	}
	if d.sim.Len("issue") != 2 {
		t.Errorf("issues = %d, want A and the stub B", d.sim.Len("issue"))
	}
	// An entity that is refused leaves no stub behind.
	d.put("issue", upserting, `{"identifier":"C","properties":{"other":1},"relations":{"project":"Q"}}`)
	d.put("issue", upserting, `{"identifier":"C","relations":{"project":"Q","parent":"a b"}}`)
	if _, there := d.sim.Entity("project", "Q"); there {
		t.Error("a refused entity made a stub")
	}
}

func TestMergeAndReplace(t *testing.T) {
	first := `{"identifier":"A","title":"t","icon":"i","team":["x"],"properties":{"status":"s","size":1},"relations":{"project":"P","subtasks":["B"]}}`
	second := `{"identifier":"A","title":"u","properties":{"status":null},"relations":{"subtasks":[]}}`
	for _, tt := range []struct {
		merge string
		want  portsim.Entity
	}{
		{"true", portsim.Entity{Title: "u", Icon: "i", Team: []any{"x"}, Properties: map[string]any{"status": nil, "size": 1.0}, Relations: map[string]any{"project": "P", "subtasks": []any{}}}},
		{"false", portsim.Entity{Title: "u", Properties: map[string]any{"status": nil}, Relations: map[string]any{"subtasks": []any{}}}},
	} {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		d := open(t, portsim.Config{Clock: func() time.Time { return now }})
		query := "?upsert=true&create_missing_related_entities=true&merge=" + tt.merge
		d.put("issue", query, first)
		tt.want.Created = now
		now = now.Add(time.Minute)
		d.put("issue", query, second)
		tt.want.Blueprint, tt.want.Identifier, tt.want.Datasource, tt.want.Updated = "issue", "A", agent, now
		got, _ := d.sim.Entity("issue", "A")
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("merge=%s (-want +got)\n%s", tt.merge, diff)
		}
	}
}

func TestUpsertFlags(t *testing.T) {
	d := open(t, portsim.Config{})
	d.put("issue", upserting, `{"identifier":"A"}`)
	if _, errors := d.put("issue", "", `{"identifier":"A"}`); !strings.HasPrefix(errors[0], "409") {
		t.Errorf("without upsert: %q, want 409", errors[0])
	}
	if _, errors := d.put("issue", upserting+"&validation_only=true", `{"identifier":"B"}`, `{"identifier":" "}`); errors[0] != "" || errors[1] == "" || d.sim.Len("issue") != 1 {
		t.Errorf("validation only: %v, %d issues; want the second refused and nothing written", errors, d.sim.Len("issue"))
	}
}

func TestOwnership(t *testing.T) {
	d := open(t, portsim.Config{})
	owner := func() string { e, _ := d.sim.Entity("issue", "A"); return e.Datasource }
	for _, step := range []struct{ agent, want string }{
		{"port-ocean/jira/1/other/exporter", "port-ocean/jira/1/other/exporter"},
		{agent, agent},
		{"curl/8", agent}, // not an exporter: who wrote it last with one stays
	} {
		d.agent = step.agent
		if d.put("issue", upserting, `{"identifier":"A"}`); owner() != step.want {
			t.Errorf("after %s: datasource = %s, want %s", step.agent, owner(), step.want)
		}
	}
}

func TestSearchObjects(t *testing.T) {
	d := open(t, portsim.Config{})
	d.sim.AddBlueprint([]byte(`{"identifier":"_team"}`))
	d.sim.Put(portsim.Entity{Blueprint: "_team", Identifier: "t1", Title: "Core"}, agent)
	d.put("user", upserting, `{"identifier":"u1","properties":{"email":"a@x"}}`, `{"identifier":"u2","properties":{"email":"b@x"}}`, `{"identifier":"u3","properties":{"email":"b@x"}}`)
	d.put("issue", upserting, `{"identifier":"A","properties":{"status":"open"}}`, `{"identifier":"B","properties":{"status":"done"}}`)
	by := func(property, operator, value string) string {
		return `{"combinator":"and","rules":[{"property":"` + property + `","operator":"` + operator + `","value":` + value + `}]}`
	}
	for _, tt := range []struct{ name, entity, want string }{
		{"identifier", `{"identifier":` + by("status", "=", `"open"`) + `,"title":"found"}`, ""},
		{"identifier by nested or", `{"identifier":{"combinator":"or","rules":[` + by("status", "=", `"none"`) + `,` + by("$identifier", "in", `["A"]`) + `]},"title":"found"}`, ""},
		{"no match", `{"identifier":` + by("status", "=", `"none"`) + `}`, "404 not_found"},
		{"two matches", `{"identifier":` + by("status", "isNotEmpty", `null`) + `}`, "422 invalid_request"},
		{"unknown operator", `{"identifier":` + by("status", "like", `"x"`) + `}`, "422 invalid_request"},
		{"no combinator", `{"identifier":{"rules":[]}}`, "422 invalid_request"},
		{"no rules", `{"identifier":{"a":1}}`, "422 invalid_request"},
		{"relation", `{"identifier":"A","relations":{"assignee":` + by("email", "=", `"a@x"`) + `}}`, ""},
		{"relation with two", `{"identifier":"A","relations":{"assignee":` + by("email", "=", `"b@x"`) + `}}`, "422 invalid_request"},
		{"many relation", `{"identifier":"A","relations":{"subtasks":` + by("$identifier", "in", `["A","B"]`) + `}}`, ""},
		{"team", `{"identifier":"A","team":` + by("$title", "=", `"Core"`) + `}`, ""},
	} {
		if _, errors := d.put("issue", upserting, tt.entity); !strings.HasPrefix(errors[0], tt.want) || (tt.want == "") != (errors[0] == "") {
			t.Errorf("%s: %q, want %q", tt.name, errors[0], tt.want)
		}
	}
	want := portsim.Entity{Title: "found", Team: []any{"t1"}, Properties: map[string]any{"status": "open"},
		Relations: map[string]any{"assignee": "u1", "subtasks": []any{"A", "B"}}}
	got, _ := d.sim.Entity("issue", "A")
	got.Blueprint, got.Identifier, got.Datasource, got.Created, got.Updated = "", "", "", time.Time{}, time.Time{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the found entity (-want +got)\n%s", diff)
	}
	d.put("issue", upserting, `{"identifier":"A","relations":{"assignee":`+by("email", "=", `"nobody"`)+`}}`)
	if got, _ := d.sim.Entity("issue", "A"); got.Relations["assignee"] != nil {
		t.Errorf("a relation whose search finds nothing = %v, want null", got.Relations["assignee"])
	}
	_, answer := d.send("POST", "/v1/blueprints/issue/entities/bulk"+upserting, `{"entities":[{"identifier":`+by("status", "=", `"none"`)+`}]}`)
	if id := answer["errors"].([]any)[0].(map[string]any)["identifier"]; id != "unknown" {
		t.Errorf("identifier of a search without match = %v, want unknown", id)
	}
}

func TestDeleteWithDependents(t *testing.T) {
	build := func() *desk {
		d := open(t, portsim.Config{})
		d.put("issue", upserting, `{"identifier":"A","relations":{"project":"P"}}`, `{"identifier":"B","relations":{"parent":"A"}}`,
			`{"identifier":"C","relations":{"subtasks":["X","B"]}}`, `{"identifier":"D"}`)
		return d
	}
	remove := func(d *desk, blueprint, dependents, ids string) (int, any) {
		status, answer := d.send("POST", "/v1/blueprints/"+blueprint+"/bulk/entities/delete?delete_dependents="+dependents, `{"entities":[`+ids+`]}`)
		return status, answer["deletedEntities"]
	}
	left := func(d *desk) string {
		var ids []string
		for _, e := range append(d.sim.Entities("project"), d.sim.Entities("issue")...) {
			ids = append(ids, e.Identifier)
		}
		return strings.Join(ids, " ")
	}
	for _, tt := range []struct {
		name, blueprint, dependents, ids string
		status                           int
		left                             string
	}{
		{"cascade over everything", "project", "true", `"P"`, 200, "D X"},
		{"blocked", "project", "false", `"P"`, 422, "P A B C D X"},
		{"blocked wholly", "issue", "false", `"D","B"`, 422, "P A B C D X"},
		{"dependents deleted with it", "issue", "false", `"A","B","C"`, 200, "P D X"},
		{"unknown passed over", "issue", "false", `"D","NONE"`, 200, "P A B C X"},
		{"unknown blueprint", "nowhere", "true", `"D"`, 404, "P A B C D X"},
	} {
		d := build()
		if status, _ := remove(d, tt.blueprint, tt.dependents, tt.ids); status != tt.status || left(d) != tt.left {
			t.Errorf("%s: status %d, left %q; want %d, %q", tt.name, status, left(d), tt.status, tt.left)
		}
	}
	d := build()
	if _, deleted := remove(d, "issue", "true", `"D","NONE","D"`); cmp.Diff([]any{"D"}, deleted) != "" {
		t.Errorf("deletedEntities = %v, want D", deleted)
	}
}

func TestSearchAndDatasource(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d := open(t, portsim.Config{Clock: func() time.Time { return now }})
	d.put("project", upserting, `{"identifier":"P"}`)
	d.put("issue", upserting, `{"identifier":"A","title":"x","properties":{"status":"s","size":3},"relations":{"project":"P"}}`, `{"identifier":"B"}`)
	now = now.Add(time.Minute)
	d.put("issue", upserting, `{"identifier":"B"}`)
	d.agent = "port-ocean/jira/1/other/exporter"
	d.put("issue", upserting, `{"identifier":"C"}`)

	_, answer := d.send("POST", "/v1/entities/search?include=identifier&include=properties.status&include=relations.project",
		`{"combinator":"and","rules":[{"property":"$blueprint","operator":"=","value":"issue"},{"property":"$datasource","operator":"contains","value":"/my-jira/exporter"},{"property":"size","operator":">=","value":3}]}`)
	want := []any{map[string]any{"identifier": "A", "properties": map[string]any{"status": "s"}, "relations": map[string]any{"project": "P"}}}
	if diff := cmp.Diff(want, answer["entities"]); diff != "" {
		t.Errorf("search (-want +got)\n%s", diff)
	}
	list := func(body string) string {
		status, answer := d.send("POST", "/v1/blueprints/entities/datasource-entities", body)
		got := fmt.Sprint(status)
		entities, _ := answer["entities"].([]any)
		for _, e := range entities {
			got += " " + e.(map[string]any)["blueprint"].(string) + "/" + e.(map[string]any)["identifier"].(string)
		}
		if answer["next"] != nil {
			got += " next"
		}
		return got
	}
	const ours = `"datasource_prefix":"port-ocean/jira/","datasource_suffix":"/my-jira/exporter"`
	for body, want := range map[string]string{
		`{` + ours + `,"limit":5000}`: "200 issue/A issue/B project/P",
		`{` + ours + `,"limit":2}`:    "200 issue/A issue/B next",
		`{` + ours + `,"limit":5000,"before":"2026-01-01T00:01:00.000+00:00"}`: "200 issue/A project/P",
		`{` + ours + `,"limit":5001}`:                                          "422",
		`{` + ours + `,"limit":0}`:                                             "422",
		`{` + ours + `,"limit":1,"before":"yesterday"}`:                        "422",
		`{` + ours + `,"limit":1,"from":"zz"}`:                                 "422",
		`{"limit":1}`:                                                          "422",
	} {
		if got := list(body); got != want {
			t.Errorf("datasource-entities %s = %q, want %q", body, got, want)
		}
	}
}

func TestSearchOperators(t *testing.T) {
	d := open(t, portsim.Config{})
	d.sim.Put(portsim.Entity{Blueprint: "issue", Identifier: "A", Title: "Alpha", Icon: "Jira", Team: []string{"x"},
		Properties: map[string]any{"status": "open", "size": 2, "labels": []string{"ui"}}, Relations: map[string]any{"parent": "P", "subtasks": []string{"S"}, "project": nil}}, agent)
	for rule, want := range map[string]bool{
		`"$identifier" "=" "A"`: true, `"$title" "beginsWith" "Al"`: true, `"$title" "endsWith" "Al"`: false, `"$icon" "=" "Jira"`: true,
		`"$team" "=" ["x"]`: true, `"$datasource" "contains" "/my-jira/"`: true, `"$createdAt" ">" "2000-01-01"`: true, `"$updatedAt" "<" "2000-01-01"`: false,
		`"status" "in" ["open","done"]`: true, `"status" "notIn" ["open"]`: false, `"status" "!=" "open"`: false, `"status" "notContains" "op"`: false,
		`"labels" "contains" "ui"`: true, `"labels" "containsAny" ["api","ui"]`: true, `"labels" "containsAny" ["api"]`: false,
		`"size" "=" 2`: true, `"size" ">" 2`: false, `"size" ">=" 2`: true, `"size" "<=" 1`: false, `"size" "<" "3"`: false,
		`"parent" "=" "P"`: true, `"subtasks" "contains" "S"`: true, `"project" "isEmpty" null`: true, `"level" "isEmpty" null`: true, `"labels" "isNotEmpty" null`: true,
		`"status" "isEmpty" null`: false,
	} {
		parts := strings.SplitN(rule, " ", 3)
		_, answer := d.send("POST", "/v1/entities/search", `{"combinator":"or","rules":[{"property":`+parts[0]+`,"operator":`+parts[1]+`,"value":`+parts[2]+`}]}`)
		if found, _ := answer["entities"].([]any); (len(found) == 1) != want {
			t.Errorf("search %s found %v, want it found: %t", rule, answer, want)
		}
	}
}

func TestSingleEntities(t *testing.T) {
	d := open(t, portsim.Config{})
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/issue/entities" + upserting, `{"identifier":"a/b","relations":{"project":"P"}}`, 201},
		{"POST", "/issue/entities" + upserting, `{"identifier":"a/b"}`, 200},
		{"POST", "/issue/entities" + upserting, `{"identifier":"a b"}`, 422}, {"POST", "/issue/entities", `[]`, 422}, {"POST", "/nowhere/entities", `{}`, 404},
		{"GET", "/issue/entities/a%2Fb", "", 200}, {"GET", "/issue/entities/none", "", 404}, {"GET", "/nowhere/entities/x", "", 404},
	} {
		if status, _ := d.send(tt.method, "/v1/blueprints"+tt.path, tt.body); status != tt.want {
			t.Errorf("%s %s %s = %d, want %d", tt.method, tt.path, tt.body, status, tt.want)
		}
	}
	d.sim.Remove("issue", "a/b")
	if d.sim.Len("issue") != 0 || d.sim.Len("project") != 1 {
		t.Errorf("after Remove: %d issues, %d projects; want 0 and 1", d.sim.Len("issue"), d.sim.Len("project"))
	}
}

func TestBlueprints(t *testing.T) {
	d := open(t, portsim.Config{})
	d.put("user", upserting, `{"identifier":"u"}`)
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{"GET", "/user", "", 200}, {"GET", "/none", "", 404},
		{"POST", "", `{"identifier":"user"}`, 409}, {"POST", "", `{"identifier":"a b"}`, 422}, {"POST", "", `[]`, 422},
		{"POST", "", `{"identifier":"one","relations":{"r":{"target":"none"}}}`, 422},
		{"POST", "", `{"identifier":"one","relations":{"r":{"target":"one"},"u":{"target":"user"}}}`, 201},
		{"PATCH", "/one", `{"relations":{"r":{"target":"none"}}}`, 422}, {"PATCH", "/none", `{}`, 404}, {"PATCH", "/one", `{"title":"t"}`, 200},
		{"PATCH", "/one", `{"identifier":"two"}`, 422}, {"DELETE", "/user", "", 422}, {"DELETE", "/project", "", 422},
		{"DELETE", "/one", "", 200}, {"DELETE", "/one", "", 404}, {"GET", "/one/elsewhere", "", 404},
	} {
		if status, _ := d.send(tt.method, "/v1/blueprints"+tt.path, tt.body); status != tt.want {
			t.Errorf("%s blueprints%s %s = %d, want %d", tt.method, tt.path, tt.body, status, tt.want)
		}
	}
}

func TestFaultsOverASocket(t *testing.T) {
	sim := portsim.New(portsim.Config{})
	server := httptest.NewServer(sim)
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()
	get := func() (int, string, error) {
		response, err := client.Get(server.URL + "/v1/organization")
		if err != nil {
			return 0, "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, string(body), err
	}
	sim.Inject(portsim.Fault{Match: portsim.On("GET", "organization"), After: 1, Times: 1, Status: 429, Header: http.Header{"Retry-After": {"9"}}})
	sim.Inject(portsim.Fault{After: 1, Times: 1, Status: 200, Body: `{"ok":true}`, Cut: true})
	for i, want := range []string{"401", "429", "200 cut", "401"} {
		status, _, err := get()
		got := fmt.Sprint(status)
		if err != nil {
			got += " cut"
		}
		if got != want {
			t.Errorf("request %d = %s, want %s", i, got, want)
		}
	}
	sim.Inject(portsim.Fault{Probability: 0.5, Seed: 7, Status: 500})
	counts := map[int]int{}
	for range 200 {
		status, _, _ := get()
		counts[status]++
	}
	if counts[500] < 60 || counts[401] < 60 {
		t.Errorf("statuses = %v, want about half of each", counts)
	}
	sim.Heal()
	if status, _, _ := get(); status != 401 {
		t.Errorf("after Heal = %d, want 401", status)
	}
}

func TestConcurrentUse(t *testing.T) {
	d := open(t, portsim.Config{Log: true})
	var wait sync.WaitGroup
	for worker := range 8 {
		wait.Go(func() {
			for i := range 30 {
				d.put("issue", upserting, fmt.Sprintf(`{"identifier":"I-%d-%d","relations":{"project":"P%d"}}`, worker, i, i%3), `{"identifier":"SHARED"}`)
				d.send("POST", "/v1/blueprints/project/bulk/entities/delete?delete_dependents=true", `{"entities":["P2"]}`)
				d.send("POST", "/v1/entities/search", `{"combinator":"and","rules":[{"property":"$identifier","operator":"=","value":"SHARED"}]}`)
				d.sim.Dump()
			}
		})
	}
	wait.Wait()
	if d.sim.Len("issue") < 8*20 || d.sim.Upserted() != 8*30*2 || len(d.sim.Requests()) != 1+8*30*3 {
		t.Errorf("issues, writes, requests = %d, %d, %d", d.sim.Len("issue"), d.sim.Upserted(), len(d.sim.Requests()))
	}
}

func TestDumpIsOfWhatIsHeldAlone(t *testing.T) {
	build := func(order ...string) string {
		now := time.Now()
		d := open(t, portsim.Config{Clock: func() time.Time { now = now.Add(time.Second); return now }})
		for _, id := range order {
			d.put("issue", upserting, `{"identifier":"`+id+`", "properties":{"size" : 1,"status":"s"}}`)
		}
		return d.sim.Dump()
	}
	one, other := build("A", "B"), build("B", "A", "B")
	if one != other || strings.Count(one, "\n") != 2 {
		t.Errorf("dumps differ:\n%s\n%s", one, other)
	}
}
