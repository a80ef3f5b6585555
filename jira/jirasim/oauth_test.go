package jirasim_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

const (
	site    = "https://acme.atlassian.net"
	gateway = "https://api.atlassian.com"
	issuer  = "https://auth.atlassian.com"
)

// newAppSite is a site with one app, for tests within a bubble of time.
func newAppSite(config jirasim.Config) *jirasim.Server {
	config.BaseURL, config.CloudID = site, "c1"
	s := jirasim.New(config)
	s.AddIssue(jirasim.Issue{Key: "PAY-1", Summary: "Refunds"})
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "hush"})
	return s
}

// at sends a request to one of Atlassian's hosts.
func at(t *testing.T, s *jirasim.Server, method, url, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w, err := s.Hosts().RoundTrip(r)
	if err != nil {
		return reply{err: err}
	}
	defer w.Body.Close()
	text, err := io.ReadAll(w.Body)
	return reply{w.StatusCode, w.Header, text, err}
}

// tokens are an answer of the token endpoint.
type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
	Error        string `json:"error"`
	Description  string `json:"error_description"`
	status       int
}

func exchange(t *testing.T, s *jirasim.Server, grant map[string]string) tokens {
	t.Helper()
	body := map[string]string{"client_id": "ferry", "client_secret": "hush"}
	for name, value := range grant {
		body[name] = value
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r := at(t, s, "POST", issuer+"/oauth/token", string(text))
	if r.err != nil {
		t.Fatal(r.err)
	}
	var got tokens
	r.decode(t, &got)
	got.status = r.status
	return got
}

func refresh(t *testing.T, s *jirasim.Server, token string) tokens {
	t.Helper()
	return exchange(t, s, map[string]string{"grant_type": "refresh_token", "refresh_token": token})
}

// myselfWith is the status of /myself at the gateway with an access token.
func myselfWith(t *testing.T, s *jirasim.Server, access string) int {
	t.Helper()
	return at(t, s, "GET", gateway+"/ex/jira/c1/rest/api/3/myself", "", "Authorization", "Bearer "+access).status
}

func TestRefreshTokensRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{})
		first := s.Consent("ferry")
		second := refresh(t, s, first.Refresh)
		want := tokens{AccessToken: second.AccessToken, RefreshToken: second.RefreshToken, ExpiresIn: 3600,
			Scope: "read:jira-work read:jira-user manage:jira-webhook offline_access", TokenType: "Bearer", status: 200}
		if diff := cmp.Diff(want, second, cmp.AllowUnexported(tokens{})); diff != "" || second.RefreshToken == first.Refresh || second.AccessToken == "" {
			t.Fatalf("the first refresh = %+v %s", second, diff)
		}
		time.Sleep(10 * time.Minute)
		if again := refresh(t, s, first.Refresh); again.status != 200 || again.RefreshToken == second.RefreshToken {
			t.Errorf("the used token within the leeway = %+v, want yet another", again)
		}
		time.Sleep(time.Second)
		if late := refresh(t, s, first.Refresh); late.status != 403 || late.Error != "invalid_grant" || late.Description != "Unknown or invalid refresh token." {
			t.Errorf("the used token after the leeway = %+v, want 403 invalid_grant", late)
		}
		if next := refresh(t, s, second.RefreshToken); next.status != 200 {
			t.Errorf("the token that was given instead = %+v", next)
		}
		if s.Refreshes() != 3 {
			t.Errorf("Refreshes() = %d, want 3", s.Refreshes())
		}
	})
}

