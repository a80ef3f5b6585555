package mapping

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the tests see into testdata")

// Each file of testdata holds a mapping, items, and what comes out of them.
func TestMappings(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(testdata/*.txtar) = %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { testMapping(t, file) })
	}
}

func testMapping(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	var m *Mapping
	for _, f := range archive.Files {
		switch {
		case f.Name == "mapping.yaml":
			m = describeParse(&got, f.Data)
		case strings.HasPrefix(f.Name, "item"):
			fmt.Fprintf(&got, "%s:\n", f.Name)
			for _, r := range m.Resources {
				describeMap(t, &got, r, f.Data)
			}
		}
	}
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if *update {
		if i < 0 {
			archive.Files = append(archive.Files, txtar.File{Name: "want"})
			i = len(archive.Files) - 1
		}
		archive.Files[i].Data = []byte(got.String())
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(archive.Files[i].Data), got.String()); diff != "" {
		t.Errorf("%s: -want +got\n%s", file, diff)
	}
}

func describeParse(w *strings.Builder, data []byte) *Mapping {
	m, err := Parse("mapping.yaml", data, []string{"project", "issue"})
	if err != nil {
		fmt.Fprintf(w, "error:\n%v\n", err)
		return &Mapping{}
	}
	for _, warning := range m.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
	for _, s := range m.SetAside {
		fmt.Fprintf(w, "set aside: %s, line %d, blueprint %q\n", resourceName(s.Index, s.Kind), s.Line, s.Blueprint)
		for _, reason := range s.Reasons {
			fmt.Fprintf(w, "\t%s\n", reason)
		}
	}
	return m
}

// describeMap maps an item as it is read and as a whole: both must be the same.
func describeMap(t *testing.T, w *strings.Builder, r *Resource, data []byte) {
	item, err := Decode(data, r.Reads())
	if err != nil {
		t.Fatal(err)
	}
	full, err := Decode(data, whole)
	if err != nil {
		t.Fatal(err)
	}
	got := outcomeText(r, r.Map(t.Context(), item))
	if all := outcomeText(r, r.Map(t.Context(), full)); all != got {
		t.Errorf("%s on what it reads gave\n%s\nand on everything\n%s", r, got, all)
	}
	w.WriteString(got)
}

func outcomeText(r *Resource, o Outcome) string {
	var w strings.Builder
	if o.Fault != nil {
		return fmt.Sprintf("\tfault: %v\n", o.Fault)
	}
	fmt.Fprintf(&w, "\t%s: selected %v, skipped %d", r, o.Selected, o.Skipped)
	if o.Failed != nil {
		fmt.Fprintf(&w, ", failed %v", o.Failed)
	}
	if o.Nulls != nil {
		fmt.Fprintf(&w, ", null %v", o.Nulls)
	}
	w.WriteString("\n")
	for _, e := range o.Entities {
		fmt.Fprintf(&w, "\t%s %s", e.Blueprint, e.Identifier)
		if e.Search {
			w.WriteString(" search")
		}
		if e.Searching {
			w.WriteString(" searching")
		}
		fmt.Fprintf(&w, "\n\t\t%s\n\t\trefs %q keys %s\n", e.Body, e.Refs, e.Keys)
		if !json.Valid(e.Body) {
			w.WriteString("\t\tTHE BODY IS NOT JSON\n")
		}
	}
	return w.String()
}

// resourceOf makes a mapping of one issue resource with these mappings, one
// "key: value" a line.
func resourceOf(t testing.TB, l limits, query, port string, mappings ...string) *Resource {
	t.Helper()
	text := "resources:\n- kind: issue\n  selector:\n    query: " + query + "\n  port:\n"
	if port != "" {
		text += "    " + port + "\n"
	}
	text += "    entity:\n      mappings:\n"
	for _, line := range mappings {
		text += "        " + line + "\n"
	}
	m, err := parse("test.yaml", []byte(text), []string{"issue"}, l)
	if err != nil || len(m.Resources) != 1 {
		t.Fatalf("parse(%s) = %+v, %v", text, m, err)
	}
	return m.Resources[0]
}

func itemOf(t testing.TB, text string) Item {
	t.Helper()
	item, err := Decode([]byte(text), whole)
	if err != nil {
		t.Fatal(err)
	}
	return item
}

var literals = []string{"identifier: .key", `blueprint: '"b"'`}

func TestRunawaysEndAsFaults(t *testing.T) {
	small := limits{steps: 50_000, bytes: 4 << 20, value: 1 << 20, time: defaultLimits.time}
	for _, expr := range []string{
		`[range(1e12)] | length`, `last(range(1e12))`, `last(repeat(1))`, `def f: f; f`, `def f: [f]; f`, `def f: 1 + f; f`,
		`"x" * 1e9`, `1e9 * "x"`, `reduce range(60) as $i ("x"; . + .)`, `reduce range(60) as $i ("x"; . * 2)`,
		`reduce range(60) as $i ("x"; . += .)`, `reduce range(60) as $i ([1]; . + .)`, `reduce range(60) as $i ("x"; "\(.)\(.)")`,
		`reduce range(60) as $i (1; [., .])`, `reduce range(60) as $i (1; {a: ., b: .})`, `reduce range(60) as $i ({}; .x = . | .y = .x) | tojson`,
		`reduce range(60) as $i (1; [., .]) | tojson`, `[[range(20000)]] + [range(20000) | []] | transpose`,
		`try ("x" * 1e9) catch "caught"`, `[limit(100; repeat("x" * 100000))]`, `until(false; .)`, `[recurse(.)] | length`,
		`@base64 "\("x" * 1e9)"`, `reduce range(60) as $i ("x"; @json)`,
	} {
		for _, field := range []string{"title: ", "icon: "} {
			r := resourceOf(t, small, "true", "", append(literals, field+quoted(expr))...)
			o := r.Map(t.Context(), itemOf(t, `{"key":"A-1"}`))
			if !errors.Is(o.Fault, ErrLimit) || o.Entities != nil {
				t.Errorf("%s: fault %v with %d entities, want ErrLimit and none", expr, o.Fault, len(o.Entities))
			}
		}
	}
}

// quoted makes a YAML scalar of any text.
func quoted(expr string) string { return "'" + strings.ReplaceAll(expr, "'", "''") + "'" }

func TestHugeIndexesAreErrors(t *testing.T) {
	for _, expr := range []string{
		`null | .[500000000] = 1`, `null | .[1e8] |= 1`, `. as {n: $n} | null | .[$n] = 1`, `null | setpath([400000000]; 1)`,
		`null | getpath([400000000]) |= 1`, `fromstream([[400000000], 1], [[400000000]])`,
	} {
		r := resourceOf(t, defaultLimits, "true", "", append(literals, "title: "+quoted(expr))...)
		o := r.Map(t.Context(), itemOf(t, `{"key":"A-1","n":300000000}`))
		if o.Fault != nil || o.Failed["title"] != 1 {
			t.Errorf("%s: fault %v, failed %v, want title to have failed", expr, o.Fault, o.Failed)
		}
	}
}

func TestGuardsLetThroughWhatIsSmall(t *testing.T) {
	for expr, want := range map[string]string{
		`null | .[5] = 1 | length`: `6`, `. as {n: $n} | null | .[$n] = 1`: `[null,null,1]`, `null | setpath(["a", 1]; 1)`: `{"a":[null,1]}`,
		`[[1, 2], [3]] | transpose`: `[[1,3],[2,null]]`, `"ab" * 3`: `"ababab"`, `{a: {b: 1}} * {a: {c: 2}}`: `{"a":{"b":1,"c":2}}`,
		`.n += 1 | .n`: `3`, `.n *= (2, 3) | .n`: `4`, `"\(.n)-\("x" + "y")"`: `"2-xy"`, `@base64 "\(.key)"`: `"QS0x"`, `[1, 2] | @csv`: `"1,2"`,
		`path(.key, .list[0])`: `["key"]`, `[fromstream([[0], 1], [[0]])]`: `[[1]]`, `def f(x): x + 1; f(.n)`: `3`, `[.n, 3] | add`: `5`,
		`{"a b": 1} | keys_unsorted`: `["a b"]`, `[1, [2]] | map(toarray)`: `[[1],[2]]`, `0 | date`: `"1970-01-01T00:00:00Z"`, `[limit(3; repeat(1))]`: `[1,1,1]`, `try error("x") catch .`: `"x"`, `"x" | halt`: `null`, `if .n == 1 then "a" elif .n == 2 then "b" + "c" else "d" end`: `"bc"`,
	} {
		r := resourceOf(t, defaultLimits, "true", "", append(literals, "title: "+quoted(expr))...)
		o := r.Map(t.Context(), itemOf(t, `{"key":"A-1","n":2}`))
		if o.Fault != nil || len(o.Entities) != 1 {
			t.Errorf("%s: fault %v, %d entities", expr, o.Fault, len(o.Entities))
			continue
		}
		if got := string(o.Entities[0].Body); !strings.HasSuffix(got, `,"title":`+want+`}`) {
			t.Errorf("%s = %s, want title %s", expr, got, want)
		}
	}
}

func TestCancelledContextIsAFault(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("stop")
	cancel(cause)
	r := resourceOf(t, defaultLimits, "true", "", append(literals, `title: '[range(100000)] | length'`)...)
	if o := r.Map(ctx, itemOf(t, `{"key":"A-1"}`)); !errors.Is(o.Fault, cause) {
		t.Errorf("Map with an ended context: fault %v, want %v", o.Fault, cause)
	}
}

func TestNothingOfTheEnvironmentIsSeen(t *testing.T) {
	t.Setenv("OCEAN__PORT__CLIENT_SECRET", "hunter2")
	for _, expr := range []string{
		"env", "$ENV", "env.OCEAN__PORT__CLIENT_SECRET", "$ENV.OCEAN__PORT__CLIENT_SECRET", "[$ENV, env] | tostring", "$ENV | to_entries",
		"[inputs]", "input?", "debug", `debug("x")`, "stderr", "input_line_number", `"x" | halt_error`, "halt", "modulemeta", "input_filename",
		`$__ferry_budget`, `$__prog_args`, `get_search_list`, `[splits("a")]`, "builtins | length",
	} {
		r := resourceOf(t, defaultLimits, "true", "", append(literals, "title: "+quoted(expr))...)
		o := r.Map(t.Context(), itemOf(t, `{"key":"A-1"}`))
		if o.Fault != nil || len(o.Entities) != 1 {
			t.Fatalf("%s: fault %v, %d entities", expr, o.Fault, len(o.Entities))
		}
		if body := string(o.Entities[0].Body); strings.Contains(body, "hunter2") || strings.Contains(fmt.Sprint(r), "hunter2") {
			t.Errorf("%s shows the environment: %s", expr, body)
		}
	}
	for _, expr := range []string{`import "a" as a; .`, `include "a"; .`, `import "a" as $a; .`} {
		if p := newProgram(expr, defaultLimits); p.err == nil {
			t.Errorf("newProgram(%s) loads a module", expr)
		}
	}
}

func TestTooManyOrTooLargeEntitiesAreFaults(t *testing.T) {
	many := resourceOf(t, defaultLimits, "true", `itemsToParse: '[range(10001)]'`, "identifier: .item", `blueprint: '"b"'`)
	if o := many.Map(t.Context(), itemOf(t, `{}`)); o.Fault == nil {
		t.Error("10001 elements: no fault")
	}
	large := resourceOf(t, defaultLimits, "true", "", append(literals, "properties: {text: .text}")...)
	for size, fault := range map[int]bool{maxBody - 200: false, maxBody + 1: true} {
		o := large.Map(t.Context(), itemOf(t, `{"key":"A-1","text":"`+strings.Repeat("x", size)+`"}`))
		if (o.Fault != nil) != fault {
			t.Errorf("a body of some %d bytes: fault %v, want one: %v", size, o.Fault, fault)
		}
	}
}

func TestMapIsSafeForManyGoroutines(t *testing.T) {
	r := resourceOf(t, defaultLimits, `'.key | test("A-")'`, "", append(literals,
		"properties: {a: '.list | map(.x + 1)', b: '.list[1:] | tojson', c: '[.list | .[0].x = 5]'}", "relations: {r: .rels}")...)
	item := itemOf(t, `{"key":"A-1","list":[{"x":1},{"x":2}],"rels":["b","a","b"]}`)
	want := outcomeText(r, r.Map(t.Context(), item))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got := outcomeText(r, r.Map(t.Context(), item.With("__n", 1))); got != want {
					t.Errorf("Map among others = %s, want %s", got, want)
				}
			}
		})
	}
	wg.Wait()
	if !strings.Contains(want, `refs ["a" "b"]`) {
		t.Errorf("refs not sorted and distinct: %s", want)
	}
}

func TestWithAddsAKeyAndLeavesTheItem(t *testing.T) {
	item := itemOf(t, `{"key":"A-1"}`)
	more := item.With("__members", []map[string]any{{"id": "x", "n": 1.5}}).With("__siteUrl", "https://a")
	if got, want := encoded(more.value), `{"__members":[{"id":"x","n":1.5}],"__siteUrl":"https://a","key":"A-1"}`; got != want {
		t.Errorf("With = %s, want %s", got, want)
	}
	if got, want := encoded(item.value), `{"key":"A-1"}`; got != want {
		t.Errorf("after With the item = %s, want %s", got, want)
	}
}
