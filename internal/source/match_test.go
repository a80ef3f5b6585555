package source

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// site is a Data Center with a clock that stands still but for what the test does.
type site struct {
	*jirasim.Server
	now time.Time
}

func newSite(t *testing.T, transport func(*jirasim.Server) http.RoundTripper) (*site, *Source) {
	t.Helper()
	s := &site{now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)}
	s.Server = jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira", Clock: func() time.Time { return s.now }})
	auth, err := jira.Bearer("token")
	if err != nil {
		t.Fatal(err)
	}
	c, err := jira.New("https://jira.acme.example/jira", auth, jira.Config{Transport: transport(s.Server), Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	return s, New(c)
}

func direct(s *jirasim.Server) http.RoundTripper { return s.Transport() }

// match reads issues and matches them, as ingest does.
func match(t *testing.T, from *Source, jql string, ids ...string) Matched {
	t.Helper()
	readings, _ := Plan([]Ask{{Kind: Issue}})
	read, err := from.Issues(t.Context(), readings[0], ids, Directly)
	if err != nil {
		t.Fatal(err)
	}
	m, err := from.Match(t.Context(), jql, ids, read)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// verdict is what Match says of one issue.
func (m Matched) verdict(id string) string {
	switch _, undecided := m.Undecided[id]; {
	case undecided:
		return "undecided"
	case m.Selected[id]:
		return "selected"
	}
	return "rejected"
}

func TestMatchAtDataCenter(t *testing.T) {
	const id = "10001"
	change := func(do func(*jirasim.Issue)) func(*site) {
		return func(s *site) { s.now = s.now.Add(time.Minute); s.Update("PAY-1", do) }
	}
	done := change(func(i *jirasim.Issue) { i.Status, i.StatusCategory = "Done", "Done" })
	unassign := change(func(i *jirasim.Issue) { i.Assignee = "" })
	later := func(s *site) { s.now = s.now.Add(10 * time.Minute) }
	lost := func(s *site) { s.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{10001}}) }
	behind := func(s *site) { s.Inject(jirasim.Fault{Do: jirasim.StaleIndex}) }
	for _, test := range []struct {
		name, jql, want string
		happen          []func(*site)
	}{
		{"selected", "status != Done", "selected", nil},
		{"all", "", "selected", nil},
		{"selected, and the index is behind", "status != Done", "undecided", []func(*site){done, behind}},
		{"it left", "status != Done", "rejected", []func(*site){done}},
		{"it came back, and the index is behind", "status != Done", "undecided", []func(*site){done, change(func(i *jirasim.Issue) { i.Status = "To Do" }), behind}},
		{"it is lost from the index", "status != Done", "undecided", []func(*site){lost, later}},
		{"it is lost from the index of all", "", "undecided", []func(*site){lost, later}},
		{"a field was emptied just now", "assignee = sam", "undecided", []func(*site){unassign}},
		{"a field was emptied a while ago", "assignee = sam", "rejected", []func(*site){unassign, later}},
		{"a field was emptied, and the index is behind", "assignee = sam", "undecided", []func(*site){unassign, later, behind}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, from := newSite(t, direct)
			s.AddIssue(jirasim.Issue{Key: "PAY-1", Assignee: "sam"})
			s.AddIssue(jirasim.Issue{Key: "PAY-2", Assignee: "sam"})
			for _, happen := range test.happen {
				happen(s)
			}
			m := match(t, from, test.jql, id)
			if got := m.verdict(id); got != test.want {
				t.Errorf("Match(%q) says %s, want %s: %v", test.jql, got, test.want, m)
			}
		})
	}
}

// What Match is not given by a direct read, it says nothing of.
func TestMatchLeavesOutWhatIsAbsent(t *testing.T) {
	s, from := newSite(t, direct)
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	m := match(t, from, "status != Done", "10001", "10002")
	if !m.Selected["10001"] || m.Selected["10002"] || len(m.Undecided) > 0 {
		t.Errorf("Match says %+v, want 10001 selected and nothing else", m)
	}
}

// An index that keeps seconds alone is not behind for that.
func TestBefore(t *testing.T) {
	for _, test := range []struct {
		index, read int64
		want        bool
	}{{5000, 5123, false}, {5000, 6000, true}, {5122, 5123, true}, {5123, 5123, false}, {6000, 5123, false}, {4000, 5123, true}} {
		if got := before(test.index, test.read); got != test.want {
			t.Errorf("before(%d, %d) = %t, want %t", test.index, test.read, got, test.want)
		}
	}
}