// A refresh token lasts 90 days unused, and whatever happens 365 from the consent.
func TestRefreshTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{})
		idle := s.Consent("ferry").Refresh
		time.Sleep(90*24*time.Hour - time.Second)
		busy := refresh(t, s, idle)
		if busy.status != 200 {
			t.Fatalf("a token a second before 90 days = %+v", busy)
		}
		days := 90
		for ; busy.status == 200; days += 30 {
			time.Sleep(30 * 24 * time.Hour)
			busy = refresh(t, s, busy.RefreshToken)
		}
		if days != 390 {
			t.Errorf("a token that is used each month died on day %d, want the first after 365", days)
		}
		other := s.Consent("ferry").Refresh
		time.Sleep(90 * 24 * time.Hour)
		if got := refresh(t, s, other); got.status != 403 {
			t.Errorf("a token unused for 90 days = %+v, want 403", got)
		}
	})
}

func TestAccessTokensExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{})
		held := s.Consent("ferry")
		time.Sleep(time.Hour - time.Second)
		if got := myselfWith(t, s, held.Access); got != 200 {
			t.Errorf("an access token after 59:59 = %d", got)
		}
		time.Sleep(time.Second)
		r := at(t, s, "GET", gateway+"/ex/jira/c1/rest/api/3/myself", "", "Authorization", "Bearer "+held.Access)
		if r.status != 401 || string(r.body) != `{"code":401,"message":"Unauthorized"}` {
			t.Errorf("an access token after an hour = %d %s, want 401", r.status, r.body)
		}
		fresh := refresh(t, s, held.Refresh)
		s.ExpireAccessTokens()
		if got := myselfWith(t, s, fresh.AccessToken); got != 401 {
			t.Errorf("after ExpireAccessTokens = %d, want 401", got)
		}
		fresh = refresh(t, s, fresh.RefreshToken)
		s.RevokeConsents()
		if got := myselfWith(t, s, fresh.AccessToken); got != 401 {
			t.Errorf("after RevokeConsents = %d, want 401", got)
		}
		if got := refresh(t, s, fresh.RefreshToken); got.status != 403 {
			t.Errorf("a refresh after RevokeConsents = %+v, want 403", got)
		}
	})
}

func TestAWithheldRefreshTokenStaysGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{})
		held := s.Consent("ferry").Refresh
		s.WithholdRefreshTokens(true)
		for range 3 {
			if got := refresh(t, s, held); got.status != 200 || got.RefreshToken != "" || myselfWith(t, s, got.AccessToken) != 200 {
				t.Errorf("a refresh = %+v, want an access token alone", got)
			}
			time.Sleep(time.Hour)
		}
	})
}

// The answer that is lost has rotated the token all the same.
func TestALostRefreshHasRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{})
		held := s.Consent("ferry").Refresh
		body := `{"grant_type":"refresh_token","client_id":"ferry","client_secret":"hush","refresh_token":"` + held + `"}`
		for kind, name := range map[jirasim.FaultKind]string{jirasim.LoseAnswer: "lost", jirasim.Cut: "cut"} {
			before := s.Refreshes()
			s.Inject(jirasim.Fault{Match: "/oauth/token", Times: 1, Do: kind})
			if r := at(t, s, "POST", issuer+"/oauth/token", body); !errors.Is(r.err, io.ErrUnexpectedEOF) || s.Refreshes() != before+1 {
				t.Errorf("a refresh whose answer is %s = %v after %d refreshes, want an error after %d", name, r.err, s.Refreshes(), before+1)
			}
		}
		s.Inject(jirasim.Fault{Match: "/oauth/token", Times: 1, Do: jirasim.LoseAnswer, For: time.Minute})
		start := time.Now()
		if r := at(t, s, "POST", issuer+"/oauth/token", body); r.err == nil || time.Since(start) != time.Minute || s.Refreshes() != 3 {
			t.Errorf("a refresh whose answer is lost late = %v after %v and %d refreshes", r.err, time.Since(start), s.Refreshes())
		}
		time.Sleep(10*time.Minute + time.Second)
		if got := refresh(t, s, held); got.status != 403 {
			t.Errorf("the token whose answers were lost, later = %+v, want 403", got)
		}
	})
}

