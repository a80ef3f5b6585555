package jirasim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"ferry/jira/jirasim/jql"
)

// view is an issue as a query sees it.
type view struct {
	*record
	s *site
}

// on avoids an allocation for each issue of a walk: one view is moved along.
func (v *view) on(r *record) *view { v.record = r; return v }

// Field implements [jql.Issue].
func (v *view) Field(name string) jql.Values {
	switch name {
	case "key":
		return jql.Values{Strings: v.spellings, Num: v.ID}
	case "id":
		return jql.Values{Strings: v.spellings, Num: v.ID}
	case "project":
		return jql.Values{Strings: []string{v.project.Key, v.project.Name, v.project.ID}}
	case "parent":
		return v.parent()
	case "created":
		return moment(v.Created)
	case "updated":
		return moment(v.Updated)
	case "resolutiondate":
		return moment(v.Resolved)
	case "labels":
		return words(v.Labels)
	case "component":
		return words(v.Components)
	}
	if who, ok := v.person(name); ok {
		return who
	}
	if n, ok := v.choice(name); ok {
		return n
	}
	return v.text(name)
}

func (v *view) choice(name string) (jql.Values, bool) {
	switch name {
	case "statuscategory":
		return words(v.s.names[statusFragment][v.Status].category.values), true
	case "status":
		return words(v.s.names[statusFragment][v.Status].values), true
	case "issuetype":
		return words(v.s.names[typeFragment][v.Type].values), true
	case "priority":
		return words(v.s.names[priorityFragment][v.Priority].values), true
	case "resolution":
		if v.Resolution == "" {
			return jql.Values{Empty: true}, true
		}
		return words(v.s.names[resolutionFragment][v.Resolution].values), true
	}
	return jql.Values{}, false
}

func (v *view) person(name string) (jql.Values, bool) {
	account := ""
	switch name {
	case "assignee":
		account = v.Assignee
	case "reporter":
		account = v.Reporter
	case "creator":
		account = v.Creator
	default:
		return jql.Values{}, false
	}
	if account == "" {
		return jql.Values{Empty: true}, true
	}
	return words(v.s.users[account].spellings()), true
}

func (v *view) text(name string) jql.Values {
	switch name {
	case "summary":
		return words([]string{v.Summary})
	case "description":
		if v.Description == "" {
			return jql.Values{Empty: true}
		}
		return words([]string{v.Description})
	case "text":
		return words([]string{v.Summary, v.Description})
	case "story points":
		name = "cf[10016]" // the story points of the issues in the real payloads
	}
	number, ok := strings.CutPrefix(name, "cf[")
	if !ok {
		return jql.Values{Empty: true}
	}
	return custom(v.Custom["customfield_"+strings.TrimSuffix(number, "]")])
}

func (v *view) parent() jql.Values {
	if v.Parent == "" {
		return jql.Values{Empty: true}
	}
	if r := v.s.find(v.Parent); r != nil {
		return words(r.spellings)
	}
	return words([]string{v.Parent})
}

// custom reads a custom field: a text, a number, or an object with a value or a name.
// The queries know whole numbers only: a fraction counts as its whole part.
func custom(raw json.RawMessage) jql.Values {
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return jql.Values{Empty: true}
	}
	switch value := value.(type) {
	case string:
		return words([]string{value})
	case float64:
		return jql.Values{Strings: []string{strconv.FormatInt(int64(value), 10)}, Num: int64(value)}
	case map[string]any:
		for _, name := range []string{"value", "name"} {
			if text, ok := value[name].(string); ok {
				return words([]string{text})
			}
		}
	}
	return jql.Values{Empty: true}
}

func words(values []string) jql.Values {
	return jql.Values{Strings: values, Empty: len(values) == 0}
}

func moment(at time.Time) jql.Values { return jql.Values{Time: at, Empty: at.IsZero()} }
