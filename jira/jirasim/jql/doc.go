// Package jql reads and evaluates the part of Jira's query language that a
// simulated Jira needs: the default selectors of integrations, and whatever a
// person types to narrow them.
//
// A query is parsed once and turned into a matcher once per evaluation, so that
// relative dates and functions cost nothing per issue:
//
//	q, err := jql.Parse(`project = PAY AND updated >= -1w ORDER BY key`)
//	match := q.Matcher(jql.Env{Now: now, Zone: zone})
//	for _, issue := range issues {
//		if match(issue) { … }
//	}
//
// # Fields
//
// An [Issue] is asked for these names and no others. The name in brackets is
// another spelling that a query may use:
//
//	key [issuekey, issue]  id  project  issuetype [type]  status  statuscategory
//	priority  resolution  assignee  reporter  creator  labels  component
//	fixversion  affectedversion  parent [epic link]  sprint
//	created [createddate]  updated [updateddate]  resolutiondate [resolved]
//	duedate [due]
//	summary  description  comment  environment  text
//	story points  rank  cf[N]
//
// # What is as in Jira, and worth knowing
//
//   - A comparison never matches an empty field: status != Done leaves out what has
//     no status. NOT is pushed down to the operators, so NOT (assignee = x) means
//     assignee != x, and leaves out what nobody is assigned to.
//   - Times are compared by the minute, in the zone of the account that asks.
//   - resolution = Unresolved means that there is none.
//   - Words without an operator are a search of the text, not an error.
//   - A word of SQL, such as SET or ADD, must be quoted even where it is the key of
//     a project: https://support.atlassian.com/jira-software-cloud/docs/jql-reserved-words/
package jql
