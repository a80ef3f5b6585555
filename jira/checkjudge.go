package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// missingPermission is why an ability is not there, as far as the account's
// permissions or a telling answer show it.
type missingPermission struct{ permission, detail string }

func (m *missingPermission) Error() string { return m.detail }

// try looks whether an ability is there.
func (k *check) try(ctx context.Context, a Ability) CheckRow {
	row := CheckRow{Subject: string(a), State: CheckOK, Count: -1}
	need, known := requirementsOf(a)
	if !known {
		row.State, row.Detail = CheckFailed, fmt.Sprintf("%q is no ability that can be checked", string(a))
		row.Remedy = "ask for one of the constants of type Ability"
		return row
	}
	var err error
	row.Count, err = need.probe(k, ctx)
	if u, ok := errors.AsType[*untried](err); ok {
		row.Detail = "not tried: " + u.why
	} else if err != nil {
		return k.judge(row, need, err)
	}
	return k.look(row, need)
}

// look judges an ability that Jira did not refuse: it may still show nothing to
// this account.
func (k *check) look(row CheckRow, need requirements) CheckRow {
	switch {
	case need.permission != "" && k.lacks(need.permission) && row.Count <= 0:
		return k.withoutPermission(row, need.permission, "the account has not the permission "+need.permission)
	case row.Count == 0 && Ability(row.Subject) == ReadProjects:
		row.State, row.Detail = CheckWarning, "the account sees no project"
		row.Remedy = "give " + k.who() + " the permission Browse Projects in the projects that shall be read"
	case row.Count < 0:
		row.Detail = cmp.Or(row.Detail, "can be read")
	case Ability(row.Subject) == ReadIssues:
		row.Detail = fmt.Sprintf("about %d", row.Count)
	default:
		row.Detail = fmt.Sprintf("%d seen", row.Count)
	}
	return row
}

// who names the account in a sentence.
func (k *check) who() string {
	if k.report.Account.DisplayName == "" {
		return "the account"
	}
	return "the account " + k.report.Account.DisplayName
}

// judge says why an ability is not there.
func (k *check) judge(row CheckRow, need requirements, err error) CheckRow {
	row.Count = -1
	if m, ok := errors.AsType[*missingPermission](err); ok {
		return k.withoutPermission(row, m.permission, m.detail)
	}
	if u, ok := errors.AsType[*unavailable](err); ok {
		row.State, row.Detail, row.Remedy = CheckNotHere, u.detail, u.remedy
		return row
	}
	row.Err, row.Detail = err, err.Error()
	e, ok := errors.AsType[*Error](err)
	scopes := need.scopes()
	switch {
	case !ok:
		row.State, row.Remedy = CheckFailed, "try again"
	case k.refusedScope(e) && len(scopes) > 0:
		row.State, row.Scopes = CheckNoScope, scopes
		row.Detail = "Jira wants " + named(scopes)
		row.Remedy = "make a token with " + named(scopes) +
			"; an OAuth app is given it in its settings, and then authorized again"
	case e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized:
		return k.forbidden(row, need, e)
	case absent(e):
		row.State, row.Remedy = CheckNoEndpoint, "leave it out: this site does not have it"
		row.Detail = "the site does not serve " + e.Path
		if need.software {
			row.Remedy = "leave it out, or install Jira Software on this site"
		}
	default:
		row.State, row.Remedy = CheckFailed, "try again, and if it stays so, show this to those who run the site"
	}
	return row
}

// refusedScope tells the refusal of a token that is good for something else. At
// the gateway the credentials were accepted before anything was tried, so that a
// 401 there has no other reason; at the site nothing has scopes.
func (k *check) refusedScope(e *Error) bool {
	return e.lacksScope() || k.report.Login.Gateway && e.Status == http.StatusUnauthorized
}

// forbidden is an ability that Jira refuses to this account.
func (k *check) forbidden(row CheckRow, need requirements, e *Error) CheckRow {
	if need.permission != "" {
		return k.withoutPermission(row, need.permission, e.Error())
	}
	row.State, row.Remedy = CheckNoPermission, "let a Jira administrator allow it to "+k.who()
	if need.software {
		row.Remedy = "let a Jira administrator give " + k.who() + " access to Jira Software"
	}
	if scopes := need.scopes(); k.report.Login.Gateway && len(scopes) > 0 {
		row.Remedy += ", and see that the token has " + named(scopes)
	}
	return row
}

// permissionNames are what Jira's pages call the permissions.
var permissionNames = map[string]string{
	browse:     "Browse Projects",
	administer: "Administer Jira",
	pickUsers:  "Browse users and groups",
}

func (k *check) withoutPermission(row CheckRow, key, detail string) CheckRow {
	row.State, row.Permission, row.Detail = CheckNoPermission, key, detail
	where := "global permission "
	if key == browse {
		where = "permission "
	}
	row.Remedy = "let a Jira administrator give " + k.who() + " the " + where + permissionNames[key]
	return row
}

// absent tells that a site does not have an address: besides Jira's own 404, that
// of a server which does not know the path.
func absent(e *Error) bool {
	switch e.Status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return true
	}
	return false
}

// named are scopes in a sentence.
func named(scopes []string) string {
	if len(scopes) == 1 {
		return "the scope " + scopes[0]
	}
	return "the scopes " + strings.Join(scopes, " and ")
}
