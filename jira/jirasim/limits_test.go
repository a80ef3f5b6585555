package jirasim_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira/jirasim"

	"pgregory.net/rapid"
)

// limited is a site with these limits, for tests within a bubble of time.
func limited(limits jirasim.Limits) *jirasim.Server {
	s := jirasim.New(jirasim.Config{Limits: limits})
	s.AddIssue(jirasim.Issue{Key: "PAY-1"})
	s.AddIssue(jirasim.Issue{Key: "PAY-2"})
	return s
}

const (
	getIssue  = "GET /rest/api/3/issue/PAY-1"
	getMyself = "GET /rest/api/3/myself"
)

func TestBurstBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(jirasim.Limits{Burst: map[string]jirasim.Bucket{
			"GET": {Capacity: 2, Rate: 0.5}, "POST": {Capacity: 1, Rate: 1}, "GET /rest/api/3/issue/{}": {Capacity: 3, Rate: 3},
		}})
		for i, what := range []string{getMyself, getMyself, "GET /rest/api/3/issue/PAY-1", "GET /rest/api/2/issue/10002", "GET /rest/api/3/issue/pay-2"} {
			r := ask(t, s, what, "")
			left := []string{"1", "0", "2", "1", "0"}[i]
			if r.status != 200 || r.header.Get("X-RateLimit-Remaining") != left {
				t.Errorf("%d: %s = %d with %q left, want 200 with %s", i, what, r.status, r.header.Get("X-RateLimit-Remaining"), left)
			}
		}
		r := ask(t, s, getMyself, "")
		if r.status != 429 || r.header.Get("RateLimit-Reason") != "jira-burst-based" || r.header.Get("Retry-After") != "2" || r.header.Get("X-RateLimit-Remaining") != "0" ||
			r.header.Get("X-RateLimit-Limit") != "2" {
			t.Errorf("the third GET = %d %v, want 429 for 2 seconds", r.status, r.header)
		}
		if r := ask(t, s, getIssue, ""); r.status != 429 || r.header.Get("Retry-After") != "1" {
			t.Errorf("the fourth GET of an issue = %d %v, want 429 for a second", r.status, r.header)
		}
		if r := ask(t, s, "POST /rest/api/3/search/approximate-count", `{"jql":"project = PAY"}`); r.status != 200 {
			t.Errorf("a POST = %d, want 200: it has a bucket of its own", r.status)
		}
		if r := ask(t, s, "GET /rest/api/3/serverInfo", ""); r.status != 200 {
			t.Errorf("another GET = %d, want 200: each endpoint has a bucket of its own", r.status)
		}
		time.Sleep(2 * time.Second)
		if r := ask(t, s, getMyself, ""); r.status != 200 {
			t.Errorf("after 2 seconds = %d, want 200", r.status)
		}
		if v := s.Violations(); len(v) != 0 {
			t.Errorf("Violations() = %+v, want none", v)
		}
	})
}

func TestViolations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(jirasim.Limits{Burst: map[string]jirasim.Bucket{"GET": {Capacity: 1, Rate: 0.25}}})
		start := time.Now()
		ask(t, s, getMyself, "")
		ask(t, s, getMyself, "") // told to wait 4 seconds
		ask(t, s, getMyself, "") // at the same moment: it cannot have known
		time.Sleep(time.Second)
		ask(t, s, getIssue, "") // under another limit
		if v := s.Violations(); len(v) != 0 {
			t.Errorf("Violations() = %+v, want none so far", v)
		}
		ask(t, s, getMyself, "")
		want := jirasim.Violation{Method: "GET", Path: "/rest/api/3/myself", At: start.Add(time.Second),
			Limit: "burst GET /rest/api/3/myself", Told: start, Until: start.Add(4 * time.Second)}
		if v := s.Violations(); len(v) != 1 || v[0] != want {
			t.Errorf("Violations() = %+v, want %+v", v, want)
		}
		time.Sleep(3 * time.Second)
		if r := ask(t, s, getMyself, ""); r.status != 200 || len(s.Violations()) != 1 {
			t.Errorf("at the time that was told = %d, %+v", r.status, s.Violations())
		}
	})
}

