package jirasim_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira/jirasim"
)

// Tokens die at the time that was set, or at once, and are replaced.
func TestTokensExpireAndAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{Email: "me@example.com", Token: "first", Bearer: "b", TokenExpires: time.Now().Add(time.Hour)})
		s.AddIssue(jirasim.Issue{Key: "PAY-1"})
		check := func(when, header string, status int) {
			t.Helper()
			r := ask(t, s, "GET /rest/api/3/myself", "", "Authorization", header)
			if r.status != status {
				t.Errorf("%s: myself = %d, want %d", when, r.status, status)
			}
			found := ask(t, s, "POST /rest/api/3/search/jql", `{"jql":"key = PAY-1"}`, "Authorization", header)
			if empty := strings.Contains(string(found.body), `"issues":[]`); found.status != 200 || empty != (status != 200) {
				t.Errorf("%s: the search = %d %s", when, found.status, found.body)
			}
			if failed := found.header.Get(loginReason) == "AUTHENTICATED_FAILED"; failed != (status != 200) {
				t.Errorf("%s: the login reason is %q", when, found.header.Get(loginReason))
			}
		}
		first, second := basic("me@example.com", "first"), basic("me@example.com", "second")
		check("at first", first, 200)
		time.Sleep(time.Hour)
		check("an hour later", first, 401)
		check("an hour later", "Bearer b", 401)
		s.SetToken("me@example.com", "second")
		check("after a new token", second, 200)
		check("the old one", first, 401)
		s.ExpireToken()
		check("after ExpireToken", second, 401)
		s.SetBearer("c")
		check("after a new bearer", "Bearer c", 200)
	})
}

func TestDataCenterLogins(t *testing.T) {
	s := onPremises(jirasim.Config{Email: "bot", Token: "password", Bearer: "pat"})
	s.AddApp(jirasim.App{ClientID: "service", ClientSecret: "hush", Scopes: []string{"READ"}})
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"service"}, "client_secret": {"hush"}, "scope": {"READ"}}
	token := func(secret string) (got tokens) {
		t.Helper()
		form.Set("client_secret", secret)
		r := ask(t, s, "POST /jira/rest/oauth2/latest/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
		r.decode(t, &got)
		got.status = r.status
		return got
	}
	got := token("hush")
	if got.status != 200 || got.ExpiresIn != 3600 || got.RefreshToken != "" || got.AccessToken == "" {
		t.Errorf("a service account's token = %+v", got)
	}
	if wrong := token("loud"); wrong.status != 401 || wrong.Error != "invalid_client" {
		t.Errorf("with a wrong secret = %+v, want 401 invalid_client", wrong)
	}
	if r := ask(t, s, "POST /jira/rest/oauth2/latest/token", "grant_type=password", "Content-Type", "application/x-www-form-urlencoded"); r.status != 400 {
		t.Errorf("another grant = %d, want 400", r.status)
	}
	if r := ask(t, s, "POST /jira/rest/oauth2/latest/token", `{}`); r.status != 415 {
		t.Errorf("as JSON = %d, want 415: a form is asked for", r.status)
	}
	for _, c := range []struct {
		name, header   string
		myself, search int
	}{
		{"the password", basic("bot", "password"), 200, 200},
		{"the personal access token", "Bearer pat", 200, 200},
		{"the service account", "Bearer " + got.AccessToken, 200, 200},
		{"a wrong password", basic("bot", "wrong"), 401, 401},
		{"the personal access token as a password", basic("bot", "pat"), 401, 401},
		{"a wrong personal access token", "Bearer wrong", 401, 200},
		{"nothing", "", 401, 200},
	} {
		for what, status := range map[string]int{"GET /jira/rest/api/2/myself": c.myself, "GET /jira/rest/api/2/search": c.search} {
			if r := ask(t, s, what, "", "Authorization", c.header); r.status != status {
				t.Errorf("%s: %s = %d %s, want %d", c.name, what, r.status, r.body, status)
			}
		}
	}
	if r := ask(t, s, "GET /jira/rest/api/2/issue/PAY-1", ""); r.status != 401 || !strings.Contains(refusal(r), "Login Required") {
		t.Errorf("an issue, asked for by nobody = %d %s, want to hear that a login is required", r.status, r.body)
	}
}

// After some wrong passwords the right one is not looked at any more; a personal
// access token is.
func TestTheCaptcha(t *testing.T) {
	s := onPremises(jirasim.Config{Email: "bot", Token: "password", Bearer: "pat", CaptchaAfter: 3})
	myself := func(header string) reply {
		t.Helper()
		return ask(t, s, "GET /jira/rest/api/2/myself", "", "Authorization", header)
	}
	right, wrong := basic("bot", "password"), basic("bot", "wrong")
	myself(wrong)
	myself(wrong)
	if r := myself(right); r.status != 200 { // which counts from the beginning again
		t.Fatalf("after two wrong ones the right password = %d", r.status)
	}
	for range 3 {
		if r := myself(wrong); r.status != 401 || r.header.Get(loginReason) != "AUTHENTICATED_FAILED" {
			t.Fatalf("a wrong password = %d %q", r.status, r.header.Get(loginReason))
		}
	}
	r := myself(right)
	if want := "CAPTCHA_CHALLENGE; login-url=https://jira.test/jira/login.jsp"; r.status != 403 ||
		r.header.Get("X-Authentication-Denied-Reason") != want || r.header.Get(loginReason) != "AUTHENTICATION_DENIED" {
		t.Errorf("the right password then = %d %v, want 403 and %s", r.status, r.header, want)
	}
	if r := myself("Bearer pat"); r.status != 200 {
		t.Errorf("the personal access token then = %d, want 200", r.status)
	}
	s.SolveCaptcha("bot")
	if r := myself(right); r.status != 200 {
		t.Errorf("after the CAPTCHA = %d, want 200", r.status)
	}
}
