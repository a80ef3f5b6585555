package jira

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Ability is something that a caller wants to do at a site, for [Client.Check].
type Ability string

// The abilities, in Jira's words. Versions are what Jira's pages call releases.
const (
	ReadProjects    Ability = "projects"
	ReadIssues      Ability = "issues"
	ReadUsers       Ability = "users"
	ReadVersions    Ability = "versions"
	ReadComponents  Ability = "components"
	ReadWorklogs    Ability = "worklogs"
	ReadBoards      Ability = "boards"
	ReadSprints     Ability = "sprints"
	ReadEpics       Ability = "epics"
	ReadBacklogs    Ability = "backlogs"
	AdminWebhooks   Ability = "admin webhooks"   // to register them; for Jira administrators
	DynamicWebhooks Ability = "dynamic webhooks" // to register them; for OAuth apps
)

// ReadTeams is the ability to read the teams of an Atlassian organization, by
// its id, which stands in the address of https://admin.atlassian.com.
func ReadTeams(organization string) Ability { return teamsOf + Ability(organization) }

const teamsOf = "teams of organization "

// CheckState is what came of one thing that was looked at.
type CheckState string

// The states. All but the first two mean that it does not work.
const (
	CheckOK           CheckState = "ok"                 // or there is nothing to read yet, as Detail says then
	CheckWarning      CheckState = "warning"            // it works, and is likely not what was meant
	CheckNoPermission CheckState = "missing permission" // of the account
	CheckNoScope      CheckState = "missing scope"      // of the token or the app: CheckRow.Scopes
	CheckNoEndpoint   CheckState = "no such endpoint"   // the site does not serve it
	CheckNotHere      CheckState = "not available here" // at this deployment, or with this sort of login
	CheckFailed       CheckState = "failed"             // for another reason: CheckRow.Err
)

// CheckRow is one thing that was looked at.
type CheckRow struct {
	Subject string // "login", "clock", or an ability
	State   CheckState
	Detail  string // what was found, for a person
	Remedy  string // what to do, one sentence; "" where it is ok

	// Count is how many there are of what the ability reads, as the account
	// sees them: of issues about so many. -1 where Jira does not say.
	Count int

	Permission string   // that is missing, by its key: "ADMINISTER"
	Scopes     []string // of which some are missing, by their classic names where they have one
	Err        error    // how Jira refused, if it was asked
}

// Login is how requests are let in.
type Login struct {
	Scheme  string // of the Authorization header: "Basic" or "Bearer"; "" without one
	Gateway bool   // requests go to Atlassian's gateway, not to the site
	Metered bool   // they are an OAuth app's, which Jira counts in points by the hour
}

// String is like "Basic at the site".
func (l Login) String() string {
	text := l.Scheme
	if text == "" {
		text = "no credentials"
	}
	if l.Gateway {
		text += " at the gateway"
	} else {
		text += " at the site"
	}
	if l.Metered {
		text += ", metered in points"
	}
	return text
}

// CheckReport says who we are at a site, and what we can do there.
type CheckReport struct {
	Site       string // under which people open it, without a slash at its end
	Deployment Deployment
	Version    string
	Account    User // with its time zone; zero if the token may not read it
	Login      Login
	Skew       time.Duration // by which the site's clock is surely ahead of ours; negative: behind
	Rows       []CheckRow    // login, clock, then the abilities as they were named
}

