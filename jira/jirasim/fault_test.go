package jirasim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira/jirasim"
)

func TestFaultsThatAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		fault  jirasim.Fault
		status int
		header map[string]string
		body   string
	}{
		{"bare 429", jirasim.Fault{Do: jirasim.Throttle}, 429, map[string]string{"Retry-After": "", "Ratelimit-Reason": ""}, "Rate limit exceeded"},
		{"burst", jirasim.Fault{Do: jirasim.Throttle, RetryAfter: "3", Reason: "jira-burst-based"}, 429,
			map[string]string{"Retry-After": "3", "Ratelimit-Reason": "jira-burst-based"}, ""},
		{"reset", jirasim.Fault{Do: jirasim.Throttle, Reset: "2026-03-26T16:00Z", Remaining: "0"}, 429,
			map[string]string{"X-Ratelimit-Reset": "2026-03-26T16:00Z", "X-Ratelimit-Remaining": "0"}, ""},
		{"HTML 429", jirasim.Fault{Do: jirasim.Throttle, HTML: true}, 429, map[string]string{"Content-Type": "text/html;charset=UTF-8"}, "<html"},
		{"500", jirasim.Fault{Do: jirasim.ServerError}, 500, nil, "errorMessages"},
		{"HTML 503", jirasim.Fault{Do: jirasim.ServerError, Status: 503, HTML: true, RetryAfter: "1"}, 503, map[string]string{"Retry-After": "1"}, "<html"},
		{"HTML 200", jirasim.Fault{Do: jirasim.HTML}, 200, map[string]string{"Content-Type": "text/html;charset=UTF-8"}, "Log in"},
		{"401", jirasim.Fault{Do: jirasim.Unauthorized}, 401, nil, "must be authenticated"},
		{"403", jirasim.Fault{Do: jirasim.Forbidden}, 403, nil, "permission"},
		{"redirect", jirasim.Fault{Do: jirasim.Redirect, Location: "https://evil.test/"}, 302, map[string]string{"Location": "https://evil.test/"}, ""},
	} {
		s := newSite(jirasim.Config{})
		s.Inject(c.fault)
		r := ask(t, s, "GET /rest/api/3/issue/PAY-1", "")
		if r.status != c.status || !strings.Contains(string(r.body), c.body) {
			t.Errorf("%s = %d %s, want %d %s", c.name, r.status, r.body, c.status, c.body)
		}
		for name, want := range c.header {
			if got := r.header.Get(name); got != want {
				t.Errorf("%s: %s = %q, want %q", c.name, name, got, want)
			}
		}
	}
}

func TestFaultsFollowTheirScript(t *testing.T) {
	s := newSite(jirasim.Config{})
	statuses := func(n int, what string) string {
		var all []string
		for range n {
			all = append(all, fmt.Sprint(ask(t, s, what, "").status))
		}
		return strings.Join(all, " ")
	}
	end := s.Inject(jirasim.Fault{Match: "/project/", After: 1, Times: 2, Do: jirasim.ServerError, Status: 502})
	if got := statuses(2, "GET /rest/api/3/issue/PAY-1"); got != "200 200" {
		t.Errorf("another path = %s", got)
	}
	if got := statuses(5, "GET /rest/api/3/project/PAY"); got != "200 502 502 200 200" {
		t.Errorf("After 1, Times 2 = %s", got)
	}
	end()
	end = s.Inject(jirasim.Fault{Do: jirasim.Forbidden})
	if got := statuses(3, "GET /rest/api/3/project/PAY"); got != "403 403 403" {
		t.Errorf("Times 0 = %s", got)
	}
	end()
	if got := statuses(1, "GET /rest/api/3/project/PAY"); got != "200" {
		t.Errorf("after its end = %s", got)
	}
	s.Inject(jirasim.Fault{Do: jirasim.Forbidden})
	s.Heal()
	if got := statuses(1, "GET /rest/api/3/project/PAY"); got != "200" {
		t.Errorf("after Heal = %s", got)
	}
}

