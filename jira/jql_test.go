package jira_test

import (
	"testing"

	"ferry/jira"
	"ferry/jira/jirasim/jql"
)

func TestCutOrderBy(t *testing.T) {
	for _, test := range []struct{ jql, restriction string }{
		{`project = PAY`, `project = PAY`},
		{`project = PAY ORDER BY created DESC`, `project = PAY `},
		{"project = PAY\norder\tby key", "project = PAY\n"},
		{`summary ~ "order by mail" ORDER BY key`, `summary ~ "order by mail" `},
		{`summary ~ 'order by' AND x = 1`, `summary ~ 'order by' AND x = 1`},
		{`summary ~ "a \" order by b"`, `summary ~ "a \" order by b"`},
		{`(project = PAY)ORDER BY key`, `(project = PAY)`},
		{`summary ~ "x"ORDER BY key`, `summary ~ "x"`},
		{`border by = 1`, `border by = 1`},
		{`order by key`, ``},
		{" \torder by key", ``},
		{" ", ``},
		{``, ``},
	} {
		restriction, order := jira.CutOrderBy(test.jql)
		if restriction != test.restriction || restriction+order != test.jql {
			t.Errorf("CutOrderBy(%q) = %q, %q, want %q and the remainder", test.jql, restriction, order, test.restriction)
		}
	}
}

// FuzzCutOrderBy: of whatever is JQL, the restriction is JQL without an order.
func FuzzCutOrderBy(f *testing.F) {
	for _, seed := range []string{`summary ~ "x" ORDER BY key`, `a = 'order by'`, `0""ORDER BY keY`, `order by`, " ", `"`, `\`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		restriction, order := jira.CutOrderBy(text)
		if restriction+order != text {
			t.Fatalf("CutOrderBy(%q) = %q, %q, which are not the text", text, restriction, order)
		}
		if _, err := jql.Parse(text); err != nil {
			return
		}
		if cut, err := jql.Parse("(" + restriction + ")"); restriction != "" && (err != nil || cut.Ordered()) {
			t.Fatalf("CutOrderBy(%q) = %q, of which Jira says %v", text, restriction, err)
		}
	})
}
