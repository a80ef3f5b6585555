package source

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
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

func newSite(t *testing.T, transport func(*jirasim.Server) http.RoundTripper, changes ...func(*jirasim.Config)) (*site, *Source) {
	t.Helper()
	s := &site{now: time.Date(2026, 10, 5, 9, 0, 0, 0, time.UTC)}
	config := jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira", Clock: func() time.Time { return s.now }}
	for _, change := range changes {
		change(&config)
	}
	s.Server = jirasim.New(config)
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
		if got := Before(test.index, test.read); got != test.want {
			t.Errorf("Before(%d, %d) = %t, want %t", test.index, test.read, got, test.want)
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

// One node of two has lost an issue that is selected, and each search goes to either.
func TestANodeThatLostAnIssueProvesNothing(t *testing.T) {
	coin := rand.New(rand.NewPCG(1, 2))
	s, from := newSite(t, func(s *jirasim.Server) http.RoundTripper {
		return faulty{s.Transport(), func(string) *jirasim.Fault {
			if coin.IntN(2) == 1 {
				return &jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{10001}, Match: searchPath, Times: 1}
			}
			return nil
		}, s}
	})
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	s.now = s.now.Add(time.Hour)
	verdicts := map[string]int{}
	for range 3000 {
		verdicts[match(t, from, "status != Done", "10001").verdict("10001")]++
	}
	if verdicts["rejected"] > 0 || verdicts["selected"] == 0 || verdicts["undecided"] == 0 {
		t.Errorf("of 3000 matches %v, want some selected and the others undecided", verdicts)
	}
}

// The clocks of two nodes differ, so that what the issue was has a later time than what it is.
func TestAnIndexThatShowsALaterTimeIsNotNewer(t *testing.T) {
	s, from := newSite(t, direct)
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	s.now = s.now.Add(time.Hour)
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Status, i.StatusCategory = "Done", "Done" })
	s.now = s.now.Add(-time.Minute)
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Status, i.StatusCategory = "To Do", "To Do" })
	s.now = s.now.Add(time.Hour)
	s.Inject(jirasim.Fault{Do: jirasim.StaleIndex})
	if m := match(t, from, "status != Done", "10001"); m.verdict("10001") != "undecided" {
		t.Errorf("Match says %+v, want 10001 undecided: the index has it as it was", m)
	}
}

// An issue changed twice within a second, and an index that keeps seconds alone shows the first.
func TestAnIndexThatKeepsSecondsProvesLittleOfThatSecond(t *testing.T) {
	s, from := newSite(t, func(s *jirasim.Server) http.RoundTripper { return inSeconds{s.Transport()} })
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	s.AddIssue(jirasim.Issue{Key: "PAY-2"})
	s.now = s.now.Add(time.Hour + 300*time.Millisecond)
	for _, key := range []string{"PAY-1", "PAY-2"} {
		s.Update(key, func(i *jirasim.Issue) { i.Status, i.StatusCategory = "Done", "Done" })
	}
	s.now = s.now.Add(400 * time.Millisecond)
	s.Update("PAY-1", func(i *jirasim.Issue) { i.Status, i.StatusCategory = "To Do", "To Do" })
	heal := s.Inject(jirasim.Fault{Do: jirasim.StaleIndex, IDs: []int64{10001}})
	if m := match(t, from, "status != Done", "10001", "10002"); m.verdict("10001") != "undecided" || m.verdict("10002") != "undecided" {
		t.Errorf("Match says %+v, want both undecided", m)
	}
	heal()
	s.now = s.now.Add(time.Hour)
	if m := match(t, from, "status != Done", "10001", "10002"); m.verdict("10001") != "selected" || m.verdict("10002") != "rejected" {
		t.Errorf("after a while Match says %+v, want 10001 selected and 10002 rejected", m)
	}
}

// inSeconds cuts the times of what a search answers.
type inSeconds struct{ http.RoundTripper }

func (x inSeconds) RoundTrip(r *http.Request) (*http.Response, error) {
	search := strings.HasSuffix(r.URL.Path, searchPath)
	if search {
		r.Header.Del("Accept-Encoding")
	}
	answer, err := x.RoundTripper.RoundTrip(r)
	if err != nil || !search {
		return answer, err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	text = millis.ReplaceAll(text, []byte(`$1.000$2`))
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return answer, nil
}

var millis = regexp.MustCompile(`(T\d\d:\d\d:\d\d)\.\d\d\d([+-])`)

// What was archived can be read by id, and no search has it.
func TestMatchKnowsWhatWasArchived(t *testing.T) {
	for _, lenient := range []bool{false, true} {
		s, from := newSite(t, direct, func(c *jirasim.Config) { c.LenientJQL = lenient })
		for _, key := range []string{"PAY-1", "PAY-2", "APP-1", "SEC-1"} {
			s.AddIssue(jirasim.Issue{Key: key})
		}
		s.Update("PAY-1", func(i *jirasim.Issue) { i.Archived = true })
		s.ArchiveProject("APP")
		s.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{10004}})
		s.now = s.now.Add(time.Hour)
		m := match(t, from, "status != Done", "10001", "10002", "10003", "10004")
		want := map[string]string{"10001": "rejected", "10002": "selected", "10003": "rejected", "10004": "undecided"}
		for id, want := range want {
			if got := m.verdict(id); got != want {
				t.Errorf("lenient %t: Match says that %s is %s, want %s", lenient, id, got, want)
			}
		}
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
	for _, how := range []How{Cheaply, Directly} {
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