// Check asks a site, before it is worked with, who we are there and whether we
// have the permissions and scopes for what is wanted, and whether the site has
// it at all. Of each ability the first object or a count is read, and nothing is
// ever written. One that fails does not hide the others.
//
// The error says why nothing can be told: the site gives no answer or is not
// Jira, or the credentials are not accepted, which includes an answer with
// status 200 to nobody. It is the same as any other method's.
//
//jira:operation GET /rest/api/3/serverInfo https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-server-info/#api-rest-api-3-serverinfo-get
//jira:operation GET /rest/api/3/mypermissions https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permissions/#api-rest-api-3-mypermissions-get
//jira:operation GET /rest/api/3/users/search https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/#api-rest-api-3-users-search-get
//jira:operation GET /rest/api/2/user/search https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/#api/2/user-findUsers
//jira:operation GET /rest/api/3/project/{projectIdOrKey}/version https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-project-versions/#api-rest-api-3-project-projectidorkey-version-get
//jira:operation GET /rest/api/3/project/{projectIdOrKey}/component https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-project-components/#api-rest-api-3-project-projectidorkey-component-get
//jira:operation GET /rest/api/2/project/{projectIdOrKey}/components https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/#api/2/project-getProjectComponents
//jira:operation GET /rest/api/3/worklog/updated https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-worklogs/#api-rest-api-3-worklog-updated-get
//jira:operation GET /rest/agile/1.0/board https://developer.atlassian.com/cloud/jira/software/rest/api-group-board/#api-rest-agile-1-0-board-get
//jira:operation GET /rest/agile/1.0/board/{boardId}/sprint https://developer.atlassian.com/cloud/jira/software/rest/api-group-board/#api-rest-agile-1-0-board-boardid-sprint-get
//jira:operation GET /rest/agile/1.0/board/{boardId}/epic https://developer.atlassian.com/cloud/jira/software/rest/api-group-board/#api-rest-agile-1-0-board-boardid-epic-get
//jira:operation GET /rest/agile/1.0/board/{boardId}/backlog https://docs.atlassian.com/jira-software/REST/9.17.0/#agile/1.0/board-getIssuesForBacklog
//jira:operation GET /rest/software/1.0/board/{boardId}/backlog https://developer.atlassian.com/cloud/jira/software/rest/api-group-board/#api-rest-software-1-0-board-boardid-backlog-get
//jira:operation GET /gateway/api/public/teams/v1/org/{orgId}/teams https://developer.atlassian.com/platform/teams/components/team-public-rest-api/
func (c *Client) Check(ctx context.Context, wanted ...Ability) (CheckReport, error) {
	k := &check{Client: c}
	for _, step := range []func(context.Context) error{k.meet, k.logIn, k.readPermissions} {
		if err := step(ctx); err != nil {
			return CheckReport{}, err
		}
	}
	k.tryAll(ctx, wanted)
	if err := k.ended(ctx); err != nil {
		return CheckReport{}, err
	}
	if ctx.Err() != nil {
		return CheckReport{}, contextError(ctx)
	}
	return k.report, nil
}

// check is one check under way. All but the two flights is written before the
// abilities are tried.
type check struct {
	*Client
	via         *route
	permissions map[string]bool // by key; empty where Jira did not tell
	clock       CheckRow
	report      CheckReport

	project, board flight[string] // ids of some to look into; "" where there is none
}

// tryAll tries each ability once, all at the same time: how many requests are in
// flight is bounded by [Config.Concurrency].
func (k *check) tryAll(ctx context.Context, wanted []Ability) {
	var each []Ability
	for _, a := range wanted {
		if !slices.Contains(each, a) {
			each = append(each, a)
		}
	}
	rows := make([]CheckRow, len(each))
	var group sync.WaitGroup
	for i, a := range each {
		group.Go(func() { rows[i] = k.try(ctx, a) })
	}
	group.Wait()
	k.report.Rows = append(k.report.Rows, rows...)
}

// ended is the refusal of credentials that were good at first: then the other
// answers may have been to nobody too. A 401 alone may as well be about a scope.
func (k *check) ended(ctx context.Context) error {
	doubtful := false
	for _, row := range k.report.Rows {
		if errors.Is(row.Err, ErrNotLoggedIn) {
			return row.Err
		}
		doubtful = doubtful || errors.Is(row.Err, ErrUnauthorized)
	}
	if !doubtful {
		return nil
	}
	if _, err := k.Myself(ctx); errors.Is(err, ErrUnauthorized) && !accepted(err) {
		return err
	}
	return nil
}

// meet finds out where the site is served, what it is, and how its clock goes.
func (k *check) meet(ctx context.Context) (err error) {
	if k.via, err = k.routed.do(ctx, k.findRoute); err != nil {
		return err
	}
	k.report.Deployment = k.via.deployment
	if k.report.Site, err = k.SiteURL(ctx); err != nil {
		return err
	}
	return k.readInfo(ctx)
}

// logIn asks who we are, with the first rows of the report.
func (k *check) logIn(ctx context.Context) (err error) {
	if k.report.Login, err = k.login(ctx); err != nil {
		return err
	}
	row := CheckRow{Subject: "login", State: CheckOK, Detail: k.report.Login.String(), Count: -1}
	k.report.Account, err = k.Myself(ctx)
	if err != nil {
		if !accepted(err) {
			return err
		}
		row = k.judge(row, requirements{endpoints: []string{"GET /rest/api/3/myself"}}, err)
	}
	k.report.Rows = []CheckRow{row, k.clock}
	return nil
}

// login reads how requests are let in off a request that is not sent.
func (k *check) login(ctx context.Context) (Login, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.via.base.String(), nil)
	if err != nil {
		return Login{}, err
	}
	if err := k.via.auth.Authorize(ctx, r); err != nil {
		return Login{}, err
	}
	l := Login{Scheme: schemeOf(r), Gateway: k.atGateway(k.via.base)}
	// Tokens that renew themselves at the gateway are an OAuth app's; API tokens
	// do not, and are not metered
	// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/).
	_, renews := k.via.auth.(Renewer)
	l.Metered = l.Gateway && l.Scheme == "Bearer" && renews
	return l, nil
}
