package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

func (k *check) countProjects(ctx context.Context) (int, error) {
	for page, err := range k.Projects(ctx, ProjectQuery{PageSize: 1}) {
		return max(page.Total, len(page.Items)), err
	}
	return 0, nil
}

// everyIssue restricts nothing, in a form that Jira takes.
const everyIssue = `created >= "1970-01-01"`

func (k *check) countIssues(ctx context.Context) (int, error) {
	return k.ApproximateCount(ctx, everyIssue)
}

// seeUsers asks for a single user. At Data Center the point finds everybody.
func (k *check) seeUsers(ctx context.Context) (int, error) {
	q := &call{method: http.MethodGet, path: "/rest/api/3/users/search", query: oneOnly()}
	if k.via.deployment == DataCenter {
		q = &call{method: http.MethodGet, path: "/rest/api/3/user/search", query: oneOnly()}
		q.query.Set("username", ".")
	}
	found, err := k.see(ctx, q)
	if err == nil && found.listed == 0 {
		err = &missingPermission{pickUsers, "Jira shows no user"} // it leaves out, rather than refuse
	}
	return -1, err
}

func (k *check) seeVersions(ctx context.Context) (int, error) {
	return k.inProject(ctx, func(id string) *call {
		return &call{method: http.MethodGet, path: "/rest/api/3/project/%s/version", args: []string{id}, query: oneOnly()}
	})
}

func (k *check) seeComponents(ctx context.Context) (int, error) {
	return k.inProject(ctx, func(id string) *call {
		if k.via.deployment == DataCenter {
			return &call{method: http.MethodGet, path: "/rest/api/3/project/%s/components", args: []string{id}}
		}
		return &call{method: http.MethodGet, path: "/rest/api/3/project/%s/component", args: []string{id}, query: oneOnly()}
	})
}

// inProject looks into some project.
func (k *check) inProject(ctx context.Context, ask func(id string) *call) (int, error) {
	id, err := k.project.do(ctx, k.someProject)
	switch {
	case err != nil:
		return -1, err
	case id == "":
		return -1, &untried{"the account sees no project"}
	}
	_, err = k.see(ctx, ask(id))
	if errors.Is(err, ErrNotFound) {
		err = &untried{"Jira no longer shows the project " + id}
	}
	return -1, err
}

func (k *check) someProject(ctx context.Context) (string, error) {
	for page, err := range k.Projects(ctx, ProjectQuery{PageSize: 1}) {
		if err != nil || len(page.Items) == 0 {
			return "", err
		}
		return objectID(page.Items[0])
	}
	return "", nil
}

// seeWorklogs asks for what changed in the last hour.
func (k *check) seeWorklogs(ctx context.Context) (int, error) {
	since := strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)
	_, err := k.see(ctx, &call{method: http.MethodGet, path: "/rest/api/3/worklog/updated", query: url.Values{"since": {since}}})
	return -1, err
}

func (k *check) countBoards(ctx context.Context) (int, error) {
	found, err := k.see(ctx, &call{method: http.MethodGet, path: "/rest/agile/1.0/board", query: oneOnly()})
	return found.total, err
}

func (k *check) seeSprints(ctx context.Context) (int, error) {
	return k.inBoard(ctx, func(id string) *call {
		return &call{method: http.MethodGet, path: "/rest/agile/1.0/board/%s/sprint", args: []string{id}, query: oneOnly()}
	})
}

func (k *check) seeEpics(ctx context.Context) (int, error) {
	return k.inBoard(ctx, func(id string) *call {
		return &call{method: http.MethodGet, path: "/rest/agile/1.0/board/%s/epic", args: []string{id}, query: oneOnly()}
	})
}

// seeBacklog asks Cloud where it still is: its older address has been announced
// to go.
func (k *check) seeBacklog(ctx context.Context) (int, error) {
	return k.inBoard(ctx, func(id string) *call {
		if k.via.deployment == DataCenter {
			return &call{method: http.MethodGet, path: "/rest/agile/1.0/board/%s/backlog", args: []string{id}, query: oneOnly()}
		}
		return &call{method: http.MethodGet, path: "/rest/software/1.0/board/%s/backlog", args: []string{id}, query: oneOnly()}
	})
}

// inBoard looks into some scrum board, the only sort that has all of these.
func (k *check) inBoard(ctx context.Context, ask func(id string) *call) (int, error) {
	id, err := k.board.do(ctx, k.someBoard)
	switch {
	case err != nil:
		return -1, err
	case id == "":
		return -1, &untried{"the account sees no scrum board"}
	}
	_, err = k.see(ctx, ask(id))
	e, ok := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, ErrNotFound):
		err = &untried{"Jira no longer shows the board " + id}
	case ok && e.Status == http.StatusBadRequest && e.Err == nil:
		err = nil // this board has none, by its settings: it was not refused
	}
	return -1, err
}

