package source

import (
	"strings"
	"testing"
	"time"

	"ferry/jira/jirasim/jql"
)

func TestWhereCutsTheOrderAndBinds(t *testing.T) {
	for _, test := range []struct{ jql, want string }{
		{`project = PAY`, `(project = PAY)`},
		{`project = PAY ORDER BY created DESC`, `(project = PAY )`},
		{"project = PAY\norder\tby key", "(project = PAY\n)"},
		{`summary ~ "order by mail" ORDER BY key`, `(summary ~ "order by mail" )`},
		{`summary ~ 'order by' AND x = 1`, `(summary ~ 'order by' AND x = 1)`},
		{`summary ~ "a \" order by b"`, `(summary ~ "a \" order by b")`},
		{`(project = PAY)ORDER BY key`, `((project = PAY))`},
		{`project = A OR project = B`, `(project = A OR project = B)`},
		{`summary ~ "x"ORDER BY key`, `(summary ~ "x")`},
		{`border by = 1`, `(border by = 1)`},
		{``, `(created >= "1970-01-01")`},
		{`  order by key`, `(created >= "1970-01-01")`},
	} {
		if got := where(test.jql); got != test.want {
			t.Errorf("where(%q) = %s, want %s", test.jql, got, test.want)
		}
	}
}

func TestQuestionsAreBoundedJQL(t *testing.T) {
	day := time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)
	for name, text := range map[string]string{
		"all":     where("") + stable,
		"sweep":   where(DefaultJQL+" ORDER BY updated") + stable,
		"within":  within(DefaultJQL, []int64{10001, 10002}),
		"created": created(DefaultJQL, day, day.AddDate(0, 0, 1)) + stable,
		"updated": updatedWithin("", 150*time.Second) + stable,
	} {
		query, err := jql.Parse(text)
		if err != nil {
			t.Errorf("%s: %s: %v", name, text, err)
			continue
		}
		if !query.Bounded() {
			t.Errorf("%s: %s is not bounded", name, text)
		}
	}
	if got, want := updatedWithin("", 150*time.Second), `(created >= "1970-01-01") AND updated >= -3m`; got != want {
		t.Errorf("updatedWithin(150s) = %s, want %s: JQL counts whole minutes, so they are rounded up", got, want)
	}
}

// FuzzWhere: what is left of a JQL has no clause that could end a parenthesis early or order it,
// as long as the JQL is one.
func FuzzWhere(f *testing.F) {
	for _, seed := range []string{DefaultJQL, `summary ~ "x" ORDER BY key`, `a = 'order by'`, `0""ORDER BY keY`, `order by`, `"`, `\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := where(text)
		if !strings.HasPrefix(got, "(") || !strings.HasSuffix(got, ")") {
			t.Fatalf("where(%q) = %q is not in parentheses", text, got)
		}
		if _, err := jql.Parse(text); err != nil {
			return
		}
		cut, err := jql.Parse(got)
		if err != nil {
			t.Fatalf("where(%q) = %q is no JQL: %v", text, got, err)
		}
		if cut.Ordered() {
			t.Fatalf("where(%q) = %q is still ordered", text, got)
		}
	})
}