func TestTheTokenEndpointHasTrouble(t *testing.T) {
	s := newAppSite(jirasim.Config{})
	held := s.Consent("ferry").Refresh
	for _, f := range []jirasim.Fault{
		{Do: jirasim.ServerError, Status: 500}, {Do: jirasim.ServerError, Status: 503, HTML: true}, {Do: jirasim.Throttle, RetryAfter: "3"}, {Do: jirasim.HTML},
	} {
		f.Match, f.Times = "/oauth/token", 1
		s.Inject(f)
		r := at(t, s, "POST", issuer+"/oauth/token", `{"grant_type":"refresh_token","client_id":"ferry","client_secret":"hush","refresh_token":"`+held+`"}`)
		if strings.Contains(string(r.body), "access_token") || r.header.Get("Retry-After") != f.RetryAfter {
			t.Errorf("%+v: %d %s", f, r.status, r.body)
		}
	}
	if s.Refreshes() != 0 {
		t.Errorf("Refreshes() = %d, want none", s.Refreshes())
	}
	if got := refresh(t, s, held); got.status != 200 {
		t.Errorf("after the trouble = %+v", got)
	}
}

func TestCodesAndClientCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{})
		s.AddApp(jirasim.App{ClientID: "machine", ClientSecret: "hush", AccountID: "robot", Scopes: []string{"read:jira-user"}})
		code := s.ConsentCode("ferry")
		grant := map[string]string{"grant_type": "authorization_code", "code": code}
		if got := exchange(t, s, grant); got.status != 200 || got.RefreshToken == "" || myselfWith(t, s, got.AccessToken) != 200 {
			t.Errorf("a code = %+v", got)
		}
		if got := exchange(t, s, grant); got.status != 403 || got.Error != "invalid_grant" {
			t.Errorf("a code twice = %+v, want 403 invalid_grant", got)
		}
		grant["code"] = s.ConsentCode("ferry")
		time.Sleep(5 * time.Minute)
		if got := exchange(t, s, grant); got.status != 403 {
			t.Errorf("a code after five minutes = %+v, want 403", got)
		}
		lent := exchange(t, s, map[string]string{"grant_type": "client_credentials", "client_id": "machine"})
		if lent.status != 200 || lent.RefreshToken != "" || lent.Scope != "read:jira-user" {
			t.Errorf("client credentials = %+v, want no refresh token", lent)
		}
		var me struct{ AccountID string }
		at(t, s, "GET", gateway+"/ex/jira/c1/rest/api/3/myself", "", "Authorization", "Bearer "+lent.AccessToken).decode(t, &me)
		if me.AccountID != "robot" {
			t.Errorf("myself with client credentials = %+v", me)
		}
	})
}

func TestTheTokenEndpointRefuses(t *testing.T) {
	s := newAppSite(jirasim.Config{})
	s.AddApp(jirasim.App{ClientID: "other", ClientSecret: "hush"})
	held := s.Consent("ferry").Refresh
	for _, c := range []struct {
		name   string
		grant  map[string]string
		status int
		error  string
	}{
		{"another's token", map[string]string{"grant_type": "refresh_token", "client_id": "other", "refresh_token": held}, 403, "invalid_grant"},
		{"no token", map[string]string{"grant_type": "refresh_token"}, 403, "invalid_grant"},
		{"a wrong secret", map[string]string{"grant_type": "refresh_token", "client_secret": "loud", "refresh_token": held}, 401, "access_denied"},
		{"an unknown app", map[string]string{"grant_type": "client_credentials", "client_id": "nobody"}, 401, "access_denied"},
		{"another grant", map[string]string{"grant_type": "password"}, 403, "unsupported_grant_type"},
		{"no grant", nil, 400, "invalid_request"},
	} {
		if got := exchange(t, s, c.grant); got.status != c.status || got.Error != c.error {
			t.Errorf("%s = %+v, want %d %s", c.name, got, c.status, c.error)
		}
	}
	form := "grant_type=refresh_token&client_id=ferry&client_secret=hush&refresh_token=" + held
	if r := at(t, s, "POST", issuer+"/oauth/token", form, "Content-Type", "application/x-www-form-urlencoded"); r.status != 200 {
		t.Errorf("a form = %d %s, want it taken", r.status, r.body)
	}
	if r := at(t, s, "GET", issuer+"/oauth/token", ""); r.status != 405 {
		t.Errorf("GET = %d, want 405", r.status)
	}
	if got := refresh(t, s, held); got.status != 200 {
		t.Errorf("the token itself = %+v", got)
	}
	for _, r := range s.Requests() {
		if r.Path == "/oauth/token" && len(r.Body) > 0 {
			t.Fatalf("the log keeps credentials: %s", r.Body)
		}
	}
}