// A client that waits as it was told is never in the wrong, and is served within the
// time that the bucket needs.
func TestWhoObeysViolatesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		capacity := rapid.IntRange(1, 5).Draw(rt, "capacity")
		rate := rapid.Float64Range(0.05, 20).Draw(rt, "rate")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 3000), 1, 30).Draw(rt, "gaps")
		synctest.Test(t, func(t *testing.T) {
			s := limited(jirasim.Limits{Burst: map[string]jirasim.Bucket{"GET": {Capacity: capacity, Rate: rate}}})
			for i, gap := range gaps {
				time.Sleep(time.Duration(gap) * time.Millisecond)
				r := ask(t, s, getMyself, "")
				if r.status == 429 {
					wait, err := strconv.Atoi(r.header.Get("Retry-After"))
					if err != nil {
						rt.Fatalf("Retry-After = %q", r.header.Get("Retry-After"))
					}
					time.Sleep(time.Duration(wait) * time.Second)
					r = ask(t, s, getMyself, "")
				}
				if r.status != 200 {
					rt.Fatalf("request %d = %d after the wait that was told", i, r.status)
				}
			}
			if v := s.Violations(); len(v) > 0 {
				rt.Fatalf("Violations() = %+v", v)
			}
		})
	})
}

func TestPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(20 * time.Minute)
		s := newAppSite(jirasim.Config{Email: "me@example.com", Token: "t", Limits: jirasim.Limits{Points: 20, Structured: true}})
		s.AddIssue(jirasim.Issue{Key: "PAY-2"})
		access := []string{"Authorization", "Bearer " + s.Consent("ferry").Access}
		get := func(path string) reply { return at(t, s, "GET", gateway+"/ex/jira/c1/rest/api/3/"+path, "", access...) }
		costs := []struct {
			path string
			cost int
		}{
			{"serverInfo", 1}, {"issue/PAY-1", 2}, {"issue/NONE-1", 1}, {"myself", 3}, {"search/jql?jql=project=PAY", 3}, {"project/search", 2},
		}
		for _, c := range costs {
			before := s.PointsUsed()
			r := get(c.path)
			if got := s.PointsUsed() - before; got != c.cost {
				t.Errorf("%s costs %d points, want %d", c.path, got, c.cost)
			}
			if r.header.Get("X-RateLimit-NearLimit") != "" || r.header.Get("RateLimit") != "" {
				t.Errorf("%s after %d points: %v, too early for what is left", c.path, s.PointsUsed(), r.header)
			}
			if !strings.Contains(r.header.Get("RateLimit-Policy"), `"global-app-quota";q=20;w=3600`) {
				t.Errorf("%s: RateLimit-Policy = %q", c.path, r.header.Get("RateLimit-Policy"))
			}
		}
		used := s.PointsUsed()
		at(t, s, "GET", site+"/rest/api/3/myself", "", "Authorization", basic("me@example.com", "t"))
		if s.PointsUsed() != used {
			t.Errorf("an API token cost %d points", s.PointsUsed()-used)
		}
		for s.PointsUsed() < 20 {
			r := get("myself")
			if r.header.Get("X-RateLimit-NearLimit") == "true" != (s.PointsUsed() > 16) {
				t.Errorf("after %d points: NearLimit = %q", s.PointsUsed(), r.header.Get("X-RateLimit-NearLimit"))
			}
			left := fmt.Sprintf(`"global-app-quota";r=%d;t=2400`, max(0, 20-s.PointsUsed()))
			if s.PointsUsed() > 16 && r.header.Get("RateLimit") != left {
				t.Errorf("after %d points: RateLimit = %q, want %s", s.PointsUsed(), r.header.Get("RateLimit"), left)
			}
		}
		r := get("serverInfo")
		if r.status != 429 || r.header.Get("RateLimit-Reason") != "jira-quota-global-based" || r.header.Get("Retry-After") != "2400" {
			t.Errorf("without points = %d %v, want 429 until the hour is over", r.status, r.header)
		}
		if reset := r.header.Get("X-RateLimit-Reset"); reset != "2000-01-01T01:00Z" && reset != "2000-01-01T01:00:00Z" {
			t.Errorf("X-RateLimit-Reset = %q", reset)
		}
		time.Sleep(time.Minute)
		get("myself")
		if v := s.Violations(); len(v) != 1 || v[0].Limit != "points ferry" {
			t.Errorf("Violations() = %+v, want the one request", v)
		}
		time.Sleep(39 * time.Minute)
		if r := get("serverInfo"); r.status != 200 || s.PointsUsed() != 1 {
			t.Errorf("in the next hour = %d, %d points", r.status, s.PointsUsed())
		}
	})
}

