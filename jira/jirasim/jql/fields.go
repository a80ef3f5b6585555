package jql

import (
	"fmt"
	"strconv"
	"strings"
)

// fieldKind says which operators a field has and how its values compare.
type fieldKind int

const (
	kindChoice   fieldKind = iota // one or several names from a list
	kindKey                       // an issue, by key or by id
	kindPriority                  // a choice that has an order
	kindUser                      // a choice that knows currentUser()
	kindMoment                    // a point in time
	kindText                      // prose, searched by word
	kindCustom                    // a custom field, whose type only its values show
)

type field struct {
	name string // canonical, lower case: what Issue.Field is asked for
	kind fieldKind
}

var fields = func() map[string]field {
	byKind := map[fieldKind][]string{
		kindKey:      {"key issuekey issue", "id"},
		kindPriority: {"priority"},
		kindUser:     {"assignee", "reporter", "creator"},
		kindMoment:   {"created createddate", "updated updateddate", "resolutiondate resolved", "duedate due"},
		kindText:     {"summary", "description", "comment", "environment", "text"},
		kindChoice: {"project", "issuetype type", "status", "statuscategory", "resolution", "labels",
			"component", "fixversion", "affectedversion", "parent", "sprint"},
		kindCustom: {"rank"},
	}
	all := map[string]field{
		"epic link":    {"parent", kindChoice},
		"story points": {"story points", kindCustom},
	}
	for kind, lines := range byKind {
		for _, line := range lines {
			names := strings.Fields(line)
			for _, n := range names {
				all[n] = field{names[0], kind}
			}
		}
	}
	return all
}()

func fieldNamed(name string) (field, error) {
	lower := strings.ToLower(name)
	if f, ok := fields[lower]; ok {
		return f, nil
	}
	if digits, ok := strings.CutPrefix(lower, "cf["); ok && strings.HasSuffix(digits, "]") {
		if n, err := strconv.ParseUint(digits[:len(digits)-1], 10, 64); err == nil {
			return field{fmt.Sprintf("cf[%d]", n), kindCustom}, nil
		}
	}
	return field{}, &Error{Message: fmt.Sprintf("Field '%s' does not exist or you do not have permission to view it.", cut(name))}
}

// allows reports whether op may be used with f.
func (f field) allows(op operator) bool {
	switch op {
	case opIs, opIsNot:
		return true
	case opEqual, opNotEqual, opIn, opNotIn:
		return f.kind != kindText
	case opContains, opContainsNot:
		return f.kind == kindText || f.kind == kindCustom
	default:
		return f.kind == kindMoment || f.kind == kindKey || f.kind == kindPriority || f.kind == kindCustom
	}
}

// priorities of Jira's default scheme, from the least. A priority of another name
// has no rank, and neither > nor < matches it.
var priorities = map[string]int{"lowest": 1, "low": 2, "medium": 3, "high": 4, "highest": 5}

// reserved is Jira's own list: https://support.atlassian.com/jira-software-cloud/docs/jql-reserved-words/
var reserved = func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(`
		abort access add after alias all alter and any are as asc at audit avg be before begin between boolean break
		but by byte catch cf char character check checkpoint collate collation column commit connect continue count
		create current date decimal declare decrement default defaults define delete delimiter desc difference distinct
		divide do double drop else empty encoding end equals escape exclusive exec execute exists explain false fetch
		file field first float for from function go goto grant greater group having identified if immediate in increment
		index initial inner inout input insert int integer intersect intersection into is isempty isnull it join last
		left less like limit lock long max min minus mode modify modulo more multiply next no noaudit not notin nowait
		null number object of on option or order outer output power previous prior privileges public raise raw remainder
		rename resource return returns revoke right row rowid rownum rows select session set share size sqrt start
		strict string subtract such sum synonym table that the their then there these they this to trans transaction
		trigger true uid union unique update user validate values view was when whenever where while with`) {
		m[w] = true
	}
	return m
}()
