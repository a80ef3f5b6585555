package jirasim_test

import (
	"strings"
	"testing"

	"ferry/jira/jirasim"
)

// Beside the context path another program answers: whoever asks, it says nothing of Jira's.
func TestBesideTheContextPathJiraDoesNotAnswer(t *testing.T) {
	s := onPremises(jirasim.Config{Email: "bot", Token: "secret", CaptchaAfter: 1})
	for _, login := range [][]string{nil, {"Authorization", basic("bot", "secret")}, {"Authorization", basic("bot", "wrong")}} {
		for _, path := range []string{"/rest/api/2/serverInfo", "/rest/api/2/myself", "/rest/webhooks/1.0/webhook"} {
			r := ask(t, s, "GET "+path, "", login...)
			for _, name := range []string{"X-Seraph-Loginreason", "X-Arequestid", "X-Authentication-Denied-Reason", "X-Aaccountid"} {
				if r.status != 404 || r.header.Get(name) != "" {
					t.Errorf("%s with %q = %d with %s %q, want 404 without", path, login, r.status, name, r.header.Get(name))
				}
			}
		}
	}
	if r := ask(t, s, "GET /jira/rest/api/2/myself", "", "Authorization", basic("bot", "secret")); r.status != 200 {
		t.Errorf("myself = %d %s: a wrong password counts although Jira did not hear of it", r.status, r.body)
	}
}

// insight is Cloud's alone.
func TestDataCenterHasNoInsight(t *testing.T) {
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira"})
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	for _, path := range []string{"/jira/rest/api/2/project/PAY", "/jira/rest/api/2/project"} {
		if r := ask(t, s, "GET "+path+"?expand=insight", ""); r.status != 200 || strings.Contains(string(r.body), "insight") {
			t.Errorf("%s = %d %s, want no insight", path, r.status, r.body)
		}
	}
}

// What is archived can be read by id, and is in no search.
func TestArchivedAtDataCenter(t *testing.T) {
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira"})
	for _, key := range []string{"PAY-1", "PAY-2", "APP-1", "SEC-1"} {
		s.AddIssue(jirasim.Issue{Key: key})
	}
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Archived = true })
	s.ArchiveProject("APP")
	s.ArchiveProject("SEC")
	s.HideProject("SEC")
	for key, want := range map[string]int{"PAY-1": 200, "PAY-2": 200, "APP-1": 200, "SEC-1": 404} {
		r := ask(t, s, "GET /jira/rest/api/2/issue/"+key, "")
		if r.status != want {
			t.Errorf("issue %s = %d, want %d", key, r.status, want)
		}
		if archived := strings.Contains(string(r.body), `"archiveddate":"`); archived != (key == "PAY-1") {
			t.Errorf("issue %s says archived %t: %s", key, archived, r.body)
		}
	}
	if r := ask(t, s, "GET /jira/rest/api/2/search?fields=summary", ""); !strings.Contains(string(r.body), `"total":1,`) || !strings.Contains(string(r.body), "PAY-2") {
		t.Errorf("search = %s, want PAY-2 alone", r.body)
	}
}
