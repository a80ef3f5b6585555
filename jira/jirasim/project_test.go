package jirasim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"ferry/jira/jirasim"
)

type projectPage struct {
	Self, NextPage             string
	MaxResults, StartAt, Total int
	IsLast                     bool
	Values                     []projectBody
}

type projectBody struct {
	ID, Key, Name, Description, Style string
	Lead                              *struct{ DisplayName string }
	Insight                           *struct {
		TotalIssueCount     int
		LastIssueUpdateTime string
	}
	IssueTypes []json.RawMessage
}

func (p projectPage) keys() string {
	var all []string
	for _, v := range p.Values {
		all = append(all, v.Key)
	}
	return strings.Join(all, " ")
}

func projects(t *testing.T, s *jirasim.Server, query string) projectPage {
	t.Helper()
	r := ask(t, s, "GET /rest/api/3/project/search?"+query, "")
	if r.status != 200 {
		t.Fatalf("project/search?%s = %d %s", query, r.status, r.body)
	}
	var p projectPage
	r.decode(t, &p)
	return p
}

func TestProjectSearchFilters(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.AddProject(jirasim.Project{Key: "OLD", Name: "An old one"})
	s.AddProject(jirasim.Project{Key: "BIN", Name: "Thrown away"})
	s.AddProject(jirasim.Project{Key: "HID", Name: "Hidden"})
	s.ArchiveProject("OLD")
	s.DeleteProject("BIN")
	s.HideProject("HID")
	for query, want := range map[string]string{
		"":                                   "APP PAY SEC",
		"orderBy=-key":                       "SEC PAY APP",
		"orderBy=%2Bname":                    "APP PAY SEC",
		"orderBy=-issueCount":                "PAY APP SEC",
		"orderBy=lastIssueUpdatedDate":       "APP PAY SEC",
		"status=archived":                    "OLD",
		"status=deleted":                     "BIN",
		"status=live&status=archived":        "APP OLD PAY SEC",
		"status=live,deleted&keys=BIN,PAY":   "BIN PAY",
		"keys=PAY&keys=HID":                  "PAY",
		"id=10001&id=10003":                  "PAY SEC",
		"query=mobile":                       "APP",
		"typeKey=business":                   "SEC",
		"typeKey=business,software&query=ay": "PAY",
	} {
		if got := projects(t, s, query).keys(); got != want {
			t.Errorf("project/search?%s = %q, want %q", query, got, want)
		}
	}
	for query, want := range map[string]int{
		"query=nothing": 404, "keys=HID": 404, "status=gone": 400, "orderBy=size": 400, "startAt=x": 400, "startAt=-1": 400,
		"id=" + strings.TrimSuffix(strings.Repeat("1,", 51), ","): 400,
	} {
		if r := ask(t, s, "GET /rest/api/3/project/search?"+query, ""); r.status != want {
			t.Errorf("project/search?%s = %d, want %d", query, r.status, want)
		}
	}
}

func TestProjectSearchPages(t *testing.T) {
	s := jirasim.New(jirasim.Config{})
	for i := range 230 {
		s.AddProject(jirasim.Project{Key: fmt.Sprintf("P%03d", i)})
	}
	for _, c := range []struct {
		query                     string
		size, max, startAt, first int
		last                      bool
	}{
		{"", 50, 50, 0, 0, false},
		{"maxResults=100", 100, 100, 0, 0, false},
		{"maxResults=500", 100, 100, 0, 0, false},
		{"maxResults=100&startAt=200", 30, 100, 200, 200, true},
		{"startAt=230", 0, 50, 230, 0, true},
	} {
		p := projects(t, s, c.query)
		if len(p.Values) != c.size || p.MaxResults != c.max || p.StartAt != c.startAt || p.IsLast != c.last || p.Total != 230 {
			t.Errorf("project/search?%s = %d values, %+v", c.query, len(p.Values), c)
		}
		if c.size > 0 && p.Values[0].Key != fmt.Sprintf("P%03d", c.first) {
			t.Errorf("project/search?%s begins with %s", c.query, p.Values[0].Key)
		}
		if (p.NextPage == "") != c.last || !strings.HasPrefix(p.Self, "https://jira.test/rest/api/3/project/search?") {
			t.Errorf("project/search?%s has nextPage %q and self %q", c.query, p.NextPage, p.Self)
		}
	}
}

func TestProjectExpansions(t *testing.T) {
	s := newSite(jirasim.Config{})
	plain := projects(t, s, "keys=PAY").Values[0]
	if plain.Lead != nil || plain.Insight != nil || plain.Description != "" {
		t.Errorf("nothing expanded = %+v", plain)
	}
	full := projects(t, s, "keys=PAY&expand=insight,lead,description").Values[0]
	if full.Lead.DisplayName != "Ada Okafor" || full.Description != "Money" || full.Insight.TotalIssueCount != 4 {
		t.Errorf("expanded = %+v", full)
	}
	if want := "2026-02-12T12:00:00.000+0000"; full.Insight.LastIssueUpdateTime != want {
		t.Errorf("lastIssueUpdateTime = %s, want %s", full.Insight.LastIssueUpdateTime, want)
	}
}

func TestOneProject(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.ArchiveProject("APP")
	s.DeleteProject("SEC")
	for _, c := range []struct {
		path, key string
		status    int
	}{{"PAY", "PAY", 200}, {"10001", "PAY", 200}, {"APP", "APP", 200}, {"SEC", "", 404}, {"pay", "", 404}, {"NO", "", 404}, {"42", "", 404}} {
		r := ask(t, s, "GET /rest/api/3/project/"+c.path, "")
		var p projectBody
		r.decode(t, &p)
		if r.status != c.status || p.Key != c.key {
			t.Errorf("project/%s = %d %s, want %d %s", c.path, r.status, p.Key, c.status, c.key)
		}
	}
	var p projectBody
	ask(t, s, "GET /rest/api/3/project/PAY?expand=insight", "").decode(t, &p)
	if p.Description != "Money" || p.Lead == nil || len(p.IssueTypes) != 5 || p.Insight == nil {
		t.Errorf("project/PAY = %+v, want description, lead and issue types unasked", p)
	}
}

func TestIssuesFollowTheirProjectOutOfSight(t *testing.T) {
	count := func(s *jirasim.Server) string {
		return search(t, s, `{"jql":"summary is not empty"}`).ids() + "|" +
			bulk(t, s, `{"issueIdsOrKeys":["PAY-1","APP-1"]}`).ids()
	}
	const without, with = "5 6|5", "1 2 3 4 5 6|1 5"
	s := newSite(jirasim.Config{})
	for name, hide := range map[string]func(string) bool{"hidden": s.HideProject, "archived": s.ArchiveProject, "deleted": s.DeleteProject} {
		if !hide("PAY") || count(s) != without {
			t.Errorf("%s: %s, want %s", name, count(s), without)
		}
		s.ShowProject("PAY")
		s.RestoreProject("PAY")
		if got := count(s); got != with {
			t.Errorf("no longer %s: %s, want %s", name, got, with)
		}
	}
	if !s.EraseProject("PAY") || count(s) != without || s.EraseProject("PAY") {
		t.Errorf("erased: %s, want %s", count(s), without)
	}
	if s.Len() != 3 {
		t.Errorf("%d issues are left, want 3", s.Len())
	}
	if s.HideProject("NO") {
		t.Error("HideProject(NO) = true")
	}
}
