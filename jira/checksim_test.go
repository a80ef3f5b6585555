package jira_test

import (
	"context"
	"maps"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// at is a client whose requests a simulated site answers, at every address that it has.
func at(t *testing.T, address string, sim *jirasim.Server, auth jira.Auth, err error) *jira.Client {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New(address, auth, jira.Config{Transport: sim.Hosts(), Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// states are the rows of a check in short.
func states(r jira.CheckReport) map[string]jira.CheckState {
	all := map[string]jira.CheckState{}
	for _, row := range r.Rows {
		all[row.Subject] = row.State
	}
	return all
}

func filled(config jirasim.Config) *jirasim.Server {
	sim := jirasim.New(config)
	sim.Fill(20, 2, 0)
	sim.AddBoard(jirasim.Board{ProjectKey: sim.AddProject(jirasim.Project{Key: "PLAN"}).Key})
	return sim
}

// inState are rows of a check that are all in one state.
func inState(state jira.CheckState, abilities ...jira.Ability) map[string]jira.CheckState {
	rows := map[string]jira.CheckState{}
	for _, a := range abilities {
		rows[string(a)] = state
	}
	return rows
}

var inSoftware = []jira.Ability{jira.ReadBoards, jira.ReadSprints, jira.ReadEpics, jira.ReadBacklogs}

var inPlatform = []jira.Ability{jira.ReadProjects, jira.ReadIssues, jira.ReadVersions, jira.ReadComponents, jira.ReadWorklogs}

// However somebody is let in, the check says how, and what that allows.
func TestCheckOfEachLogin(t *testing.T) {
	const site, email, token = "https://acme.atlassian.net", "sam@acme.example", "sesame"
	all := inState(jira.CheckOK, everything...)
	all["login"], all["clock"], all["dynamic webhooks"] = jira.CheckOK, jira.CheckOK, jira.CheckNotHere
	but := func(others ...map[string]jira.CheckState) map[string]jira.CheckState {
		states := maps.Clone(all)
		for _, m := range others {
			maps.Copy(states, m)
		}
		return states
	}
	for _, test := range []struct {
		name   string
		config jirasim.Config
		login  func(*jirasim.Server) (jira.Auth, error)
		want   jira.Login
		states map[string]jira.CheckState
	}{
		{
			"an API token", jirasim.Config{BaseURL: site, Email: email, Token: token},
			func(*jirasim.Server) (jira.Auth, error) { return jira.Automatic(email, token) },
			jira.Login{Scheme: "Basic"}, all,
		},
		{
			"an API token of no administrator", jirasim.Config{BaseURL: site, Email: email, Token: token, Denied: []string{"ADMINISTER"}},
			func(*jirasim.Server) (jira.Auth, error) { return jira.Automatic(email, token) },
			jira.Login{Scheme: "Basic"}, but(inState(jira.CheckNoPermission, jira.AdminWebhooks)),
		},
		{
			"an API token of somebody who may not see others", jirasim.Config{BaseURL: site, Email: email, Token: token, Denied: []string{"USER_PICKER"}},
			func(*jirasim.Server) (jira.Auth, error) { return jira.Automatic(email, token) },
			jira.Login{Scheme: "Basic"}, but(inState(jira.CheckNoPermission, jira.ReadUsers)),
		},
		{
			"a token with scopes, which the site refuses",
			jirasim.Config{BaseURL: site, Email: email, ScopedToken: token, Scopes: []string{"read:jira-work"}},
			func(*jirasim.Server) (jira.Auth, error) { return jira.Automatic(email, token) },
			jira.Login{Scheme: "Basic", Gateway: true},
			but(inState(jira.CheckNoScope, inSoftware...), inState(jira.CheckNoScope, "login", jira.ReadUsers), inState(jira.CheckNotHere, jira.AdminWebhooks)),
		},
		{
			"a token with other scopes",
			jirasim.Config{BaseURL: site, Email: email, ScopedToken: token, Scopes: []string{"read:jira-user"}},
			func(*jirasim.Server) (jira.Auth, error) { return jira.Automatic(email, token) },
			jira.Login{Scheme: "Basic", Gateway: true},
			but(inState(jira.CheckNoScope, inSoftware...), inState(jira.CheckNoScope, inPlatform...), inState(jira.CheckNotHere, jira.AdminWebhooks)),
		},
		{
			"an app", jirasim.Config{BaseURL: site, Email: email, Token: "another"},
			func(sim *jirasim.Server) (jira.Auth, error) {
				sim.AddApp(jirasim.App{ClientID: "app", ClientSecret: "hush"})
				return jira.OAuth(jira.OAuthConfig{
					ClientID: "app", ClientSecret: "hush", Transport: sim.Hosts(),
					Store: jira.TokensFile(filepath.Join(t.TempDir(), "tokens"), sim.Consent("app").Refresh),
				})
			},
			jira.Login{Scheme: "Bearer", Gateway: true, Metered: true},
			but(inState(jira.CheckNoScope, inSoftware...), inState(jira.CheckNotHere, jira.AdminWebhooks), inState(jira.CheckOK, jira.DynamicWebhooks)),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sim := filled(test.config)
			auth, err := test.login(sim)
			report, err := at(t, site, sim, auth, err).Check(t.Context(), everything...)
			if err != nil {
				t.Fatal(err)
			}
			if report.Login != test.want || report.Site != site || report.Deployment != jira.Cloud {
				t.Errorf("%s at %s, %s, want %s at %s", report.Login, report.Site, report.Deployment, test.want, site)
			}
			if diff := cmp.Diff(test.states, states(report)); diff != "" {
				t.Errorf("Check: (-want +got)\n%s", diff)
			}
			if n := sim.Refreshes(); n > 1 {
				t.Errorf("the app's tokens were renewed %d times, want once: none of them will have another scope", n)
			}
		})
	}
}

func TestCheckAtDataCenter(t *testing.T) {
	const site = "https://jira.acme.example/jira"
	for _, version := range []string{"9.12.4", "10.3.0"} {
		sim := filled(jirasim.Config{BaseURL: site, ContextPath: "/jira", Deployment: jirasim.DataCenter, Version: version, Bearer: "sesame"})
		auth, err := jira.Automatic("", "sesame")
		report, err := at(t, site, sim, auth, err).Check(t.Context(), everything...)
		if err != nil {
			t.Fatal(version, err)
		}
		want := inState(jira.CheckOK, append(everything, "login", "clock")...)
		want["dynamic webhooks"] = jira.CheckNotHere
		if diff := cmp.Diff(want, states(report)); diff != "" {
			t.Errorf("Check at %s: (-want +got)\n%s", version, diff)
		}
		if report.Version != version || report.Deployment != jira.DataCenter || report.Login.String() != "Bearer at the site" || report.Site != site {
			t.Errorf("Check at %s = %+v", version, report)
		}
	}
}

// ownSite is what Data Center says where it differs.
var ownSite = answers{
	"/rest/api/2/serverInfo":               `200 {"baseUrl":"https://jira.acme.example/jira","deploymentType":"Server","version":"9.12.4","versionNumbers":[9,12,4]}`,
	"/rest/api/2/myself":                   `200 {"name":"sam","key":"JIRAUSER10100","displayName":"Sam Ito","timeZone":"Asia/Tokyo"}`,
	"/rest/api/2/mypermissions":            permissions(true, true, true),
	"/rest/api/2/project":                  `200 [{"id":"10000","key":"PAY"}]`,
	"POST /rest/api/2/search":              `200 {"startAt":0,"maxResults":0,"total":1234,"issues":[]}`,
	"/rest/api/2/user/search":              `200 [{"name":"sam","key":"JIRAUSER10100"}]`,
	"/rest/api/2/project/10000/version":    `200 {"values":[],"total":0,"isLast":true}`,
	"/rest/api/2/project/10000/components": `200 []`,
	"/rest/api/2/worklog/updated":          `200 {"values":[],"lastPage":true}`,
	"/rest/agile/1.0/board":                `200 {"values":[{"id":84,"type":"scrum"}],"total":3,"isLast":false}`,
	"/rest/agile/1.0/board/84/sprint":      `200 {"values":[],"isLast":true}`,
	"/rest/agile/1.0/board/84/epic":        `200 {"values":[],"isLast":true}`,
	"/rest/agile/1.0/board/84/backlog":     `200 {"issues":[],"total":0}`,
	"/rest/webhooks/1.0/webhook":           `200 []`,
}

// Data Center is asked at its own addresses.
func TestCheckAsksDataCenterWhereItAnswers(t *testing.T) {
	handler := http.StripPrefix("/jira", ownSite)
	report, err := checked(t, "https://jira.acme.example/jira", renewing{}, handler).Check(t.Context(), append(everything, jira.ReadTeams("org"))...)
	if err != nil {
		t.Fatal(err)
	}
	want := inState(jira.CheckOK, append(everything, "login", "clock")...)
	want[string(jira.DynamicWebhooks)], want[string(jira.ReadTeams("org"))] = jira.CheckNotHere, jira.CheckNotHere
	if diff := cmp.Diff(want, states(report)); diff != "" {
		t.Errorf("Check: (-want +got)\n%s\n%+v", diff, report.Rows)
	}
	if report.Login.Metered || report.Account.ID() != "JIRAUSER10100" {
		t.Errorf("Check = %+v", report)
	}
}

// A check is over when its caller leaves, however long the site takes.
func TestCheckEndsWithItsCaller(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/rest/api/3/project/search" {
			leave()
			<-r.Context().Done()
			return
		}
		goodSite.ServeHTTP(w, r)
	})
	report, err := atSite(t, handler).Check(ctx, everything...)
	if err == nil || len(report.Rows) > 0 {
		t.Errorf("Check of a caller who left = %v, %v, want an error alone", report, err)
	}
}