func TestFaultsByChanceComeFromTheSeed(t *testing.T) {
	run := func(seed uint64) (hits string) {
		s := newSite(jirasim.Config{Seed: seed})
		s.Inject(jirasim.Fault{Do: jirasim.ServerError, Probability: 0.3})
		for range 100 {
			hits += fmt.Sprint(ask(t, s, "GET /rest/api/3/serverInfo", "").status / 100)
		}
		return hits
	}
	one := run(1)
	if one != run(1) || one == run(2) {
		t.Error("the same seed must give the same faults, and another seed others")
	}
	if n := strings.Count(one, "5"); n < 15 || n > 45 {
		t.Errorf("%d of 100 requests failed, want about 30", n)
	}
}

func TestFaultsOfASearch(t *testing.T) {
	const body = `{"jql":"project = PAY","maxResults":2%s}`
	next := func(f found) string { return fmt.Sprintf(body, `,"nextPageToken":"`+*f.NextPageToken+`"`) }

	s := newSite(jirasim.Config{})
	s.Inject(jirasim.Fault{Do: jirasim.EmptyPageWithToken, After: 1, Times: 1})
	first := search(t, s, fmt.Sprintf(body, ""))
	empty := search(t, s, next(first))
	last := search(t, s, next(empty))
	if empty.ids() != "" || *empty.IsLast || last.ids() != "3 4" || !*last.IsLast {
		t.Errorf("pages = %q, %q, %q, want an empty one in the middle", first.ids(), empty.ids(), last.ids())
	}

	s = newSite(jirasim.Config{PageLimit: 1, IDPageLimit: 1})
	s.Inject(jirasim.Fault{Do: jirasim.RepeatToken})
	first = search(t, s, fmt.Sprintf(body, ""))
	second := search(t, s, next(first))
	if *second.NextPageToken != *first.NextPageToken || second.ids() != "2" {
		t.Errorf("the second page %q has token %s, want the one it was asked with", second.ids(), *second.NextPageToken)
	}

	s = newSite(jirasim.Config{})
	s.Inject(jirasim.Fault{Do: jirasim.ShortWalk})
	short := search(t, s, fmt.Sprintf(body, ""))
	if short.ids() != "1 2" || short.NextPageToken != nil || !*short.IsLast {
		t.Errorf("a short walk = %q, token %v", short.ids(), short.NextPageToken)
	}

	s = newSite(jirasim.Config{})
	s.Inject(jirasim.Fault{Do: jirasim.OldShape})
	shape := search(t, s, fmt.Sprintf(body, ""))
	if shape.IsLast != nil || shape.NextPageToken != nil {
		t.Errorf("the old shape has isLast %v and a token %v", shape.IsLast, shape.NextPageToken)
	}
	if r := ask(t, s, "GET /rest/api/3/project/search", ""); r.body[0] != '[' {
		t.Errorf("the old project list = %.20s, want a bare array", r.body)
	}
}

func TestAnIndexThatLostIssues(t *testing.T) {
	s := newSite(jirasim.Config{})
	end := s.Inject(jirasim.Fault{Do: jirasim.LoseFromIndex, IDs: []int64{10001, 10003}})
	if got := search(t, s, `{"jql":"project = PAY"}`).ids(); got != "2 4" {
		t.Errorf("search = %s, want 2 4", got)
	}
	if got := search(t, s, `{"jql":"project = PAY","reconcileIssues":[10003]}`).ids(); got != "2 3 4" {
		t.Errorf("search with reconcileIssues = %s, want 2 3 4", got)
	}
	if got := bulk(t, s, `{"issueIdsOrKeys":["10001"]}`).ids(); got != "1" {
		t.Errorf("bulkfetch = %s, want 1", got)
	}
	if r := ask(t, s, "POST /rest/api/3/search/approximate-count", `{"jql":"project = PAY"}`); string(r.body) != `{"count":2}` {
		t.Errorf("count = %s: it comes from the same index", r.body)
	}
	end()
	if got := search(t, s, `{"jql":"project = PAY"}`).ids(); got != "1 2 3 4" {
		t.Errorf("afterwards search = %s", got)
	}
}

