package jirasim_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"ferry/jira/jirasim"
)

func basic(email, token string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(email+":"+token))
}

const loginReason = "X-Seraph-Loginreason"

func TestCredentials(t *testing.T) {
	s := newSite(jirasim.Config{Email: "me@example.com", Token: "right", Bearer: "bearer"})
	for _, c := range []struct {
		name, header string
		myself       int
		reason       string
	}{
		{"basic", basic("me@example.com", "right"), 200, "OK"},
		{"bearer", "Bearer bearer", 200, "OK"},
		{"wrong token", basic("me@example.com", "wrong"), 401, "AUTHENTICATED_FAILED"},
		{"wrong e-mail", basic("you@example.com", "right"), 401, "AUTHENTICATED_FAILED"},
		{"wrong bearer", "Bearer right", 401, "AUTHENTICATED_FAILED"},
		{"the token as bearer", "Bearer me@example.com:right", 401, "AUTHENTICATED_FAILED"},
		{"nothing", "", 401, ""},
	} {
		r := ask(t, s, "GET /rest/api/3/myself", "", "Authorization", c.header)
		if r.status != c.myself || r.header.Get(loginReason) != c.reason {
			t.Errorf("%s: /myself = %d %q, want %d %q", c.name, r.status, r.header.Get(loginReason), c.myself, c.reason)
		}
		if r.header.Get("Www-Authenticate") != "" {
			t.Errorf("%s: Jira never challenges", c.name)
		}
	}
}

// A dead token must look as it does at Jira: success, nothing, and one header.
func TestWrongCredentialsSeeAnEmptySite(t *testing.T) {
	bad := []string{"Authorization", basic("me@example.com", "expired")}
	wrong := newSite(jirasim.Config{Email: "me@example.com", Token: "right"})
	dead := newSite(jirasim.Config{})
	dead.Inject(jirasim.Fault{Do: jirasim.DeadToken})
	for name, s := range map[string]*jirasim.Server{"wrong": wrong, "dead": dead} {
		for _, c := range []struct {
			what, body string
			status     int
			want       string
		}{
			{"POST /rest/api/3/search/jql", `{"jql":"project = PAY"}`, 200, `{"issues":[],"isLast":true}`},
			{"GET /rest/api/3/search/jql?jql=project=PAY", ``, 200, `{"issues":[],"isLast":true}`},
			{"POST /rest/api/3/search/approximate-count", `{"jql":"project = PAY"}`, 200, `{"count":0}`},
			{"POST /rest/api/3/issue/bulkfetch", `{"issueIdsOrKeys":["PAY-1"]}`, 200, `{"issues":[],"issueErrors":[]}`},
			{"GET /rest/api/3/project/search", ``, 200, `"total":0,"isLast":true,"values":[]`},
			{"GET /rest/api/3/issue/PAY-1", ``, 404, `Issue does not exist`},
			{"GET /rest/api/3/project/PAY", ``, 404, `No project could be found`},
			{"GET /rest/api/3/serverInfo", ``, 200, `"deploymentType":"Cloud"`},
			{"GET /rest/api/3/mypermissions?permissions=BROWSE_PROJECTS", ``, 200, `"havePermission":false`},
			{"GET /rest/api/3/myself", ``, 401, `Client must be authenticated`},
		} {
			r := ask(t, s, c.what, c.body, bad...)
			if r.status != c.status || !strings.Contains(string(r.body), c.want) {
				t.Errorf("%s token: %s = %d %s, want %d %s", name, c.what, r.status, r.body, c.status, c.want)
			}
			if got := r.header.Get(loginReason); got != "AUTHENTICATED_FAILED" {
				t.Errorf("%s token: %s has the login reason %q", name, c.what, got)
			}
		}
	}
}