// A bearer token counts as an app of its own.
func TestPointsOfABearerToken(t *testing.T) {
	s := jirasim.New(jirasim.Config{Email: "me@example.com", Token: "t", Bearer: "b", Limits: jirasim.Limits{Points: 100}})
	for header, used := range map[string]int{"Bearer b": 3, basic("me@example.com", "t"): 0, "Bearer wrong": 0} {
		before := s.PointsUsed()
		ask(t, s, getMyself, "", "Authorization", header)
		if got := s.PointsUsed() - before; got != used {
			t.Errorf("%.6s: myself costs %d points, want %d", header, got, used)
		}
	}
}

// The Beta headers are told, and nobody is refused.
func TestBetaPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{Limits: jirasim.Limits{Points: 2, Structured: true, Beta: true}})
		access := []string{"Authorization", "Bearer " + s.Consent("ferry").Access}
		for range 3 {
			r := at(t, s, "GET", gateway+"/ex/jira/c1/rest/api/3/myself", "", access...)
			if r.status != 200 || r.header.Get("Beta-Retry-After") != "3600" || r.header.Get("Beta-RateLimit") != `"global-app-quota";r=0;t=3600` ||
				!strings.Contains(r.header.Get("Beta-RateLimit-Policy"), "q=2") || r.header.Get("RateLimit") != "" {
				t.Errorf("beyond the points = %d %v, want 200 and the Beta headers", r.status, r.header)
			}
		}
	})
}

func TestTheGatewaysBareRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newAppSite(jirasim.Config{Email: "me@example.com", Token: "t", Limits: jirasim.Limits{Gateway: jirasim.Bucket{Capacity: 1, Rate: 0.1}}})
		access := []string{"Authorization", basic("me@example.com", "t")}
		path := "/rest/api/3/myself"
		for range 3 {
			if r := at(t, s, "GET", site+path, "", access...); r.status != 200 {
				t.Errorf("at the site = %d, want 200", r.status)
			}
		}
		at(t, s, "GET", gateway+"/ex/jira/c1"+path, "", access...)
		r := at(t, s, "GET", gateway+"/ex/jira/c1"+path, "", access...)
		if r.status != 429 || r.header.Get("Retry-After") != "" || r.header.Get("RateLimit-Reason") != "" || r.header.Get("X-Failure-Category") == "" ||
			r.header.Get("X-RateLimit-Remaining") != "0" || r.header.Get("X-RateLimit-Reset") != "2000-01-01T00:00:10Z" {
			t.Errorf("at the gateway = %d %v, want 429 with a reset alone", r.status, r.header)
		}
		time.Sleep(time.Second)
		if r := at(t, s, "GET", site+path, "", access...); r.status != 200 || len(s.Violations()) > 0 {
			t.Errorf("at the site meanwhile = %d, %+v, want 200: it is another limit", r.status, s.Violations())
		}
		time.Sleep(9 * time.Second)
		if r := at(t, s, "GET", gateway+"/ex/jira/c1"+path, "", access...); r.status != 200 || len(s.Violations()) > 0 {
			t.Errorf("at the reset = %d, %+v", r.status, s.Violations())
		}
	})
}

func TestIssueWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(jirasim.Limits{IssueWrites: true})
		put := func(key string) reply { return ask(t, s, "PUT /rest/api/3/issue/"+key+"/properties/x", `{}`) }
		refused, served := 0, 0
		for range 200 { // ten a second
			if r := put("PAY-1"); r.status == 429 {
				refused++
				if r.header.Get("RateLimit-Reason") != "jira-per-issue-on-write" {
					t.Fatalf("refused for %q", r.header.Get("RateLimit-Reason"))
				}
			} else if served++; refused > 0 {
				t.Fatalf("served again within the 30 seconds, after %d", served)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if served != 100 || refused != 100 {
			t.Errorf("%d writes were served and %d refused, want 100 of each", served, refused)
		}
		for i := range 21 {
			if r := put("PAY-2"); (r.status == 429) != (i == 20) {
				t.Errorf("write %d of another issue at once = %d", i+1, r.status)
			}
		}
		if r := ask(t, s, getIssue, ""); r.status != 200 {
			t.Errorf("reading = %d, want 200", r.status)
		}
	})
}

func TestConcurrentRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{Latency: time.Second, Limits: jirasim.Limits{Concurrent: 3}})
		statuses := make(chan int, 5)
		for range 5 {
			go func() {
				r, err := http.NewRequestWithContext(t.Context(), "GET", "https://jira.test/rest/api/3/myself", nil)
				if err != nil {
					t.Error(err)
				}
				w, err := s.Transport().RoundTrip(r)
				if err != nil {
					t.Error(err)
				}
				statuses <- w.StatusCode
			}()
		}
		var all []int
		for range 5 {
			all = append(all, <-statuses)
		}
		slices.Sort(all)
		if want := []int{200, 200, 200, 429, 429}; !slices.Equal(all, want) {
			t.Errorf("five at once = %v, want %v", all, want)
		}
		if r := ask(t, s, getMyself, ""); r.status != 200 {
			t.Errorf("one afterwards = %d, want 200", r.status)
		}
	})
}

func TestDataCenterBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, Email: "bot", Token: "p", Bearer: "pat",
			Limits: jirasim.Limits{User: jirasim.UserBucket{Capacity: 3, Fill: 2, Interval: 10 * time.Second}}})
		get := func(header string) reply {
			return ask(t, s, "GET /rest/api/2/serverInfo", "", "Authorization", header)
		}
		headers := func(r reply) string {
			var all []string
			for _, name := range []string{"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Interval-Seconds", "X-RateLimit-FillRate", "Retry-After"} {
				all = append(all, r.header.Get(name))
			}
			return fmt.Sprint(r.status, " ", strings.Join(all, ","))
		}
		for i, want := range []string{"200 3,2,10,2,0", "200 3,1,10,2,0", "200 3,0,10,2,10", "429 3,0,10,2,10"} {
			if got := headers(get("Bearer pat")); got != want {
				t.Errorf("request %d = %s, want %s", i+1, got, want)
			}
			time.Sleep(time.Millisecond)
		}
		if r := get("Bearer pat"); r.status != 429 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || len(s.Violations()) != 1 {
			t.Errorf("again = %d %v %+v, want a page with 429, and a violation", r.status, r.header, s.Violations())
		}
		if got := headers(get("")); got != "200 ,,,," {
			t.Errorf("nobody's request = %s, want no bucket", got)
		}
		time.Sleep(10 * time.Second)
		if got := headers(get("Bearer pat")); got != "200 3,1,10,2,0" {
			t.Errorf("after the interval = %s", got)
		}
	})
}

// A site without limits counts nothing, and says what Jira says of itself.
func TestNoLimits(t *testing.T) {
	s := limited(jirasim.Limits{})
	for range 300 {
		if r := ask(t, s, getMyself, ""); r.status != 200 || r.header.Get("X-RateLimit-Remaining") != "99" {
			t.Fatalf("myself = %d %v", r.status, r.header)
		}
	}
}

// The documented limits let 100 a second pass, and 150 of some.
func TestCloudLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := limited(jirasim.CloudLimits())
		for what, want := range map[string]int{getMyself: 100, getIssue: 150} {
			served := 0
			for range 200 {
				if ask(t, s, what, "").status == 200 {
					served++
				}
			}
			if served != want {
				t.Errorf("%s was served %d times at once, want %d", what, served, want)
			}
		}
	})
}