// A clause that cannot be negated is refused with 400: then what is missing must show itself
// several times.
func TestMatchWhereNotIsRefused(t *testing.T) {
	s, from := newSite(t, func(s *jirasim.Server) http.RoundTripper {
		return faulty{s.Transport(), func(body string) *jirasim.Fault {
			if strings.Contains(body, "NOT (") {
				return &jirasim.Fault{Do: jirasim.ServerError, Status: http.StatusBadRequest, Match: searchPath, Times: 1}
			}
			return nil
		}, s}
	})
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	s.AddIssue(jirasim.Issue{Key: "PAY-2", Status: "Done"})
	if m := match(t, from, "status != Done", "10001", "10002"); m.verdict("10001") != "selected" || m.verdict("10002") != "undecided" {
		t.Errorf("Match says %+v, want 10001 selected and 10002 undecided", m)
	}
	s.now = s.now.Add(time.Hour)
	if m := match(t, from, "status != Done", "10001", "10002"); m.verdict("10002") != "rejected" {
		t.Errorf("after a while Match says %+v, want 10002 rejected", m)
	}
}

// One node of two has lost an issue that is selected, and each search goes to either: of all ways
// in which ten searches can go, hardly any proves anything against the issue.
func TestANodeThatLostAnIssueProvesLittle(t *testing.T) {
	var way, searches, rejected int
	s, from := newSite(t, func(s *jirasim.Server) http.RoundTripper {
		return faulty{s.Transport(), func(string) *jirasim.Fault {
			searches++
			if way>>(searches-1)&1 == 1 {
				return &jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{10001}, Match: searchPath, Times: 1}
			}
			return nil
		}, s}
	})
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	s.now = s.now.Add(time.Hour)
	const ways = 1 << 10
	for way = range ways {
		searches = 0
		if match(t, from, "status != Done", "10001").verdict("10001") == "rejected" {
			rejected++
		}
	}
	if rejected > ways/500 {
		t.Errorf("in %d of %d ways an issue that is selected was rejected", rejected, ways)
	}
}

const searchPath = "/rest/api/2/search"

// faulty lets a search go wrong as its body decides.
type faulty struct {
	http.RoundTripper
	decide func(body string) *jirasim.Fault
	site   *jirasim.Server
}

func (f faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, searchPath) {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		text := make([]byte, r.ContentLength)
		if _, err := body.Read(text); err != nil {
			return nil, err
		}
		if fault := f.decide(string(text)); fault != nil {
			defer f.site.Inject(*fault)()
		}
	}
	return f.RoundTripper.RoundTrip(r)
}

// The read goes each issue by itself where it must be new, and by the index where that may do.
func TestIssuesAtDataCenter(t *testing.T) {
	s, from := newSite(t, direct)
	var ids []string
	for range 6 {
		s.AddIssue(jirasim.Issue{ProjectKey: "PAY"})
	}
	for id := range 6 {
		ids = append(ids, "1000"+string(rune('1'+id)))
	}
	s.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{10003}})
	s.Delete("PAY-4")
	readings, _ := Plan([]Ask{{Kind: Issue}})
	for _, how := range []How{Cheaply, Directly, Urgently} {
		answer, err := from.Issues(t.Context(), readings[0], ids, how)
		if err != nil {
			t.Fatal(err)
		}
		if absent := answer.Absent(ids); !slices.Equal(absent, []string{"10004"}) || answer.Indexed != (how == Cheaply) {
			t.Errorf("Issues read in way %d lacks %v, indexed %t, want 10004 alone", how, absent, answer.Indexed)
		}
	}
}

// What is known of projects at Data Center proves that one was archived, and nothing else.
func TestDepartedAtDataCenter(t *testing.T) {
	s, from := newSite(t, direct)
	for _, key := range []string{"LIVE", "OLD", "GONE", "SECRET"} {
		s.AddProject(jirasim.Project{Key: key, ID: key2id[key]})
	}
	s.ArchiveProject("OLD")
	s.EraseProject("GONE")
	s.HideProject("SECRET")
	for key, want := range map[string]bool{"LIVE": false, "OLD": true, "GONE": false, "SECRET": false} {
		if got, err := from.Departed(t.Context(), key2id[key]); got != want || err != nil {
			t.Errorf("Departed(%s) = %t, %v, want %t", key, got, err, want)
		}
		if empty, err := from.Empty(t.Context(), key2id[key]); empty || err != nil {
			t.Errorf("Empty(%s) = %t, %v, want false: Data Center does not say", key, empty, err)
		}
	}
	if account, err := from.Account(t.Context()); err != nil || account == "" {
		t.Errorf("Account = %q, %v, want the user's key", account, err)
	}
}

var key2id = map[string]string{"LIVE": "10010", "OLD": "10011", "GONE": "10012", "SECRET": "10013"}