func (k *check) someBoard(ctx context.Context) (string, error) {
	query := oneOnly()
	query.Set("type", "scrum")
	found, err := k.see(ctx, &call{method: http.MethodGet, path: "/rest/agile/1.0/board", query: query})
	if err != nil || found.listed == 0 {
		return "", err
	}
	return objectID(found.first)
}

// seeAdminWebhooks lists them, unless Jira has said that the account may not.
func (k *check) seeAdminWebhooks(ctx context.Context) (int, error) {
	if k.lacks(administer) && !k.report.Login.Gateway {
		return -1, &missingPermission{administer, "the account is not a Jira administrator"}
	}
	found, err := k.Webhooks(ctx)
	e, ok := errors.AsType[*Error](err)
	if errors.Is(err, ErrNoWebhooks) || ok && e.lacksScope() {
		err = notScoped
	}
	return len(found), err
}

var notScoped = &unavailable{
	"admin webhooks cannot be registered through the gateway, nor by a token with scopes",
	"use an API token without scopes of a Jira administrator, at the site's own address; or register dynamic webhooks, as an OAuth app",
}

// seeDynamicWebhooks lists them, unless it is plain that these are not the
// credentials of an app.
func (k *check) seeDynamicWebhooks(ctx context.Context) (int, error) {
	switch {
	case k.via.deployment == DataCenter:
		return -1, &unavailable{"Data Center has no dynamic webhooks", "register admin webhooks, as a Jira administrator"}
	case !k.report.Login.Gateway || k.report.Login.Scheme != "Bearer":
		return -1, onlyApps
	}
	found, err := k.DynamicWebhooks(ctx)
	if errors.Is(err, ErrNoWebhooks) {
		err = onlyApps
	}
	return len(found), err
}

var onlyApps = &unavailable{
	"only OAuth apps can register dynamic webhooks",
	"register admin webhooks, as a Jira administrator; or log in by OAuth",
}

// seeTeams asks Atlassian's own service, which takes API tokens without scopes
// and no others.
func (k *check) seeTeams(ctx context.Context, organization string) (int, error) {
	switch {
	case k.via.deployment == DataCenter:
		return -1, &unavailable{"Data Center has no Atlassian teams", "leave teams out"}
	case k.report.Login.Gateway:
		return -1, &unavailable{
			"teams cannot be read with OAuth or with a scoped token",
			"use an API token without scopes, at the site's own address",
		}
	}
	_, err := k.see(ctx, &call{
		method: http.MethodGet, path: "/gateway/api/public/teams/v1/org/%s/teams",
		args: []string{organization}, query: url.Values{"size": {"1"}},
	})
	if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusNotFound && !errors.Is(err, ErrNotLoggedIn) {
		err = &unavailable{
			"Atlassian does not show the organization " + organization + " to this account",
			"take its id from the address of https://admin.atlassian.com, and an account that is in it",
		}
	}
	return -1, err
}

// oneOnly asks for a page of one.
func oneOnly() url.Values { return url.Values{"maxResults": {"1"}} }

// probed is what a probe's answer holds.
type probed struct {
	total  int // -1: not told
	listed int
	first  json.RawMessage
}

// see sends a probe. Its answer is a list, or an object that may hold one.
func (k *check) see(ctx context.Context, q *call) (probed, error) {
	var found probed
	q.decode = func(body []byte) (err error) {
		found, err = readProbed(bytes.TrimSpace(body))
		return err
	}
	if err := k.do(ctx, q); err != nil {
		return probed{total: -1}, err
	}
	return found, nil
}

func readProbed(body []byte) (probed, error) {
	var list []json.RawMessage
	total := -1
	if bytes.HasPrefix(body, []byte("[")) {
		if err := decodeObject(body, &list); err != nil {
			return probed{}, err
		}
	} else {
		var page struct {
			Total  *int              `json:"total"`
			Values []json.RawMessage `json:"values"`
		}
		if err := decodeObject(body, &page); err != nil {
			return probed{}, err
		}
		if page.Total != nil {
			total = *page.Total
		}
		list = page.Values
	}
	found := probed{total: total, listed: len(list)}
	if len(list) > 0 {
		found.first = list[0]
	}
	return found, nil
}

// objectID is the id of a project, which is a text, or of a board, a number.
func objectID(object json.RawMessage) (string, error) {
	var named struct {
		ID any `json:"id"`
	}
	d := json.NewDecoder(bytes.NewReader(object))
	d.UseNumber()
	if err := d.Decode(&named); err != nil {
		return "", err
	}
	switch id := named.ID.(type) {
	case string:
		return id, nil
	case json.Number:
		return id.String(), nil
	}
	return "", notJira("listed an object without an id")
}

// schemeOf is the first word of the Authorization header.
func schemeOf(r *http.Request) string {
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return scheme
}
