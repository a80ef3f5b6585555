package jirasim_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"ferry/jira/jirasim"
)

// Where a scoped token and one without scopes are good, and in which way.
func TestScopedTokens(t *testing.T) {
	all := []string{"read:jira-work", "read:jira-user"}
	for _, c := range []struct {
		name          string
		config        jirasim.Config
		header        string
		site, gateway int // of /myself
	}{
		{"basic", jirasim.Config{}, basic("me@example.com", "scoped"), 401, 200},
		{"bearer", jirasim.Config{}, "Bearer scoped", 401, 200},
		{"basic, bearer wanted", jirasim.Config{ScopedAs: "Bearer"}, basic("me@example.com", "scoped"), 401, 401},
		{"bearer, basic wanted", jirasim.Config{ScopedAs: "Basic"}, "Bearer scoped", 401, 401},
		{"another e-mail", jirasim.Config{}, basic("you@example.com", "scoped"), 401, 401},
		{"without scopes", jirasim.Config{}, basic("me@example.com", "classic"), 200, 200},
		{"nothing", jirasim.Config{}, "", 401, 401},
	} {
		c.config.Email, c.config.Token, c.config.ScopedToken, c.config.Scopes = "me@example.com", "classic", "scoped", all
		c.config.CloudID = "c1"
		s := newSite(c.config)
		for prefix, status := range map[string]int{"": c.site, "/ex/jira/c1": c.gateway} {
			if r := ask(t, s, "GET "+prefix+"/rest/api/3/myself", "", "Authorization", c.header); r.status != status {
				t.Errorf("%s: %s/myself = %d %s, want %d", c.name, prefix, r.status, r.body, status)
			}
		}
	}
}

// On the site a scoped token is refused also where the anonymous may ask, or is
// taken for nobody's.
func TestAScopedTokenOnTheSite(t *testing.T) {
	const search = `{"jql":"project = PAY"}`
	header := []string{"Authorization", basic("me@example.com", "scoped")}
	config := jirasim.Config{Email: "me@example.com", ScopedToken: "scoped", Scopes: []string{"read:jira-work"}}
	if r := ask(t, newSite(config), "POST /rest/api/3/search/jql", search, header...); r.status != 401 || r.header.Get(loginReason) != "AUTHENTICATED_FAILED" {
		t.Errorf("the search = %d %s, want 401", r.status, r.body)
	}
	config.ScopedAnonymous = true
	if r := ask(t, newSite(config), "POST /rest/api/3/search/jql", search, header...); r.status != 200 || r.header.Get(loginReason) != "AUTHENTICATED_FAILED" ||
		string(r.body) != `{"issues":[],"isLast":true}` {
		t.Errorf("the search as nobody = %d %s, want an empty page", r.status, r.body)
	}
}

func TestMissingScopes(t *testing.T) {
	const mismatch = `{"code":401,"message":"Unauthorized; scope does not match"}`
	s := newSite(jirasim.Config{Email: "me@example.com", ScopedToken: "t", CloudID: "c1"})
	for _, c := range []struct{ what, scopes, missing string }{
		{"GET /myself", "read:jira-user", "read:jira-work"},
		{"GET /serverInfo", "", ""},
		{"GET /project/PAY", "read:jira-work", "read:jira-user"},
		{"POST /search/approximate-count", "read:jira-work", "write:jira-work"},
		{"GET /webhook", "read:jira-work manage:jira-webhook", "read:jira-work"},
		{"GET /group/member", "manage:jira-configuration", "read:jira-user"},
	} {
		method, path, _ := strings.Cut(c.what, " ")
		ask := func(scopes string) reply {
			s.SetScopedToken("t", strings.Fields(scopes)...)
			return ask(t, s, method+" /ex/jira/c1/rest/api/3"+path, "", "Authorization", "Bearer t")
		}
		if r := ask(c.scopes); string(r.body) == mismatch {
			t.Errorf("%s with %q = %d %s", c.what, c.scopes, r.status, r.body)
		}
		if r := ask(c.missing); c.missing != "" && (r.status != http.StatusUnauthorized || string(r.body) != mismatch) {
			t.Errorf("%s with %q alone = %d %s, want %s", c.what, c.missing, r.status, r.body, mismatch)
		}
	}
}

// The scopes are those of Atlassian's files, of every operation that a catalogue needs.
func TestTheScopesAreThoseOfAtlassiansFiles(t *testing.T) {
	paths := map[string]map[string]json.RawMessage{}
	for _, name := range []string{"jira-platform-v3.2026-02-06.json", "jira-software.2026-05-27.json"} {
		var file struct {
			Paths map[string]map[string]json.RawMessage
		}
		if err := json.Unmarshal([]byte(readText(t, shared(t, "specs/"+name))), &file); err != nil {
			t.Fatal(err)
		}
		maps.Copy(paths, file.Paths)
	}
	operations := slices.Clone(byHand)
	for _, o := range usedOperations(t) {
		if o.inFiles {
			operations = append(operations, o.name)
		}
	}
	s := newSite(jirasim.Config{Email: "me@example.com", ScopedToken: "t", CloudID: "c1"})
	all := []string{"read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-configuration", "manage:jira-webhook", "manage:jira-project",
		"read:board-scope:jira-software", "read:project:jira", "read:issue-details:jira", "read:sprint:jira-software", "read:epic:jira-software"}
	for _, what := range append(operations,
		"GET /rest/api/3/group/bulk", "GET /rest/api/3/group/member", "GET /rest/api/3/statuses/search",
		"POST /rest/api/3/worklog/list", "GET /rest/api/3/issue/{issueIdOrKey}/worklog",
		"GET /rest/api/3/field", "POST /rest/api/3/jql/match",
		"PUT /rest/api/3/issue/{issueIdOrKey}", "POST /rest/api/3/issue", "POST /rest/api/3/changelog/bulkfetch",
	) {
		method, path, _ := strings.Cut(what, " ")
		var operation struct {
			Security []map[string][]string
		}
		if err := json.Unmarshal(paths[path][strings.ToLower(method)], &operation); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		var need []string
		for _, one := range operation.Security {
			need = append(need, one["OAuth2"]...)
		}
		refused := func(scopes []string) bool {
			s.SetScopedToken("t", scopes...)
			r := ask(t, s, method+" /ex/jira/c1"+strings.NewReplacer("{", "", "}", "").Replace(path), "", "Authorization", "Bearer t")
			return strings.Contains(string(r.body), "scope does not match")
		}
		if refused(need) {
			t.Errorf("%s is refused with %v", what, need)
		}
		for _, scope := range need {
			if !refused(slices.DeleteFunc(slices.Clone(all), func(other string) bool { return other == scope })) {
				t.Errorf("%s is served without %s", what, scope)
			}
		}
	}
}

func TestAnotherCloud(t *testing.T) {
	s := newSite(jirasim.Config{CloudID: "c1"})
	r := ask(t, s, "GET /ex/jira/c2/rest/api/3/serverInfo", "")
	if r.status != 404 || !strings.Contains(string(r.body), "/ex/jira/c2/rest/api/3/serverInfo") {
		t.Errorf("another cloud = %d %s, want 404", r.status, r.body)
	}
}