func TestAnIndexThatLagsBehind(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Update("PAY-2", func(i *jirasim.Issue) { i.Status, i.Summary = "Done", "Mended" })
	end := s.Inject(jirasim.Fault{Do: jirasim.StaleIndex})
	const open, fields = `{"jql":"statusCategory != Done and project = PAY"%s}`, `,"fields":["summary"]`
	f := search(t, s, fmt.Sprintf(open, fields))
	if f.ids() != "1 2 3" || string(f.Issues[1].Fields["summary"]) != `"Refund \"fails\""` {
		t.Errorf("the stale index has %s, %s", f.ids(), f.Issues[1].Fields["summary"])
	}
	if got := search(t, s, fmt.Sprintf(open, `,"reconcileIssues":[10002]`)).ids(); got != "1 3" {
		t.Errorf("reconciled = %s, want 1 3", got)
	}
	if got := read(t, s, "PAY-2").Fields.Status.Name; got != "Done" {
		t.Errorf("a direct read = %s, want Done", got)
	}
	end()
	if got := search(t, s, fmt.Sprintf(open, "")).ids(); got != "1 3" {
		t.Errorf("afterwards = %s, want 1 3", got)
	}
}

func TestPerIssueErrors(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Inject(jirasim.Fault{Do: jirasim.PerIssueError, IDs: []int64{10002, 10009}, Times: 1})
	f := bulk(t, s, `{"issueIdsOrKeys":["10001","10002"]}`)
	if f.ids() != "1" || len(f.IssueErrors) != 1 || f.IssueErrors[0].ID != "10002" || f.IssueErrors[0].ErrorMessage == "" {
		t.Errorf("bulkfetch = %s, errors %v", f.ids(), f.IssueErrors)
	}
	if again := bulk(t, s, `{"issueIdsOrKeys":["10001","10002"]}`); again.ids() != "1 2" {
		t.Errorf("the second time = %s, want 1 2", again.ids())
	}
	s.Inject(jirasim.Fault{Do: jirasim.PerIssueError})
	if f := bulk(t, s, `{"issueIdsOrKeys":["10001","10002"]}`); f.ids() != "2" {
		t.Errorf("without IDs = %s, want the first issue to fail", f.ids())
	}
}

func TestCutBodies(t *testing.T) {
	s := newSite(jirasim.Config{})
	s.Inject(jirasim.Fault{Do: jirasim.Cut})
	r := ask(t, s, "GET /rest/api/3/issue/PAY-1", "")
	if r.status != 200 || !errors.Is(r.err, io.ErrUnexpectedEOF) || len(r.body) == 0 {
		t.Errorf("in process = %d, %d bytes, %v", r.status, len(r.body), r.err)
	}
	server := httptest.NewServer(s)
	defer server.Close()
	w, err := server.Client().Get(server.URL + "/rest/api/3/issue/PAY-1")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	if _, err := io.ReadAll(w.Body); err == nil {
		t.Error("over a socket the body is whole")
	}
}

func TestWaitsEndWithTheClient(t *testing.T) {
	for name, prepare := range map[string]func() *jirasim.Server{
		"latency": func() *jirasim.Server { return newSite(jirasim.Config{Latency: time.Hour}) },
		"hang": func() *jirasim.Server {
			s := newSite(jirasim.Config{})
			s.Inject(jirasim.Fault{Do: jirasim.Hang})
			return s
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := prepare()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, _ := http.NewRequestWithContext(ctx, "GET", "https://jira.test/rest/api/3/myself", nil)
			if w, err := s.Transport().RoundTrip(r); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, %v, want the deadline", name, w, err)
			}
			if log := s.Requests(); len(log) != 1 || log[0].Status != 0 {
				t.Errorf("%s: the log %+v does not tell that the client left", name, log)
			}
		})
	}
}

func TestLatencyIsWaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(jirasim.Config{Latency: 100 * time.Millisecond})
		s.Inject(jirasim.Fault{Do: jirasim.Hang, For: time.Second})
		start := time.Now()
		if r := ask(t, s, "GET /rest/api/3/issue/PAY-1", ""); r.status != 200 {
			t.Fatalf("status %d", r.status)
		}
		if took := time.Since(start); took != 1100*time.Millisecond {
			t.Errorf("the answer took %v, want 1.1s", took)
		}
	})
}
