package jirasim

import (
	"regexp"
	"slices"
	"strings"

	"ferry/jira/jirasim/jql"
)

// epicLabel is the only custom field that a filter of a dynamic webhook may use.
const epicLabel = "cf[10011]"

var (
	filterFields    = []string{"key", "project", "issuetype", "status", "assignee", "reporter", epicLabel}
	filterOperators = []string{"=", "!=", "IN", "NOT IN"}
)

// dynamicFilter reads the filter of a dynamic webhook: a part of JQL, as WebhookDetails
// in Atlassian's file says. Issue properties, which it also allows, are not simulated.
func (s *Server) dynamicFilter(text string) (*jql.Query, []string) {
	query, err := jql.Parse(text)
	switch {
	case err != nil:
		return nil, []string{err.Error()}
	case !query.Bounded():
		return nil, []string{"The jqlFilter must not be empty."}
	case query.Ordered():
		return nil, []string{"ORDER BY is unsupported"}
	}
	var errors []string
	for _, c := range query.Clauses() {
		if wrong := s.clauseError(c); wrong != "" {
			errors = append(errors, wrong)
		}
	}
	return query, errors
}

func (s *Server) clauseError(c jql.Clause) string {
	switch {
	case !slices.Contains(filterFields, c.Field):
		return "The clause " + c.Field + " is unsupported"
	case !slices.Contains(filterOperators, c.Operator):
		return "The operator " + c.Operator + " is unsupported"
	case c.Function != "":
		return "The function " + c.Function + " is unsupported"
	case c.Field != "project" || !s.config.Webhooks.StrictFilters:
		return ""
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, value := range c.Values {
		if wrong := s.lacks(c.Field, value); wrong != "" {
			return wrong
		}
	}
	return ""
}

// urlVariable is a part of a webhook's URL that each event fills in: {issue.key}, and
// before version 10 of Data Center ${issue.key}.
var urlVariable = regexp.MustCompile(`\$?\{([a-zA-Z]+(?:\.[a-zA-Z]+)*)\}`)

// expandURL fills in the variables from the payload. What it does not have is empty.
func expandURL(url string, payload func() map[string]any) string {
	if !strings.Contains(url, "{") {
		return url
	}
	return urlVariable.ReplaceAllStringFunc(url, func(variable string) string {
		path := urlVariable.FindStringSubmatch(variable)[1]
		return pathEscape(textAt(payload(), strings.Split(path, ".")))
	})
}
