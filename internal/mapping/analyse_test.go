package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// readsOf analyses one expression alone.
func readsOf(t interface{ Fatalf(string, ...any) }, text string) Paths {
	p := newProgram(text, defaultLimits)
	if p.err != nil {
		t.Fatalf("newProgram(%q) = %v", text, p.err)
	}
	a := &analysis{root: &node{}}
	a.escape(a.program(p, described{nodes: []*node{a.root}}))
	return a.root.paths()
}

// written shows paths as sorted lines' worth of text: "a.b* a.c" where * is Whole.
func written(p Paths) string {
	var out []string
	var walk func(prefix string, p Paths)
	walk = func(prefix string, p Paths) {
		switch {
		case p.Whole:
			out = append(out, prefix+"*")
		case len(p.Keys) == 0:
			out = append(out, prefix)
		}
		for _, k := range sortedKeys(p.Keys) {
			walk(strings.TrimPrefix(prefix+"."+k, "."), p.Keys[k])
		}
	}
	walk("", p)
	return strings.Join(out, " ")
}

func TestAnalysisFindsWhatIsRead(t *testing.T) {
	for expr, want := range map[string]string{
		`.`:                                  `*`,
		`.key`:                               `key*`,
		`.fields.status.name`:                `fields.status.name*`,
		`.fields["customfield_1"].value`:     `fields.customfield_1.value*`,
		`.a, .b.c`:                           `a* b.c*`,
		`.a // .b // "x"`:                    `a* b*`,
		`.a.b | .c`:                          `a.b.c*`,
		`if .a.b then .c else .d end`:        `a.b c* d*`,
		`if .a == null then "n" else .b end`: `a b*`,
		`if .a == .c then "n" end`:           `*`,
		`.subtasks | map(.key)`:              `subtasks.[].key*`,
		`.fields.subtasks | map(select(.fields.status.name == "Done") | .key)`: `fields.subtasks.[].fields.status.name fields.subtasks.[].key*`,
		`[.a[] | {k: .key, n: .name}]`:                                         `a.[].key* a.[].name*`,
		`{f: .fields, x: .x} | .f.status`:                                      `fields.status* x`,
		`{fields} | .fields.a`:                                                 `fields.a*`,
		`[.a, .b] | map(.name)`:                                                `a.name* b.name*`,
		`first(.a[] | .b)`:                                                     `a.[].b*`,
		`.a[0].b, .a[-1].c`:                                                    `a.[].b* a.[].c*`,
		`.a[:2] | map(.b)`:                                                     `a.[].b*`,
		`.labels | join(",")`:                                                  `labels*`,
		`.a as $x | .b | $x.c`:                                                 `a.c* b`,
		`. as {a: $x, $y, b: {c: $z}} | [$x, $y.k, $z]`:                        `a* b.c* y.k*`,
		`. as [$x, {k: $y}] | $y`:                                              `[].k*`,
		`reduce .s[] as $s ([]; . + [$s.key])`:                                 `s.[].key*`,
		`foreach .s[] as $s (0; . + $s.n; [., $s.k])`:                          `s.[].k* s.[].n*`,
		`def f: .name; .a | f`:                                                 `a.name*`,
		`def f(g): .x | g; .a | f(.y)`:                                         `a.x.y*`,
		`def f($v): $v.k; f(.a)`:                                               `a.k*`,
		`def f: f; f`:                                                          `*`,
		`.a | length`:                                                          `a*`,
		`.a | has("b")`:                                                        `a.b`,
		`.a | type`:                                                            `a`,
		`any(.a[]; .b == 1)`:                                                   `a.[].b`,
		`[limit(2; .a[].b)]`:                                                   `a.[].b*`,
		`.a | sort_by(.n) | .[0].k`:                                            `a.[].k* a.[].n*`,
		`"\(.a)/\(.b.c)"`:                                                      `a* b.c*`,
		`@uri "\(.a)"`:                                                         `a*`,
		`.[.k]`:                                                                `*`,
		`.a[.k]`:                                                               `a* k*`,
		`..`:                                                                   `*`,
		`.a | .. | .b?`:                                                        `a*`,
		`try .a.b catch .`:                                                     `*`,
		`.a.b?`:                                                                `a.b*`,
		`.a |= 1`:                                                              `*`,
		`del(.a)`:                                                              `*`,
		`to_entries`:                                                           `*`,
		`.a | keys`:                                                            `a*`,
		`env.HOME`:                                                             ``,
		`"text"`:                                                               ``,
		`.a | any(.b)`:                                                         `a.[].b`, `.a | all`: `a.[]`, `isempty(.a[].b)`: `a.[].b`, `.a | has(.k)`: `a*`, `.x as $k | .a | has($k)`: `a* x*`,
		`{(.k): .v}`: `k* v*`, `{"a\(.k)"}`: `*`, `{"a\(.k)": .v} | .x`: `k* v*`, `{"a b"}`: `a b*`, `.a as $x | {$x} | .x.b`: `a.b*`, `.a as $x | {$x: .v}`: `a* v*`,
		`. as {(.k): $x} | $x`: `*`, `. as {"a b": $x} | $x`: `a b*`, `if .a then 1 elif .b.c then .d end`: `*`, `if .a then 1 elif .b.c then .d else 2 end`: `a b.c d*`,
		`.["[]"]`:                      `*`,
		`.fields | getpath(["a","b"])`: `fields.a.b*`,
		`(.self | split("/") | .[:3] | join("/")) + "/browse/" + .key`:         `key* self*`,
		`if .__members != null then .__members | map(.accountId) else [] end`:  `__members.[].accountId*`,
		`.fields.issuelinks | map(.inwardIssue.key // .outwardIssue.key)`:      `fields.issuelinks.[].inwardIssue.key* fields.issuelinks.[].outwardIssue.key*`,
		`.fields | (.a | select(. != null)) // .b`:                             `fields.a* fields.b*`,
		`label $out | .a[] | if .b then ., break $out else empty end | .c`:     `a.[].b a.[].c*`,
		`.a as {b: $x} ?// [$x] | $x`:                                          `a.[]* a.b*`,
		`.fields.parent.key and (.fields.x | not)`:                             `fields.parent.key fields.x`,
		`.fields.comment.comments | group_by(.author.id) | map(.[0].author.n)`: `fields.comment.comments.[].author.id* fields.comment.comments.[].author.n*`,
		`.fields.comment.comments | max_by(.created) | .body`:                  `fields.comment.comments.[].body* fields.comment.comments.[].created*`,
	} {
		if got := written(readsOf(t, expr)); got != want {
			t.Errorf("reads of %s = %q, want %q", expr, got, want)
		}
	}
}

