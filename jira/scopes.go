package jira

import "strings"

// scopeRemedy says what a token lacks for an endpoint. Jira does not say which
// scope it misses, so that all are named that the operation wants.
func scopeRemedy(endpoint string) string {
	const then = "; a scope that is added takes a new token, or the app to be authorized again"
	scopes := strings.Join(strings.Fields(scopesOf[endpoint]), " and ")
	if scopes == "" {
		return "the token lacks a scope: reading Jira takes read:jira-work and read:jira-user" + then
	}
	return "the token lacks a scope: this takes " + scopes + then
}

// scopesOf says which scopes an endpoint wants in a token: the classic ones, or
// granular ones where there are no others, as in Jira Software.
// A test keeps them equal to Atlassian's OpenAPI files.
var scopesOf = map[string]string{
	"GET /rest/agile/1.0/board":                 "read:board-scope:jira-software read:project:jira",
	"GET /rest/agile/1.0/board/%s/backlog":      "read:board-scope:jira-software read:issue-details:jira",
	"GET /rest/agile/1.0/board/%s/epic":         "read:epic:jira-software",
	"GET /rest/agile/1.0/board/%s/sprint":       "read:sprint:jira-software",
	"POST /rest/api/3/issue/bulkfetch":          "read:jira-work",
	"GET /rest/api/3/issue/%s":                  "read:jira-work",
	"GET /rest/api/3/mypermissions":             "read:jira-work",
	"GET /rest/api/3/myself":                    "read:jira-user",
	"GET /rest/api/3/project/search":            "read:jira-work",
	"GET /rest/api/3/project/%s":                "read:jira-work",
	"GET /rest/api/3/project/%s/component":      "read:jira-work",
	"GET /rest/api/3/project/%s/version":        "read:jira-work",
	"POST /rest/api/3/search/approximate-count": "read:jira-work",
	"POST /rest/api/3/search/jql":               "read:jira-work",
	"GET /rest/api/3/users/search":              "read:jira-user",
	"DELETE /rest/api/3/webhook":                "read:jira-work manage:jira-webhook",
	"GET /rest/api/3/webhook":                   "read:jira-work manage:jira-webhook",
	"POST /rest/api/3/webhook":                  "read:jira-work manage:jira-webhook",
	"PUT /rest/api/3/webhook/refresh":           "read:jira-work manage:jira-webhook",
	"GET /rest/api/3/worklog/updated":           "read:jira-work",
	"GET /rest/software/1.0/board/%s/backlog":   "read:board-scope:jira-software read:issue-details:jira",
}
