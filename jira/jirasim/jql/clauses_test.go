package jql_test

import (
	"testing"

	"ferry/jira/jirasim/jql"

	"github.com/google/go-cmp/cmp"
)

func TestClauses(t *testing.T) {
	q, err := jql.Parse(`issuekey = PAY-1 AND NOT (project not in (A, "B C") OR assignee in (ada, currentUser())) AND due is EMPTY`)
	if err != nil {
		t.Fatal(err)
	}
	want := []jql.Clause{
		{Field: "key", Operator: "=", Values: []string{"PAY-1"}},
		{Field: "project", Operator: "NOT IN", Values: []string{"A", "B C"}},
		{Field: "assignee", Operator: "IN", Values: []string{"ada"}, Function: "currentuser"},
		{Field: "duedate", Operator: "IS"},
	}
	if diff := cmp.Diff(want, q.Clauses()); diff != "" {
		t.Errorf("Clauses (-want +got):\n%s", diff)
	}
	if empty, err := jql.Parse("ORDER BY key"); err != nil || len(empty.Clauses()) != 0 {
		t.Errorf("a query without restriction has %v, %v", empty.Clauses(), err)
	}
}