// expression draws jq of many shapes over the keys that anyValue draws.
func expression(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		sub := func() string { return expression(depth-1).Draw(t, "sub") }
		leaves := []string{
			".", ".a", ".b", ".a.b", ".key", `.["d e"]`, ".a.b.c", ".a?", ".[0]", ".a[]", ".a[]?", ".b[1:]", ".[-1]?", ".a[0].b",
			`"text"`, "1", "null", "true", "[]", "{}", "$x", "$x.a", "$x.b[0]?", ".a[]?.b", "..", ".[.key]?", `.a["b"]?`,
		}
		if depth == 0 {
			return rapid.SampledFrom(leaves).Draw(t, "leaf")
		}
		forms := []func() string{
			func() string { return rapid.SampledFrom(leaves).Draw(t, "leaf") },
			func() string { return fmt.Sprintf("(%s | %s)", sub(), sub()) },
			func() string { return fmt.Sprintf("(%s, %s)", sub(), sub()) },
			func() string { return fmt.Sprintf("(%s // %s)", sub(), sub()) },
			func() string {
				op := rapid.SampledFrom([]string{"==", "!=", "<", ">=", "and", "or", "+", "-", "*"}).Draw(t, "op")
				return fmt.Sprintf("(%s %s %s)", sub(), op, sub())
			},
			func() string { return fmt.Sprintf("if %s then %s else %s end", sub(), sub(), sub()) },
			func() string { return fmt.Sprintf("(if %s then %s end)", sub(), sub()) },
			func() string { return fmt.Sprintf("[%s]", sub()) },
			func() string { return fmt.Sprintf("{a: %s, b: %s, c}", sub(), sub()) },
			func() string { return fmt.Sprintf("{(%s | tostring): %s}", sub(), sub()) },
			func() string { return fmt.Sprintf("map(%s)", sub()) },
			func() string { return fmt.Sprintf("(%s | map(%s)?)", sub(), sub()) },
			func() string { return fmt.Sprintf("select(%s)", sub()) },
			func() string { return fmt.Sprintf("first(%s)", sub()) },
			func() string { return fmt.Sprintf("(%s as $x | %s)", sub(), sub()) },
			func() string { return fmt.Sprintf("(. as {a: $x} ?// [$x] | %s)", sub()) },
			func() string { return fmt.Sprintf("(. as {$a, b: [$y, {key: $z}]} | [$a, $y, $z, %s])", sub()) },
			func() string { return fmt.Sprintf("reduce (%s) as $x (%s; [., %s])", sub(), sub(), sub()) },
			func() string {
				return fmt.Sprintf("foreach (%s) as $x (%s; [%s, $x]; [., $x, %s])", sub(), sub(), sub(), sub())
			},
			func() string { return fmt.Sprintf("(def f: %s; %s | f)", sub(), sub()) },
			func() string { return fmt.Sprintf("(def f(g; $x): g, %s; f(%s; %s))", sub(), sub(), sub()) },
			func() string { return fmt.Sprintf("(try (%s) catch %s)", sub(), sub()) },
			func() string { return fmt.Sprintf("(%s)?", sub()) },
			func() string { return fmt.Sprintf("any(%s; %s)", sub(), sub()) },
			func() string { return fmt.Sprintf("[limit(2; %s)]", sub()) },
			func() string {
				return fmt.Sprintf("(%s | %s)", sub(), rapid.SampledFrom([]string{
					"length", "type", "keys", "not", "values", "objects", "arrays", "to_entries", "tojson", "add", "reverse", "first", "last",
					`has("a")`, "has(0)", "any", "all", "flatten", "sort_by(.a)", "group_by(.b)", "max_by(.key)", "unique_by(.a)", `getpath(["a","b"])`,
					"del(.a)", ".a |= 1", "(.b += 1)", "with_entries(.)", "map_values(.a?)", "paths", "tostring", "ascii_downcase", `join(",")`, "min_by(.b)", "isempty(.a)", "recurse", "walk(.)",
				}).Draw(t, "function"))
			},
			func() string { return fmt.Sprintf(`"<\(%s)>"`, sub()) },
			func() string { return fmt.Sprintf("(%s)[%s]?", sub(), sub()) },
		}
		return forms[rapid.IntRange(0, len(forms)-1).Draw(t, "form")]()
	})
}

