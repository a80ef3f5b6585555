package jirasim_test

import (
	"fmt"
	"testing"

	"ferry/jira/jirasim"
)

// What a catalogue reads beside projects and issues: its paths, and in short what they answer.
func TestListsOfASite(t *testing.T) {
	const cannot = "The requested board cannot be viewed because it either does not exist or you do not have permission to view it."
	for _, site := range []struct {
		name   string
		config jirasim.Config
		lists  map[string]string // the ids, or the refusal
	}{
		{"Cloud", jirasim.Config{}, map[string]string{
			"/rest/api/3/users/search":                                     "200 712020:00000000-0000-4000-8000-000000000001 ada",
			"/rest/api/3/users/search?startAt=1&maxResults=1":              "200 ada",
			"/rest/api/3/users/search?startAt=2":                           "200",
			"/rest/api/3/project/APP/component":                            "200 10000",
			"/rest/api/3/project/10001/component":                          "200",
			"/rest/api/3/project/NONE/component":                           "404 No project could be found with key 'NONE'.",
			"/rest/api/3/project/PAY/version":                              "200",
			"/rest/api/3/worklog/updated?since=5":                          "200",
			"/rest/agile/1.0/board":                                        "200 1 7",
			"/rest/agile/1.0/board?type=kanban":                            "200 7",
			"/rest/agile/1.0/board?projectKeyOrId=10001&type=scrum,simple": "200 1",
			"/rest/agile/1.0/board?name=nothing":                           "200",
			"/rest/agile/1.0/board/1/sprint":                               "200",
			"/rest/agile/1.0/board/7/sprint":                               "400 The board does not support sprints",
			"/rest/agile/1.0/board/1/epic":                                 "200 10001",
			"/rest/agile/1.0/board/1/epic?done=true":                       "200",
			"/rest/agile/1.0/board/8/epic":                                 "404 " + cannot, // of a project that is hidden
			"/rest/agile/1.0/board/99/epic":                                "404 " + cannot,
			"/rest/software/1.0/board/1/backlog":                           "200 10002",
			"/rest/software/1.0/board/7/backlog?jql=priority%3DHigh":       "200 10005",
			"/rest/software/1.0/board/1/backlog?maxResults=-1":             "400 maxResults must not be negative.",
		}},
		{"Data Center", jirasim.Config{Deployment: jirasim.DataCenter}, map[string]string{
			"/rest/api/2/user/search?username=.":                  "200 ada integration",
			"/rest/api/2/user/search?username=oka":                "200 ada",
			"/rest/api/2/user/search":                             "400 The username query parameter was not provided",
			"/rest/api/2/project/APP/components":                  "200 10000",
			"/rest/api/2/project/PAY/version":                     "200",
			"/rest/api/2/worklog/updated?since=5":                 "200",
			"/rest/agile/1.0/board":                               "200 1 7",
			"/rest/agile/1.0/board/1/epic":                        "200 10001",
			"/rest/agile/1.0/board/1/backlog?startAt=0":           "200 10002",
			"/rest/agile/1.0/board/1/backlog?startAt=1":           "200",
			"/rest/agile/1.0/board/7/backlog?jql=priority%3DHigh": "200 10005",
			"/rest/agile/1.0/board/99/backlog":                    "404 " + cannot,
		}},
	} {
		s := newSite(site.config)
		s.AddBoard(jirasim.Board{ProjectKey: "PAY"})
		s.AddBoard(jirasim.Board{ProjectKey: "APP", Type: "kanban", ID: 7})
		s.AddBoard(jirasim.Board{ProjectKey: "SEC"})
		s.HideProject("SEC")
		for path, want := range site.lists {
			r := ask(t, s, "GET "+path, "")
			if got := fmt.Sprint(r.status) + listed(t, r); got != want {
				t.Errorf("%s: %s = %s, want %s", site.name, path, got, want)
			}
		}
		if r := ask(t, s, "PUT /rest/agile/1.0/board/1/sprint", "{}"); r.status != 405 {
			t.Errorf("%s: PUT of sprints = %d %s, want 405", site.name, r.status, r.body)
		}
	}
}

// listed is what an answer lists or says, each after a blank.
func listed(t *testing.T, r reply) string {
	t.Helper()
	if r.status != 200 {
		return " " + refusal(r)
	}
	type one struct {
		ID, AccountID, Name any
	}
	var page struct{ Values, Issues []one }
	if r.body[0] == '[' {
		r.decode(t, &page.Values)
	} else {
		r.decode(t, &page)
	}
	text := ""
	for _, v := range append(page.Values, page.Issues...) {
		for _, id := range []any{v.ID, v.AccountID, v.Name} {
			if id != nil {
				text += " " + fmt.Sprint(id)
				break
			}
		}
	}
	return text
}

// Nobody in particular is told nothing.
func TestListsForNobody(t *testing.T) {
	s := newSite(jirasim.Config{Email: "me@example.com", Token: "t"})
	s.AddBoard(jirasim.Board{ProjectKey: "PAY"})
	for path, want := range map[string]string{
		"/rest/api/3/users/search": "200", "/rest/api/3/project/PAY/version": "404", "/rest/api/3/project/PAY/component": "404",
		"/rest/api/3/worklog/updated": "401", "/rest/agile/1.0/board": "401", "/rest/agile/1.0/board/1/epic": "401",
		"/rest/software/1.0/board/1/backlog": "401",
	} {
		r := ask(t, s, "GET "+path, "")
		got := fmt.Sprint(r.status)
		if r.status == 200 {
			got += listed(t, r)
		}
		if got != want {
			t.Errorf("%s for nobody = %s, want %s", path, got, want)
		}
	}
}

// The backlog goes on by tokens, as searches do.
func TestBacklogByPages(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.AddBoard(jirasim.Board{ProjectKey: "APP"})
	const path = "GET /rest/software/1.0/board/1/backlog?maxResults=1&fields=summary"
	var first, second found
	ask(t, s, path, "").decode(t, &first)
	if first.NextPageToken == nil {
		t.Fatalf("the first page = %+v, want a token", first)
	}
	ask(t, s, path+"&nextPageToken="+*first.NextPageToken, "").decode(t, &second)
	if first.ids() != "5" || second.ids() != "6" || second.NextPageToken != nil {
		t.Errorf("pages = %s, %s, %v, want 5, 6 and no token", first.ids(), second.ids(), second.NextPageToken)
	}
}
