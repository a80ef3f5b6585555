package jira_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ferry/jira"
)

// answers is a site: what it says, by method and path, or by path alone, as
// "200 {}". Other paths are not served.
type answers map[string]string

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/ex/jira/11111111-2222")
	text, ok := a[r.Method+" "+path]
	if !ok {
		text, ok = a[path]
	}
	if !ok {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<html>dead link</html>")
		return
	}
	number, body, _ := strings.Cut(text, " ")
	status, err := strconv.Atoi(number)
	if err != nil {
		panic(err)
	}
	var headers []string
	if rest, ok := strings.CutPrefix(body, "anonymous "); ok {
		body, headers = rest, []string{"X-Seraph-LoginReason", "AUTHENTICATED_FAILED"}
	}
	reply(w, status, body, headers...)
}

// with is the site with other answers.
func (a answers) with(others answers) answers {
	all := answers{}
	for _, m := range []answers{a, others} {
		for path, text := range m {
			all[path] = text
		}
	}
	return all
}

// goodSite answers everything that is asked of Cloud.
var goodSite = answers{
	"/rest/api/3/serverInfo":                    `200 {"baseUrl":"https://acme.example/","deploymentType":"Cloud","version":"1001.0.0-SNAPSHOT","versionNumbers":[1001,0,0]}`,
	"/rest/api/3/myself":                        `200 {"accountId":"712020:sam","displayName":"Sam Ito","timeZone":"Asia/Tokyo"}`,
	"/rest/api/3/mypermissions":                 permissions(true, true, true),
	"/rest/api/3/project/search":                `200 {"values":[{"id":"10000","key":"PAY"}],"total":9,"isLast":false,"startAt":0}`,
	"POST /rest/api/3/search/approximate-count": `200 {"count":1234}`,
	"/rest/api/3/users/search":                  `200 [{"accountId":"712020:sam"}]`,
	"/rest/api/3/project/10000/version":         `200 {"values":[],"total":0,"isLast":true}`,
	"/rest/api/3/project/10000/component":       `200 {"values":[],"total":0,"isLast":true}`,
	"/rest/api/3/worklog/updated":               `200 {"values":[],"lastPage":true}`,
	"/rest/agile/1.0/board":                     `200 {"values":[{"id":84,"type":"scrum"}],"total":3,"isLast":false}`,
	"/rest/agile/1.0/board/84/sprint":           `200 {"values":[],"isLast":true}`,
	"/rest/agile/1.0/board/84/epic":             `200 {"values":[],"isLast":true}`,
	"/rest/software/1.0/board/84/backlog":       `200 {"issues":[],"isLast":true}`,
	"/rest/webhooks/1.0/webhook":                `200 []`,
	"/rest/api/3/webhook":                       `200 {"values":[],"total":0,"isLast":true}`,
}

func permissions(browse, administer, users bool) string {
	return fmt.Sprintf(`200 {"permissions":{"BROWSE_PROJECTS":{"havePermission":%t},"ADMINISTER":{"havePermission":%t},"USER_PICKER":{"havePermission":%t}}}`,
		browse, administer, users)
}

const (
	outOfScope = `401 {"code":401,"message":"Unauthorized; scope does not match"}`
	refused    = `403 {"errorMessages":["You do not have the permission"],"errors":{}}`
)