func TestATokenThatDiesDuringAWalkEndsIt(t *testing.T) {
	s := newSite(jirasim.Config{})
	first := search(t, s, `{"jql":"project = PAY","maxResults":2}`)
	s.Inject(jirasim.Fault{Do: jirasim.DeadToken})
	r := ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"project = PAY","maxResults":2,"nextPageToken":"`+*first.NextPageToken+`"}`)
	if got := string(r.body); got != `{"issues":[],"isLast":true}` || r.header.Get(loginReason) != "AUTHENTICATED_FAILED" {
		t.Errorf("the next page = %d %s, want an empty last one", r.status, got)
	}
}

func TestMyselfIsTheAccount(t *testing.T) {
	s := newSite(jirasim.Config{AccountID: "bot", AccountName: "Ferry", Email: "bot@example.com", Token: "t"})
	good := []string{"Authorization", basic("bot@example.com", "t")}
	var me struct{ AccountID, DisplayName, EmailAddress, TimeZone string }
	ask(t, s, "GET /rest/api/3/myself", "", good...).decode(t, &me)
	if me.AccountID != "bot" || me.DisplayName != "Ferry" || me.EmailAddress != "bot@example.com" || me.TimeZone != "UTC" {
		t.Errorf("myself = %+v", me)
	}
	s.SignInAs("other", "Somebody Else")
	ask(t, s, "GET /rest/api/3/myself", "", good...).decode(t, &me)
	if me.AccountID != "other" {
		t.Errorf("after SignInAs, myself = %+v", me)
	}
}

func TestMyPermissions(t *testing.T) {
	s := newSite(jirasim.Config{Denied: []string{"ADMINISTER"}})
	r := ask(t, s, "GET /rest/api/3/mypermissions?permissions=ADMINISTER,BROWSE_PROJECTS", "")
	var p struct {
		Permissions map[string]struct{ HavePermission bool }
	}
	r.decode(t, &p)
	if p.Permissions["ADMINISTER"].HavePermission || !p.Permissions["BROWSE_PROJECTS"].HavePermission {
		t.Errorf("permissions = %s", r.body)
	}
	for _, query := range []string{"", "?permissions=FLY"} {
		if r := ask(t, s, "GET /rest/api/3/mypermissions"+query, ""); r.status != 400 {
			t.Errorf("mypermissions%s = %d, want 400", query, r.status)
		}
	}
}

func TestServerInfoAndTenant(t *testing.T) {
	s := newSite(jirasim.Config{BaseURL: "https://acme.atlassian.net", CloudID: "c1"})
	var info struct{ BaseURL, DeploymentType string }
	ask(t, s, "GET /rest/api/3/serverInfo", "").decode(t, &info)
	if info.BaseURL != "https://acme.atlassian.net" || info.DeploymentType != "Cloud" {
		t.Errorf("serverInfo = %+v", info)
	}
	if r := ask(t, s, "GET /_edge/tenant_info", ""); string(r.body) != `{"cloudId":"c1"}` {
		t.Errorf("tenant_info = %s", r.body)
	}
	ask(t, newSite(jirasim.Config{}), "GET /rest/api/3/serverInfo", "").decode(t, &info)
	if info.BaseURL != "https://jira.test" {
		t.Errorf("without a BaseURL, serverInfo = %+v, want the host that was asked", info)
	}
}

// At the gateway, self links carry the gateway's host; serverInfo names the site.
func TestGatewayPrefix(t *testing.T) {
	s := newSite(jirasim.Config{BaseURL: "https://acme.atlassian.net", CloudID: "c1"})
	var i struct{ Self string }
	ask(t, s, "GET /ex/jira/c1/rest/api/3/issue/PAY-1", "").decode(t, &i)
	if want := "https://jira.test/ex/jira/c1/rest/api/3/issue/10001"; i.Self != want {
		t.Errorf("self = %s, want %s", i.Self, want)
	}
	var info struct{ BaseURL string }
	ask(t, s, "GET /ex/jira/c1/rest/api/3/serverInfo", "").decode(t, &info)
	if info.BaseURL != "https://acme.atlassian.net" {
		t.Errorf("serverInfo.baseUrl = %s, want the site", info.BaseURL)
	}
	if s.Count("/rest/api/3/issue/PAY-1") != 1 {
		t.Errorf("the path is counted with the prefix: %+v", s.Requests())
	}
}
