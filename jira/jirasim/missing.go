package jirasim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ferry/jira/jirasim/jql"
)

// The clauses that name things, of a query in the canonical form of [jql.Query.String]: every field
// and value in quotes, so that a value which looks like a clause has its quotes
// escaped and is never taken for one.
var (
	quotedValue = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	namedClause = regexp.MustCompile(`"(project|key|id)" (?:=|!=|<|<=|>|>=|IN|NOT IN) (\((?:[^"()]|"(?:[^"\\]|\\.)*")*\)|"(?:[^"\\]|\\.)*")`)
)

// missing refuses a query that names a project or an issue which is not there, or
// which the account may not see. Jira does not answer such a query with nothing, also
// where the missing one is only compared with:
// https://github.com/atlassian-api/atlassian-python-api/pull/752
func (s *Server) missing(c *call, query *jql.Query) *answer {
	if s.config.LenientJQL || c.identity.anonymous() {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var messages []string
	for _, clause := range namedClause.FindAllStringSubmatch(query.String(), -1) {
		for _, value := range quotedValue.FindAllStringSubmatch(clause[2], -1) {
			if message := s.lacks(clause[1], value[1]); message != "" {
				messages = append(messages, message)
			}
		}
	}
	if len(messages) == 0 {
		return nil
	}
	return refuse(http.StatusBadRequest, messages...)
}

// lacks is what Jira says about a value that does not exist, or "".
func (s *site) lacks(field, value string) string {
	if field == "project" {
		if s.knowsProject(value) {
			return ""
		}
		return fmt.Sprintf("The value '%s' does not exist for the field 'project'.", value)
	}
	if r := s.find(value); r != nil && r.visible() {
		return ""
	}
	if _, err := strconv.ParseInt(value, 10, 64); err == nil {
		return fmt.Sprintf("A value with ID '%s' does not exist for the field '%s'.", value, field)
	}
	return fmt.Sprintf("An issue with key '%s' does not exist for field '%s'.", value, field)
}

func (s *site) knowsProject(value string) bool {
	return slices.ContainsFunc(s.projectOrder, func(p *project) bool {
		return p.open() && (strings.EqualFold(p.Key, value) || strings.EqualFold(p.Name, value) || p.ID == value)
	})
}