// atSite and atGateway are clients with Basic credentials and with a bearer token.
func atSite(t *testing.T, answers http.Handler) *jira.Client {
	t.Helper()
	auth, err := jira.Basic("sam@acme.example", "sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	return checked(t, site, auth, answers)
}

func atGateway(t *testing.T, answers http.Handler) *jira.Client {
	t.Helper()
	return checked(t, "https://api.atlassian.com/ex/jira/11111111-2222", renewing{}, answers)
}

func checked(t *testing.T, site string, auth jira.Auth, answers http.Handler) *jira.Client {
	t.Helper()
	c, err := jira.New(site, auth, jira.Config{Transport: inProcess{answers}, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// renewing is an OAuth app's token, which nothing renews here.
type renewing struct{}

func (renewing) Authorize(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "Bearer sesame-token")
	return nil
}
func (renewing) Renew(context.Context, string) (bool, error) { return false, nil }

var everything = []jira.Ability{
	jira.ReadProjects, jira.ReadIssues, jira.ReadUsers, jira.ReadVersions, jira.ReadComponents, jira.ReadWorklogs,
	jira.ReadBoards, jira.ReadSprints, jira.ReadEpics, jira.ReadBacklogs, jira.AdminWebhooks, jira.DynamicWebhooks,
}

func TestCheckOfAGoodSite(t *testing.T) {
	got, err := atSite(t, goodSite).Check(t.Context(), everything...)
	if err != nil {
		t.Fatal(err)
	}
	want := jira.CheckReport{
		Site: "https://acme.example", Deployment: jira.Cloud, Version: "1001.0.0-SNAPSHOT",
		Account: jira.User{AccountID: "712020:sam", DisplayName: "Sam Ito", TimeZone: "Asia/Tokyo"},
		Login:   jira.Login{Scheme: "Basic"},
		Rows: []jira.CheckRow{
			{Subject: "login", State: jira.CheckOK, Detail: "Basic at the site", Count: -1},
			{Subject: "clock", State: jira.CheckOK, Detail: "Jira does not tell its time", Count: -1},
			{Subject: "projects", State: jira.CheckOK, Detail: "9 seen", Count: 9},
			{Subject: "issues", State: jira.CheckOK, Detail: "about 1234", Count: 1234},
			{Subject: "users", State: jira.CheckOK, Detail: "can be read", Count: -1},
			{Subject: "versions", State: jira.CheckOK, Detail: "can be read", Count: -1},
			{Subject: "components", State: jira.CheckOK, Detail: "can be read", Count: -1},
			{Subject: "worklogs", State: jira.CheckOK, Detail: "can be read", Count: -1},
			{Subject: "boards", State: jira.CheckOK, Detail: "3 seen", Count: 3},
			{Subject: "sprints", State: jira.CheckOK, Detail: "can be read", Count: -1},
			{Subject: "epics", State: jira.CheckOK, Detail: "can be read", Count: -1},
			{Subject: "backlogs", State: jira.CheckOK, Detail: "can be read", Count: -1},
			{Subject: "admin webhooks", State: jira.CheckOK, Detail: "0 seen", Count: 0},
			{
				Subject: "dynamic webhooks", State: jira.CheckNotHere, Detail: "only OAuth apps can register dynamic webhooks", Count: -1,
				Remedy: "register admin webhooks, as a Jira administrator; or log in by OAuth",
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Check: (-want +got)\n%s", diff)
	}
}

// What goes wrong with one ability is said of that one, with what to do.
func TestCheckSaysWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		name    string
		gateway bool
		answers answers
		ability jira.Ability
		want    jira.CheckRow
		remedy  string // a part of it
	}{
		{"no project", false, answers{"/rest/api/3/project/search": `200 {"values":[],"total":0,"isLast":true}`}, jira.ReadProjects,
			jira.CheckRow{State: jira.CheckWarning, Count: 0}, "give the account Sam Ito the permission Browse Projects"},
		{"no project, as a 404", false, answers{"/rest/api/3/project/search": `404 {"errorMessages":["No project"],"errors":{}}`}, jira.ReadProjects,
			jira.CheckRow{State: jira.CheckWarning, Count: 0}, "Browse Projects"},
		{"may browse nothing", false, answers{"/rest/api/3/mypermissions": permissions(false, true, true), "POST /rest/api/3/search/approximate-count": `200 {"count":0}`}, jira.ReadIssues,
			jira.CheckRow{State: jira.CheckNoPermission, Permission: "BROWSE_PROJECTS", Count: 0}, "the permission Browse Projects"},
		{"permissions unknown", false, answers{"/rest/api/3/mypermissions": refused}, jira.ReadProjects,
			jira.CheckRow{State: jira.CheckOK, Count: 9}, ""},
		{"users are left out", false, answers{"/rest/api/3/users/search": `200 []`}, jira.ReadUsers,
			jira.CheckRow{State: jira.CheckNoPermission, Permission: "USER_PICKER", Count: -1}, "Browse users and groups"},
		{"users are refused", false, answers{"/rest/api/3/users/search": refused}, jira.ReadUsers,
			jira.CheckRow{State: jira.CheckNoPermission, Permission: "USER_PICKER", Count: -1}, "Browse users and groups"},
		{"no Jira Software", false, answers{"/rest/agile/1.0/board": `404 {"message":"null for uri: /rest/agile/1.0/board","status-code":404}`}, jira.ReadBoards,
			jira.CheckRow{State: jira.CheckNoEndpoint, Count: -1}, "install Jira Software"},
		{"no access to Jira Software", false, answers{"/rest/agile/1.0/board": refused}, jira.ReadBoards,
			jira.CheckRow{State: jira.CheckNoPermission, Count: -1}, "access to Jira Software"},
		{"no scrum board", false, answers{"/rest/agile/1.0/board": `200 {"values":[],"total":0,"isLast":true}`}, jira.ReadSprints,
			jira.CheckRow{State: jira.CheckOK, Count: -1}, ""},
		{"a board without sprints", false, answers{"/rest/agile/1.0/board/84/sprint": `400 {"errorMessages":["The board does not support sprints"],"errors":{}}`}, jira.ReadSprints,
			jira.CheckRow{State: jira.CheckOK, Count: -1}, ""},
		{"no administrator", false, answers{"/rest/api/3/mypermissions": permissions(true, false, true), "/rest/webhooks/1.0/webhook": `500 {}`}, jira.AdminWebhooks,
			jira.CheckRow{State: jira.CheckNoPermission, Permission: "ADMINISTER", Count: -1}, "global permission Administer Jira"},
		{"admin webhooks at the gateway", true, nil, jira.AdminWebhooks,
			jira.CheckRow{State: jira.CheckNotHere, Count: -1}, "dynamic webhooks, as an OAuth app"},
		{"dynamic webhooks of an app", true, nil, jira.DynamicWebhooks,
			jira.CheckRow{State: jira.CheckOK, Count: 0}, ""},
		{"dynamic webhooks of a token", true, answers{"/rest/api/3/webhook": refused}, jira.DynamicWebhooks,
			jira.CheckRow{State: jira.CheckNotHere, Count: -1}, "log in by OAuth"},
		{"no scope for webhooks", true, answers{"/rest/api/3/webhook": outOfScope}, jira.DynamicWebhooks,
			jira.CheckRow{State: jira.CheckNoScope, Scopes: []string{"read:jira-work", "manage:jira-webhook"}, Count: -1}, "manage:jira-webhook"},
		{"no scope for issues", true, answers{"POST /rest/api/3/search/approximate-count": outOfScope}, jira.ReadIssues,
			jira.CheckRow{State: jira.CheckNoScope, Scopes: []string{"read:jira-work"}, Count: -1}, "make a token with the scope read:jira-work"},
		{"no scope for boards, without a word", true, answers{"/rest/agile/1.0/board": `401 {}`}, jira.ReadBoards,
			jira.CheckRow{State: jira.CheckNoScope, Scopes: []string{"read:board-scope:jira-software", "read:project:jira"}, Count: -1}, "read:board-scope:jira-software"},
		{"admin webhooks with a scoped token", false, answers{"/rest/webhooks/1.0/webhook": outOfScope}, jira.AdminWebhooks,
			jira.CheckRow{State: jira.CheckNotHere, Count: -1}, "an API token without scopes"},
		{"teams at the gateway", true, nil, jira.ReadTeams("org"),
			jira.CheckRow{State: jira.CheckNotHere, Count: -1}, "an API token without scopes"},
		{"teams", false, answers{"/gateway/api/public/teams/v1/org/org/teams": `200 {"entities":[]}`}, jira.ReadTeams("org"),
			jira.CheckRow{State: jira.CheckOK, Count: -1}, ""},
		{"trouble", false, answers{"/rest/api/3/worklog/updated": `500 {}`}, jira.ReadWorklogs,
			jira.CheckRow{State: jira.CheckFailed, Count: -1}, "try again"},
		{"a web page", false, answers{"/rest/api/3/worklog/updated": `200 <html>`}, jira.ReadWorklogs,
			jira.CheckRow{State: jira.CheckFailed, Count: -1}, "try again"},
		{"an ability of nobody", false, nil, "magic",
			jira.CheckRow{State: jira.CheckFailed, Count: -1}, "constants of type Ability"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := atSite
			if test.gateway {
				client = atGateway
			}
			report, err := client(t, goodSite.with(test.answers)).Check(t.Context(), jira.ReadBacklogs, test.ability)
			if err != nil {
				t.Fatal(err)
			}
			got := report.Rows[len(report.Rows)-1]
			test.want.Subject = string(test.ability)
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(jira.CheckRow{}, "Detail", "Remedy", "Err")); diff != "" {
				t.Errorf("Check(%q): (-want +got)\n%s\n%s", test.ability, diff, got.Detail)
			}
			if !strings.Contains(got.Remedy, test.remedy) || (got.State == jira.CheckOK) != (got.Remedy == "") || got.Detail == "" {
				t.Errorf("Check(%q) says %q and %q, want a remedy with %q", test.ability, got.Detail, got.Remedy, test.remedy)
			}
		})
	}
}

// Nobody is told that something can be read which was not asked for.
func TestCheckSaysWhatCouldNotBeTried(t *testing.T) {
	const (
		none  = `200 {"values":[],"total":0,"isLast":true}`
		gone  = `404 {"errorMessages":["Board does not exist or you do not have permission to see it."],"errors":{}}`
		noOrg = `404 {"errors":[{"message":"Organization not found"}]}`
	)
	for _, test := range []struct {
		answers answers
		ability jira.Ability
		state   jira.CheckState
		says    string
	}{
		{answers{"/rest/agile/1.0/board": none}, jira.ReadSprints, jira.CheckOK, "not tried: the account sees no scrum board"},
		{answers{"/rest/agile/1.0/board/84/epic": gone}, jira.ReadEpics, jira.CheckOK, "not tried: Jira no longer shows the board 84"},
		{answers{"/rest/api/3/project/search": none}, jira.ReadVersions, jira.CheckOK, "not tried: the account sees no project"},
		{answers{"/rest/api/3/project/10000/component": gone}, jira.ReadComponents, jira.CheckOK, "not tried: Jira no longer shows the project 10000"},
		{answers{"/rest/api/3/project/search": none, "/rest/api/3/mypermissions": permissions(false, true, true)}, jira.ReadVersions,
			jira.CheckNoPermission, "BROWSE_PROJECTS"},
		{answers{"/gateway/api/public/teams/v1/org/org/teams": noOrg}, jira.ReadTeams("org"), jira.CheckNotHere, "the organization org"},
	} {
		report, err := atSite(t, goodSite.with(test.answers)).Check(t.Context(), test.ability)
		if err != nil {
			t.Fatal(err)
		}
		if got := report.Rows[2]; got.State != test.state || !strings.Contains(got.Detail, test.says) {
			t.Errorf("Check(%q) with %v = %q, %q, want %q and %q", test.ability, test.answers, got.State, got.Detail, test.state, test.says)
		}
	}
}

// One that fails hides no other, and each is tried once.
func TestCheckRowsAreIndependent(t *testing.T) {
	broken := answers{}
	for path := range goodSite {
		if !strings.HasSuffix(path, "serverInfo") && !strings.HasSuffix(path, "myself") && !strings.HasSuffix(path, "worklog/updated") {
			broken[path] = `503 {}`
		}
	}
	report, err := atSite(t, goodSite.with(broken)).Check(t.Context(), append(everything, everything...)...)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range report.Rows {
		if row.State == jira.CheckOK {
			got = append(got, row.Subject)
		}
	}
	if diff := cmp.Diff([]string{"login", "clock", "worklogs"}, got); diff != "" {
		t.Errorf("what is ok: (-want +got)\n%s", diff)
	}
	if want := 2 + len(everything); len(report.Rows) != want {
		t.Errorf("Check made %d rows, want %d", len(report.Rows), want)
	}
}

// Where nothing that Jira says means anything, there is an error and no report.
func TestCheckTellsNothingToNobody(t *testing.T) {
	const nobody = `200 anonymous {"values":[],"total":0,"isLast":true}`
	for name, test := range map[string]struct {
		answers answers
		want    error
	}{
		"dead token":                 {answers{"/rest/api/3/myself": `401 anonymous {}`}, jira.ErrNotLoggedIn},
		"refused":                    {answers{"/rest/api/3/myself": `401 {}`}, jira.ErrUnauthorized},
		"answers to nobody":          {answers{"/rest/api/3/project/search": nobody}, jira.ErrNotLoggedIn},
		"a refusal to nobody":        {answers{"/rest/agile/1.0/board/84/sprint": `400 anonymous {"errorMessages":["no"],"errors":{}}`}, jira.ErrNotLoggedIn},
		"answers to nobody at first": {answers{"/rest/api/3/mypermissions": nobody}, jira.ErrNotLoggedIn},
		"not Jira":                   {answers{"/rest/api/3/serverInfo": `200 {"hello":"world"}`}, jira.ErrNotJira},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := atSite(t, goodSite.with(test.answers)).Check(t.Context(), everything...)
			if !errors.Is(err, test.want) || len(report.Rows) > 0 {
				t.Errorf("Check = %v, %v, want %v", report, err, test.want)
			}
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := atSite(t, goodSite).Check(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("Check of a caller who left = %v", err)
	}
}

// Credentials that end during a check are not taken for good ones without
// permissions and scopes.
func TestCheckNoticesCredentialsThatEnd(t *testing.T) {
	for name, client := range map[string]func(*testing.T, http.Handler) *jira.Client{"at the site": atSite, "at the gateway": atGateway} {
		t.Run(name, func(t *testing.T) {
			var ended atomic.Bool
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if ended.Load() {
					reply(w, http.StatusUnauthorized, `{}`)
					return
				}
				goodSite.ServeHTTP(w, r)
				ended.Store(strings.HasSuffix(r.URL.Path, "mypermissions"))
			})
			report, err := client(t, handler).Check(t.Context(), everything...)
			if !errors.Is(err, jira.ErrUnauthorized) || len(report.Rows) > 0 {
				t.Errorf("Check = %+v, %v, want that the credentials were not accepted", report.Rows, err)
			}
		})
	}
}

