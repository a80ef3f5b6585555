package jql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ferry/jira/jirasim/jql"
)

// anyIssue draws an issue in which every field may be empty.
var anyIssue = rapid.Custom(func(t *rapid.T) record {
	r := issue(rapid.Int64Range(1, 30).Draw(t, "id"), fmt.Sprintf("%s-%d", rapid.SampledFrom([]string{"A", "B"}).Draw(t, "project"), rapid.IntRange(1, 12).Draw(t, "number")))
	for _, f := range []string{"status", "assignee", "labels"} {
		if words := rapid.SliceOfN(rapid.SampledFrom([]string{"x", "y", "Z"}), 0, 2).Draw(t, f); len(words) > 0 {
			r[f] = spelled(words...)
		}
	}
	if rapid.Bool().Draw(t, "has created") {
		r["created"] = at(now.Add(-time.Duration(rapid.IntRange(0, 20*24*60).Draw(t, "age")) * time.Minute))
	}
	return r
})

var anyClause = rapid.Custom(func(t *rapid.T) string {
	word := rapid.SampledFrom([]string{"x", "y", "z", `"W \" w"`})
	list := func(g *rapid.Generator[string]) string {
		return "(" + strings.Join(rapid.SliceOfN(g, 1, 6).Draw(t, "list"), ", ") + ")"
	}
	field := rapid.SampledFrom([]string{"status", "assignee", "labels", "resolution"}).Draw(t, "field")
	equals := rapid.SampledFrom([]string{"=", "!="}).Draw(t, "equals")
	in := rapid.SampledFrom([]string{"in", "not in"}).Draw(t, "in")
	relation := rapid.SampledFrom([]string{"=", "!=", "<", "<=", ">", ">="}).Draw(t, "relation")
	switch rapid.IntRange(0, 5).Draw(t, "shape") {
	case 0:
		return fmt.Sprintf("%s %s %s", field, equals, word.Draw(t, "value"))
	case 1:
		return fmt.Sprintf("%s %s %s", field, in, list(rapid.OneOf(word, rapid.Just("EMPTY"))))
	case 2:
		return fmt.Sprintf("%s %s EMPTY", field, rapid.SampledFrom([]string{"is", "is not", "=", "!="}).Draw(t, "is"))
	case 3:
		return fmt.Sprintf("created %s %s", relation, rapid.SampledFrom([]string{"-1w", `"-3d 4h"`, "now()", `startOfDay("-2d")`, "2026-01-09"}).Draw(t, "moment"))
	case 4:
		return fmt.Sprintf("key %s A-%d", relation, rapid.IntRange(1, 12).Draw(t, "number"))
	}
	return "id " + in + " " + list(rapid.Map(rapid.IntRange(1, 30), func(n int) string { return fmt.Sprint(n) }))
})

// anyWhere draws a where clause of bounded depth.
func anyWhere(depth int) *rapid.Generator[string] {
	if depth == 0 {
		return anyClause
	}
	return rapid.Custom(func(t *rapid.T) string {
		part := anyWhere(depth - 1)
		switch rapid.IntRange(0, 3).Draw(t, "node") {
		case 0:
			return "(" + part.Draw(t, "a") + ") AND (" + part.Draw(t, "b") + ")"
		case 1:
			return "(" + part.Draw(t, "a") + ") OR (" + part.Draw(t, "b") + ")"
		case 2:
			return "NOT (" + part.Draw(t, "a") + ")"
		}
		return part.Draw(t, "a")
	})
}

func mustParse(t rapid.TB, text string) *jql.Query {
	q, err := jql.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return q
}

func TestDeMorgan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, i := anyWhere(2).Draw(t, "a"), anyWhere(2).Draw(t, "b"), anyIssue.Draw(t, "issue")
		same := func(left, right string) {
			l, r := mustParse(t, left).Match(i, env), mustParse(t, right).Match(i, env)
			if l != r {
				t.Fatalf("%s matches = %t, but %s matches = %t", left, l, right, r)
			}
		}
		same(fmt.Sprintf("NOT ((%s) AND (%s))", a, b), fmt.Sprintf("(NOT (%s)) OR (NOT (%s))", a, b))
		same(fmt.Sprintf("NOT ((%s) OR (%s))", a, b), fmt.Sprintf("(NOT (%s)) AND (NOT (%s))", a, b))
		same(fmt.Sprintf("NOT (NOT (%s))", a), a)
	})
}

func TestConnectivesMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, i := anyWhere(1).Draw(t, "a"), anyWhere(1).Draw(t, "b"), anyIssue.Draw(t, "issue")
		match := func(s string) bool { return mustParse(t, s).Match(i, env) }
		if got, want := match("("+a+") and ("+b+")"), match(a) && match(b); got != want {
			t.Fatalf("(%s) and (%s) matches = %t, want %t", a, b, got, want)
		}
		if got, want := match("("+a+") or ("+b+")"), match(a) || match(b); got != want {
			t.Fatalf("(%s) or (%s) matches = %t, want %t", a, b, got, want)
		}
		// A restriction and its negation never both hold; for an empty field neither does.
		if match(a) && match("not ("+a+")") {
			t.Fatalf("both %s and its negation match", a)
		}
	})
}

func TestStringParsesToTheSameQuery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyWhere(3).Draw(t, "where") + rapid.SampledFrom([]string{"", " order by created desc, key", " ORDER BY priority"}).Draw(t, "order")
		q, issues := mustParse(t, text), rapid.SliceOfN(anyIssue, 2, 8).Draw(t, "issues")
		again := mustParse(t, q.String())
		if again.String() != q.String() {
			t.Fatalf("%s prints as %s, and that as %s", text, q, again)
		}
		for _, i := range issues {
			if got, want := again.Match(i, env), q.Match(i, env); got != want {
				t.Fatalf("%s matches = %t, but %s matches = %t", q, got, text, want)
			}
			if got, want := again.Compare(i, issues[0]), q.Compare(i, issues[0]); got != want {
				t.Fatalf("%s compares = %d, but %s compares = %d", q, got, text, want)
			}
		}
	})
}

func TestCompareIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := mustParse(t, "order by "+strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"created", "status desc", "labels", "key", "id desc"}), 1, 4, rapid.ID).Draw(t, "order"), ", "))
		issues := rapid.SliceOfN(anyIssue, 3, 3).Draw(t, "issues")
		a, b, c := issues[0], issues[1], issues[2]
		if q.Compare(a, b) != -q.Compare(b, a) {
			t.Fatalf("%s: Compare(a, b) = %d, Compare(b, a) = %d", q, q.Compare(a, b), q.Compare(b, a))
		}
		sorted := slices.Clone(issues)
		slices.SortFunc(sorted, func(a, b record) int { return q.Compare(a, b) })
		if q.Compare(sorted[0], sorted[2]) > 0 {
			t.Fatalf("%s is not transitive on %v, %v, %v", q, a, b, c)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"(statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)",
		`project = "A B" and key in (A-1, 2) or not cf[10010] ~ 'x\u0041' order by created desc, id`,
		`assignee in (currentUser(), EMPTY) AND due < endOfMonth("-1M") && !(text ~ "\"a b\" c*")`,
		`((("`, "'\\", "cf[", "\xff", "a is not", "x not", "order by", "1.5 +3 -",
	} {
		f.Add(s)
	}
	probe := issue(1, "A-1").with("summary", spelled("a b")).with("created", at(now))
	f.Fuzz(func(t *testing.T, text string) {
		q, err := jql.Parse(text)
		if err != nil {
			if q != nil || err.Error() == "" {
				t.Fatalf("Parse(%q) = %v, %v, want no query and a reason", text, q, err)
			}
			return
		}
		again, err := jql.Parse(q.String())
		if err != nil {
			t.Fatalf("Parse(%q) prints as %q: %v", text, q, err)
		}
		if again.String() != q.String() || again.Match(probe, env) != q.Match(probe, env) {
			t.Fatalf("%q prints as %q, which is another query: %q", text, q, again)
		}
	})
}

// fixed answers from struct fields, as an issue in memory does.
type fixed struct {
	id               int64
	category         []string
	created, updated time.Time
}

func (f *fixed) Field(name string) jql.Values {
	switch name {
	case "id":
		return jql.Values{Num: f.id}
	case "statuscategory":
		return jql.Values{Strings: f.category}
	case "created":
		return jql.Values{Time: f.created}
	case "updated":
		return jql.Values{Time: f.updated}
	}
	return jql.Values{Empty: true}
}

// BenchmarkDefaultSelector evaluates the usual selector over 100,000 issues, most of
// them done and old, so that all three parts are looked at.
func BenchmarkDefaultSelector(b *testing.B) {
	done, open := []string{"Done", "done", "3"}, []string{"To Do", "new", "2"}
	issues := make([]fixed, 100_000)
	for i := range issues {
		old := now.Add(-time.Duration(i) * time.Hour)
		issues[i] = fixed{int64(i), done, old, old}
		if i%5 == 0 {
			issues[i].category = open
		}
	}
	q, err := jql.Parse("(statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		n, match := 0, q.Matcher(env)
		for i := range issues {
			if match(&issues[i]) {
				n++
			}
		}
		if n < 20_000 {
			b.Fatalf("%d issues match, want every fifth and more", n)
		}
	}
}

func ExampleParse() {
	_, err := jql.Parse("project = PAY AND")
	fmt.Println(err)
	// Output: Error in the JQL Query: Expecting a field name before the end of the query. (line 1, character 18)
}
