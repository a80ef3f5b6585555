package jira

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// requirements are what an ability needs, and how to see whether it is there.
type requirements struct {
	endpoints  []string // whose scopes it takes, by method and path
	permission string   // the key of the permission that decides, "" for none
	software   bool     // it is part of Jira Software
	probe      probe
}

// scopes are those of all its endpoints, each once.
func (r requirements) scopes() []string {
	var all []string
	for _, endpoint := range r.endpoints {
		for scope := range strings.FieldsSeq(scopesOf[endpoint]) {
			if !slices.Contains(all, scope) {
				all = append(all, scope)
			}
		}
	}
	return all
}

// probe reads something small, and says how much there is: -1 unknown.
type probe func(k *check, ctx context.Context) (count int, err error)

// needs are the requirements by ability.
var needs = map[Ability]requirements{
	ReadProjects:    {endpoints: inProjects(), permission: browse, probe: (*check).countProjects},
	ReadVersions:    {endpoints: inProjects("GET /rest/api/3/project/%s/version"), permission: browse, probe: (*check).seeVersions},
	ReadComponents:  {endpoints: inProjects("GET /rest/api/3/project/%s/component"), permission: browse, probe: (*check).seeComponents},
	ReadIssues:      {endpoints: []string{"POST /rest/api/3/search/jql", "POST /rest/api/3/issue/bulkfetch"}, permission: browse, probe: (*check).countIssues},
	ReadWorklogs:    {endpoints: []string{"GET /rest/api/3/worklog/updated"}, permission: browse, probe: (*check).seeWorklogs},
	ReadUsers:       {endpoints: []string{"GET /rest/api/3/users/search"}, permission: pickUsers, probe: (*check).seeUsers},
	ReadBoards:      {endpoints: inBoards(), software: true, probe: (*check).countBoards},
	ReadSprints:     {endpoints: inBoards("GET /rest/agile/1.0/board/%s/sprint"), software: true, probe: (*check).seeSprints},
	ReadEpics:       {endpoints: inBoards("GET /rest/agile/1.0/board/%s/epic"), software: true, probe: (*check).seeEpics},
	ReadBacklogs:    {endpoints: inBoards("GET /rest/software/1.0/board/%s/backlog"), software: true, probe: (*check).seeBacklog},
	AdminWebhooks:   {permission: administer, probe: (*check).seeAdminWebhooks},
	DynamicWebhooks: {endpoints: []string{"GET /rest/api/3/webhook"}, probe: (*check).seeDynamicWebhooks},
}

// inProjects and inBoards are endpoints with the one by which projects or boards
// are found in the first place.
func inProjects(more ...string) []string {
	return append([]string{"GET /rest/api/3/project/search"}, more...)
}

func inBoards(more ...string) []string { return append([]string{"GET /rest/agile/1.0/board"}, more...) }

// The permissions that decide, by key
// (https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permissions/).
const (
	browse     = "BROWSE_PROJECTS"
	administer = "ADMINISTER"
	pickUsers  = "USER_PICKER"
)

// requirementsOf are those of an ability; none for one that is not known.
func requirementsOf(a Ability) (requirements, bool) {
	if organization, ok := strings.CutPrefix(string(a), string(teamsOf)); ok {
		return requirements{probe: func(k *check, ctx context.Context) (int, error) {
			return k.seeTeams(ctx, organization)
		}}, true
	}
	need, ok := needs[a]
	return need, ok
}

// unavailable is why an ability cannot be had at this site, or by this login.
type unavailable struct{ detail, remedy string }

func (u *unavailable) Error() string { return u.detail }

// untried is why an ability could not be tried: there is nothing to read.
type untried struct{ why string }

func (u *untried) Error() string { return u.why }

// readPermissions asks what the account may do. Where Jira does not tell, for
// lack of a scope or for a moment, the probes must do; only credentials that are
// not accepted are an error.
func (k *check) readPermissions(ctx context.Context) error {
	var answer struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	err := k.do(ctx, &call{
		method: http.MethodGet,
		path:   "/rest/api/3/mypermissions",
		query:  url.Values{"permissions": {browse + "," + administer + "," + pickUsers}},
		decode: func(body []byte) error { return decodeObject(body, &answer) },
	})
	k.permissions = map[string]bool{}
	for key, p := range answer.Permissions {
		k.permissions[key] = p.Have
	}
	if errors.Is(err, ErrNotLoggedIn) || ctx.Err() != nil {
		return err
	}
	return nil
}

// lacks reports whether Jira said that the account has not the permission.
func (k *check) lacks(permission string) bool {
	have, told := k.permissions[permission]
	return told && !have
}
