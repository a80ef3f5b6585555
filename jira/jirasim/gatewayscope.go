package jirasim

import (
	"net/http"
	"slices"
	"strings"
)

// The scopes that Jira's operations need, from the security of each operation in
// Atlassian's OpenAPI file. Jira Software has granular ones only.
const (
	readWork      = "read:jira-work"
	writeWork     = "write:jira-work"
	readUser      = "read:jira-user"
	manageConfig  = "manage:jira-configuration"
	manageWebhook = "manage:jira-webhook"
)

// scopeRule holds for a path and what is below it; {} stands for any one segment.
type scopeRule struct {
	below string
	needs []string
}

// scopeRules are asked in their order; the first that holds decides.
var scopeRules = []scopeRule{
	{"/rest/api/3/serverInfo", nil},
	{"/rest/api/3/webhook", []string{readWork, manageWebhook}},
	{"/rest/api/3/group/member", []string{manageConfig}},
	{"/rest/api/3/group", []string{readUser}},
	{"/rest/api/3/groups", []string{readUser}},
	{"/rest/api/3/myself", []string{readUser}},
	{"/rest/api/3/user", []string{readUser}},
	{"/rest/api/3/users", []string{readUser}},
	{"/rest/api/3/statuses", []string{manageConfig}},
	{"/rest/api/3/auditing", []string{manageConfig}},
	{"/rest/agile/1.0/board/{}/sprint", []string{"read:sprint:jira-software"}},
	{"/rest/agile/1.0/board/{}/epic", []string{"read:epic:jira-software"}},
	{"/rest/agile/1.0/board/{}", []string{"read:board-scope:jira-software", "read:issue-details:jira"}},
	{"/rest/agile/1.0/board", []string{"read:board-scope:jira-software", "read:project:jira"}},
	{"/rest/software/1.0/board", []string{"read:board-scope:jira-software", "read:issue-details:jira"}},
	{"/rest/agile/1.0/sprint", []string{"read:sprint:jira-software"}},
	{"/rest/software/1.0/sprint", []string{"read:sprint:jira-software"}},
	{"/rest/agile/1.0/epic", []string{"read:epic:jira-software"}},
	{"/rest/software/1.0/epic", []string{"read:epic:jira-software"}},
}

func (r scopeRule) holds(route string) bool {
	below, segments := strings.Split(r.below, "/"), strings.Split(route, "/")
	return len(segments) >= len(below) && slices.EqualFunc(below, segments[:len(below)], func(pattern, segment string) bool {
		return pattern == segment || pattern == "{}"
	})
}

// readingPosts are the POSTs that change nothing.
var readingPosts = []string{
	"/rest/api/3/search/jql", "/rest/api/3/search/approximate-count", "/rest/api/3/issue/bulkfetch",
	"/rest/api/3/changelog/bulkfetch", "/rest/api/3/jql/match", "/rest/api/3/worklog/list",
}

// scopesOf are the scopes that a request needs, all of them.
func scopesOf(method, route string) []string {
	for _, rule := range scopeRules {
		if rule.holds(route) {
			return rule.needs
		}
	}
	if method == http.MethodGet || slices.Contains(readingPosts, route) {
		return []string{readWork}
	}
	return []string{writeWork}
}

func covers(have, need []string) bool {
	return !slices.ContainsFunc(need, func(scope string) bool { return !slices.Contains(have, scope) })
}