func TestAccessibleResources(t *testing.T) {
	s := newAppSite(jirasim.Config{Neighbours: []string{"https://other.atlassian.net"}})
	var list []struct {
		ID, URL, Name string
		Scopes        []string
	}
	path := gateway + "/oauth/token/accessible-resources"
	at(t, s, "GET", path, "", "Authorization", "Bearer "+s.Consent("ferry").Access).decode(t, &list)
	if len(list) != 2 || list[0].URL != "https://other.atlassian.net" || list[1].ID != "c1" || list[1].URL != site || list[1].Name != "acme" ||
		strings.Join(list[1].Scopes, " ") != "read:jira-work read:jira-user manage:jira-webhook" {
		t.Errorf("accessible-resources = %+v", list)
	}
	for name, header := range map[string]string{"no token": "", "another token": "Bearer nonsense"} {
		if r := at(t, s, "GET", path, "", "Authorization", header); r.status != 401 {
			t.Errorf("%s = %d %s, want 401", name, r.status, r.body)
		}
	}
}

// Each host serves its own, also over a socket.
func TestHosts(t *testing.T) {
	s := newAppSite(jirasim.Config{})
	access := []string{"Authorization", "Bearer " + s.Consent("ferry").Access}
	for url, status := range map[string]int{
		site + "/rest/api/3/serverInfo":                                 200,
		site + "/rest/api/3/myself":                                     401, // an access token is no good at the site
		gateway + "/ex/jira/c1/rest/api/3/myself":                       200,
		gateway + "/ex/jira/c2/rest/api/3/myself":                       404,
		gateway + "/rest/api/3/myself":                                  404,
		gateway + "/ex/jira/c1/_edge/tenant_info":                       404,
		issuer + "/rest/api/3/serverInfo":                               404,
		issuer + "/ex/jira/c1/rest/api/3/myself":                        404,
		site + "/oauth/token/accessible-resources":                      404,
		gateway + "/oauth/token":                                        404,
		gateway + "/ex/jira/c1/rest/api/3/project/PAY?expand=something": 200,
	} {
		if r := at(t, s, "GET", url, "", access...); r.status != status {
			t.Errorf("GET %s = %d %s, want %d", url, r.status, r.body, status)
		}
	}
	if r := at(t, s, "GET", "https://evil.example/rest/api/3/myself", ""); r.err == nil {
		t.Error("a host that is none of them answered")
	}
	server := httptest.NewServer(s.AuthServer())
	defer server.Close()
	s.Inject(jirasim.Fault{Match: "/oauth/token", Do: jirasim.LoseAnswer})
	body := `{"grant_type":"client_credentials","client_id":"ferry","client_secret":"hush"}`
	if w, err := server.Client().Post(server.URL+"/oauth/token", "application/json", strings.NewReader(body)); err == nil {
		w.Body.Close()
		t.Errorf("an answer that is lost arrived over a socket: %d", w.StatusCode)
	}
	s.Heal()
	for name, h := range map[string]http.Handler{"/oauth/token": s.AuthServer(), "/ex/jira/c1/rest/api/3/myself": s.Gateway()} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "https://127.0.0.1"+name, nil))
		if w.Code != 405 && w.Code != 401 {
			t.Errorf("%s of its handler = %d", name, w.Code)
		}
	}
}
