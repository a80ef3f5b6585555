package jira_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// limitedSite is a simulated site of 400 issues that counts what it is asked,
// and a client of it.
func limitedSite(t *testing.T, address string, sim jirasim.Config, config jira.Config) (*jirasim.Server, *jira.Client) {
	t.Helper()
	sim.Latency, sim.Bearer = 100*time.Millisecond, "sesame"
	s := jirasim.New(sim)
	s.Fill(400, 3, 0)
	auth, err := jira.Bearer("sesame")
	if err != nil {
		t.Fatal(err)
	}
	config.Transport = s.Transport()
	c, err := jira.New(address, auth, config)
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

// readAll reads every issue of the site several times over, in 100 calls each
// time, as many at once as the client allows, and returns how many issues came.
func readAll(t *testing.T, c *jira.Client, times int) int {
	t.Helper()
	var ids []string
	for page, err := range c.SearchIssues(t.Context(), jira.IssueQuery{JQL: "project IS NOT EMPTY ORDER BY id"}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			var id struct{ ID string }
			if err := json.Unmarshal(item, &id); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id.ID)
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	read := 0
	for range times {
		for at := 0; at < len(ids); at += 4 {
			wg.Go(func() {
				found, err := c.BulkFetch(t.Context(), jira.BulkQuery{IDs: ids[at:min(at+4, len(ids))], Fields: []string{"summary"}})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				read += len(found.Issues)
			})
		}
	}
	wg.Wait()
	return read
}

// All issues are read, whatever the site limits; no request is sent that it has
// said not to send; and it is not much slower than the limit itself.
func TestReadingUnderLimits(t *testing.T) {
	tests := []struct {
		name       string
		deployment jirasim.Deployment
		limits     jirasim.Limits
		times      int
		within     time.Duration
		throttled  int64 // at most
	}{
		{"none", jirasim.Cloud, jirasim.Limits{}, 3, 4 * time.Second, 0},
		{"those that Atlassian documents, without points", jirasim.Cloud,
			jirasim.Limits{Burst: jirasim.CloudLimits().Burst, IssueWrites: true, Structured: true}, 3, 4 * time.Second, 0},
		{"a burst of 5 and 10 each second", jirasim.Cloud,
			jirasim.Limits{Burst: map[string]jirasim.Bucket{"POST": {Capacity: 5, Rate: 10}}}, 3, 45 * time.Second, 15},
		{"points not enforced yet", jirasim.Cloud, jirasim.Limits{Points: 500, Structured: true, Beta: true}, 3, 4 * time.Second, 0},
		{"points for half of it", jirasim.Cloud, jirasim.Limits{Points: 1000, Structured: true}, 3, time.Hour + time.Minute, 10},
		{"points, told by NearLimit alone", jirasim.Cloud, jirasim.Limits{Points: 1000}, 3, time.Hour + time.Minute, 10},
		{"three at once", jirasim.Cloud, jirasim.Limits{Concurrent: 3}, 3, 30 * time.Second, 20},
		{"one at once", jirasim.Cloud, jirasim.Limits{Concurrent: 1}, 3, 75 * time.Second, 30},
		{"Data Center's bucket", jirasim.DataCenter,
			jirasim.Limits{User: jirasim.UserBucket{Capacity: 10, Fill: 10, Interval: time.Second}}, 1, 15 * time.Second, 5},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				address := site
				if tt.deployment == jirasim.DataCenter {
					address = "https://jira.acme.example"
				}
				s, c := limitedSite(t, address, jirasim.Config{Deployment: tt.deployment, Limits: tt.limits}, jira.Config{Retries: 100, Reserve: -1})
				began := time.Now()
				if got, want := readAll(t, c, tt.times), 400*tt.times; got != want {
					t.Errorf("%d issues were read, want %d", got, want)
				}
				took, stats := time.Since(began), c.Stats()
				if took > tt.within || stats.Throttled > tt.throttled {
					t.Errorf("reading took %s with %d throttled answers of %d, want %s and %d at most",
						took, stats.Throttled, stats.Requests, tt.within, tt.throttled)
				}
				if v := s.Violations(); len(v) > 0 {
					t.Errorf("%d requests were sent against Jira's word, the first: %+v", len(v), v[0])
				}
			})
		})
	}
}

// The points of Stats are those that the site counts.
func TestPointsAreJirasOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := limitedSite(t, site, jirasim.Config{Limits: jirasim.Limits{Points: 1 << 30}}, jira.Config{})
		readAll(t, c, 1)
		for _, err := range c.Projects(t.Context(), jira.ProjectQuery{}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Issue(t.Context(), "10001", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Issue(t.Context(), "99999", nil); !errors.Is(err, jira.ErrNotFound) {
			t.Fatal(err)
		}
		if _, err := c.ApproximateCount(t.Context(), "project IS NOT EMPTY"); err != nil {
			t.Fatal(err)
		}
		if got, want := c.Stats().Points, int64(s.PointsUsed()); got != want {
			t.Errorf("Stats().Points = %d, and Jira counts %d: %+v", got, want, fmt.Sprint(c.Stats().Endpoints))
		}
	})
}

// While points run short for a scan, live reads find some, at once.
func TestUrgentReadsFindPoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := limitedSite(t, site, jirasim.Config{Limits: jirasim.Limits{Points: 2000, Structured: true}}, jira.Config{})
		var wg sync.WaitGroup
		wg.Go(func() { readAll(t, c, 5) })
		slowest := time.Duration(0)
		for range 50 { // an hour, less a bit
			time.Sleep(70 * time.Second)
			began := time.Now()
			if _, err := c.Urgent().BulkFetch(t.Context(), jira.BulkQuery{IDs: []string{"10001"}}); err != nil {
				t.Error(err)
			}
			slowest = max(slowest, time.Since(began))
		}
		wg.Wait()
		if slowest > time.Second {
			t.Errorf("the slowest urgent read took %s, want a second at most", slowest)
		}
	})
}