// A token that may not read its own account can do other things.
func TestCheckWithoutTheScopeOfAccounts(t *testing.T) {
	report, err := atGateway(t, goodSite.with(answers{"/rest/api/3/myself": outOfScope})).Check(t.Context(), jira.ReadProjects)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Rows[0]; got.State != jira.CheckNoScope || !cmp.Equal(got.Scopes, []string{"read:jira-user"}) {
		t.Errorf("the login is %+v, want without the scope read:jira-user", got)
	}
	if got := report.Rows[2]; got.State != jira.CheckOK {
		t.Errorf("the projects are %+v, want ok", got)
	}
	want := jira.Login{Scheme: "Bearer", Gateway: true, Metered: true}
	if report.Login != want || want.String() != "Bearer at the gateway, metered in points" {
		t.Errorf("Login = %q, want %q", report.Login, want)
	}
}

// Only what the answer's own time cannot explain is skew.
func TestCheckComparesClocks(t *testing.T) {
	for _, test := range []struct {
		ahead, took, want time.Duration
		state             jira.CheckState
	}{
		{0, 0, 0, jira.CheckOK},
		{5 * time.Second, 10 * time.Second, 0, jira.CheckOK},
		{50 * time.Second, 0, 50 * time.Second, jira.CheckOK},
		{90 * time.Second, 10 * time.Second, 80 * time.Second, jira.CheckWarning},
		{-5 * time.Minute, 10 * time.Second, -5*time.Minute + time.Millisecond, jira.CheckWarning},
	} {
		synctest.Test(t, func(t *testing.T) {
			report, err := atSite(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "serverInfo") {
					goodSite.ServeHTTP(w, r)
					return
				}
				theirs := time.Now().Add(test.ahead)
				time.Sleep(test.took)
				reply(w, http.StatusOK, `{"baseUrl":"https://acme.example","serverTime":"`+theirs.Format("2006-01-02T15:04:05.000-0700")+`"}`)
			})).Check(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			row := report.Rows[1]
			if report.Skew != test.want || row.State != test.state || (row.Remedy != "") != (row.State == jira.CheckWarning) {
				t.Errorf("a clock that is %s ahead, told in %s: skew %s and %+v, want %s and %s",
					test.ahead, test.took, report.Skew, row, test.want, test.state)
			}
		})
	}
}
