package mapping

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
	"pgregory.net/rapid"
)

func TestDoubleQuotes(t *testing.T) {
	for expr, want := range map[string]string{
		`.a + '/' + .b`:       `.a + "/" + .b`,
		`'x' + .a`:            `"x" + .a`,
		`.a + 'x'`:            `.a + "x"`,
		`'a b'`:               `"a b"`,
		`select(.a == 'x')`:   `select(.a == "x')`,
		`f('x')`:              `f('x')`,
		`.a + '"' + .b`:       `.a + '"' + .b`,
		`"it's"`:              `"it's"`,
		`"a 'b' c"`:           `"a "b" c"`,
		`'`:                   `"`,
		`' a'`:                `" a"`,
		"'é'":                 `"é"`,
		".a\n+ 'x'\n+ .b":     ".a\n+ \"x\"\n+ .b",
		`.a // 'none'`:        `.a // "none"`,
		`if . then 'a' end`:   `if . then "a" end`,
		`.labels | join(',')`: `.labels | join(',')`,
	} {
		if got := doubleQuotes(expr); got != want {
			t.Errorf("doubleQuotes(%s) = %s, want %s", expr, got, want)
		}
	}
}

func TestDeletionPath(t *testing.T) {
	for expr, want := range map[string]string{
		`.a.b`: `.a.b`, `(.a.b)`: `.a.b`, `. as $all | .a.b`: `.a.b`, `$items | .a.b`: `.a.b`, `. | .a.b`: `.a.b`,
		`.a.b // {}`: `.a.b`, `.a.b // null`: `.a.b`, `.a.b // []`: `.a.b`, `.[0].k`: `.[0].k`, `.file[0].c`: `.file[0].c`,
		`.file.[0].c`: `.file.[0].c`, `.["key"].value`: `.["key"].value`, `. as $all | ($all | .a.b) as $items | $items`: `.a.b`,
		`.first | .second`: `.first`, `$items`: ``, `.`: ``, `. as $root`: ``, `(.a.b`: ``, ``: ``, `  `: ``, `[.a, .b]`: ``,
	} {
		if got := deletionPath(expr); got != want {
			t.Errorf("deletionPath(%s) = %q, want %q", expr, got, want)
		}
	}
}

// The short ways round the jq machine, and the guards in it, change nothing.
func TestProgramsAgreeWithTheEngine(t *testing.T) {
	paths := rapid.SampledFrom([]string{".", ".a", ".a.b", `.a["b"].c`, `.["d e"]`, `."d e".a`, `.a."b"`, ".key.a.b", `"x"`, "null", "false", `("x")`})
	small := limits{steps: 20_000, bytes: 1 << 20, value: 1 << 20, time: defaultLimits.time}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(paths, rapid.Map(expression(2), func(s string) string { return ". as $x | " + s })).Draw(t, "text")
		item := numbers(decodedByStandard(t, encoded(anyValue(3).Draw(t, "item"))))
		p := newProgram(text, small)
		if p.err != nil {
			t.Skip(p.err)
		}
		query, err := gojq.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := query.Run(item).Next()
		got, err := p.run(t.Context(), item)
		if wantErr, ok := want.(error); ok {
			if err == nil || err.Error() != wantErr.Error() {
				t.Fatalf("%s on %s: error %v, want %v", text, encoded(item), err, wantErr)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s on %s: error %v, want %v", text, encoded(item), err, want)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s on %s: -want +got\n%s", text, encoded(item), diff)
		}
	})
}

func decodedByStandard(t interface{ Fatal(...any) }, text string) any {
	v, err := standardDecode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEncodingIsThatOfJq(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "value")
		want := decodedByStandard(t, encoded(v))
		if got, err := gojq.Marshal(want); err != nil || encoded(want) != string(got) {
			t.Fatalf("appendJSON = %s, want %s", encoded(want), got)
		}
		text := rapid.String().Draw(t, "text")
		var back string
		if err := json.Unmarshal([]byte(encoded(text)), &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") {
			t.Fatalf("appendJSON(%q) reads back as %q, %v", text, back, err)
		}
	})
}

// installed gives the mapping that the incumbent installs, from a recording.
func installed(t testing.TB) *Mapping {
	data, err := os.ReadFile(shared(t, "golden", "01-once-fresh-install.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var request struct {
			B json.RawMessage `json:"b"`
		}
		if err := json.Unmarshal([]byte(line), &request); err != nil {
			t.Fatal(err)
		}
		var body struct {
			Config json.RawMessage `json:"config"`
		}
		if json.Unmarshal(request.B, &body) != nil || !strings.Contains(string(body.Config), `"resources"`) {
			continue
		}
		m, err := Parse("recorded", body.Config, []string{"project", "issue"})
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Resources) > 0 {
			return m
		}
	}
	t.Fatal("no mapping in the recording")
	return nil
}

func TestInstalledMappingReadsFewFields(t *testing.T) {
	m := installed(t)
	if len(m.Resources) != 2 || len(m.SetAside) != 2 || len(m.Warnings) != 0 {
		t.Fatalf("the installed mapping has %d resources, %d set aside, warnings %v; want 2, 2 and none", len(m.Resources), len(m.SetAside), m.Warnings)
	}
	want := "fields.assignee.accountId* fields.components* fields.created* fields.creator.emailAddress* fields.issuetype.name* fields.labels* " +
		"fields.parent.key* fields.priority.name* fields.project.key* fields.reporter.accountId* fields.resolutiondate* fields.status.name* " +
		"fields.subtasks.[].key* fields.summary* fields.updated* key* self*"
	if got := written(m.Resources[1].Reads()); got != want {
		t.Errorf("%s reads %q, want %q", m.Resources[1], got, want)
	}
}

// reduced gives a recorded issue with the fields that the resource reads, as
// Jira answers when it is asked for them.
func reduced(t testing.TB, r *Resource) []byte {
	raw, err := os.ReadFile(shared(t, "fixtures", "cloud", "issue", "a.json"))
	if err != nil {
		t.Fatal(err)
	}
	var issue map[string]any
	if err := json.Unmarshal(raw, &issue); err != nil {
		t.Fatal(err)
	}
	fields := issue["fields"].(map[string]any)
	for name := range fields {
		if _, ok := r.Reads().Keys["fields"].Keys[name]; !ok {
			delete(fields, name)
		}
	}
	raw, err = json.Marshal(issue)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func BenchmarkMap(b *testing.B) {
	r := installed(b).Resources[1]
	raw := reduced(b, r)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		item, err := Decode(raw, r.Reads())
		if err != nil {
			b.Fatal(err)
		}
		if o := r.Map(b.Context(), item); o.Fault != nil || len(o.Entities) != 1 {
			b.Fatal(o.Fault)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	r := installed(b).Resources[1]
	raw := reduced(b, r)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(raw, r.Reads()); err != nil {
			b.Fatal(err)
		}
	}
}