// What matters about the analysis: on the parts that it says are read, every
// expression gives what it gives on the whole item.
func TestExpressionsGiveTheSameOnWhatTheyRead(t *testing.T) {
	small := limits{steps: 20_000, bytes: 1 << 20, value: 1 << 20, time: defaultLimits.time}
	rapid.Check(t, func(t *rapid.T) {
		text := ". as $x | " + expression(3).Draw(t, "expression")
		item := anyValue(4).Draw(t, "item")
		p := newProgram(text, small)
		if p.err != nil {
			t.Skip(p.err)
		}
		reads := readsOf(t, text)
		pruned, err := Decode([]byte(encoded(item)), reads)
		if err != nil {
			t.Fatalf("Decode(%s, %v) = %v", encoded(item), reads, err)
		}
		full, err := Decode([]byte(encoded(item)), whole)
		if err != nil {
			t.Fatalf("Decode(%s) = %v", encoded(item), err)
		}
		want, wantErr := p.run(t.Context(), full.value)
		got, gotErr := p.run(t.Context(), pruned.value)
		if (wantErr == nil) != (gotErr == nil) {
			t.Fatalf("%s on %s, read as %q: error %v, want %v", text, encoded(item), written(reads), gotErr, wantErr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s on %s, read as %q: -whole +read\n%s", text, encoded(item), written(reads), diff)
		}
	})
}
