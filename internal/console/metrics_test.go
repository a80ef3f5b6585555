package console_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"ferry/internal/catalog"
	"ferry/internal/console"
	"ferry/internal/port"
	"ferry/jira"
)

// full are metrics in which everything has a value.
func full(status func(context.Context) (console.Status, error)) *console.Metrics {
	m := console.NewMetrics(console.MetricsConfig{
		Version: "1.2.3", Database: "sqlite",
		Jira:   jiraStats,
		Port:   func() port.Stats { return port.Stats{Requests: 7, Retries: 2, Throttled: 1, BytesOut: 4096} },
		Status: status,
	})
	m.ObserveLag(1500 * time.Millisecond)
	m.ObserveDelivery("", 3, time.Millisecond)
	m.ObserveResync(resync)
	m.ObserveResync(console.Resync{CatchUp: true, State: catalog.Completed})
	return m
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func jiraStats() jira.Stats {
	return jira.Stats{
		Requests: 40, Retries: 3, Throttled: 2, BytesIn: 1000, Points: 90, InFlight: 4, Waiting: 5, Window: 6,
		Paused:   jira.Pause{Until: noon},
		Rationed: jira.Pause{Until: noon.Add(time.Minute)},
		Endpoints: []jira.EndpointStats{{
			Method: "GET", Path: "/rest/api/3/issue/%s", Requests: 30, Throttled: 1, Points: 60, InFlight: 2, Waiting: 1, Window: 3,
			Paused: jira.Pause{Until: noon.Add(time.Second)},
		}},
		Quotas: []jira.Quota{
			{Policy: "global-app-quota", Limit: 65000, Remaining: 1200, Reset: noon.Add(time.Hour)},
			{Policy: "jira-burst-based", Limit: 100, Remaining: -1, Beta: true},
		},
	}
}

var resync = console.Resync{
	State: catalog.Partial, Ended: noon, Took: 90 * time.Second,
	Kinds: []console.ResyncKind{
		{Kind: "project", Index: 0, Read: 9, Mapped: 9, Unchanged: 9, Deleted: 1},
		{Kind: "issue", Index: 3, Failed: true, Read: 500, Mapped: 480, Filtered: new(15), SetAside: 5, Sent: 30, Unchanged: 448, Refused: 2, Deleted: 4},
	},
}

func stands(context.Context) (console.Status, error) {
	return console.Status{
		Catalogue: &catalog.Status{
			Dirty:       map[catalog.Priority]catalog.Backlog{catalog.Live: {N: 2, Oldest: time.Now().Add(-time.Minute)}, catalog.Scan: {N: 70}},
			Undelivered: catalog.Backlog{N: 5, Oldest: time.Now().Add(-time.Hour)},
			Asides:      []catalog.AsideGroup{{About: catalog.AsideItem, Kind: "issue", N: 4}, {About: catalog.AsideDecision, N: 1}},
			Read:        noon,
		},
		Lease:   console.Lease{Held: true, Epoch: 12},
		Webhook: &console.Webhook{Live: true, Checked: noon, Verified: noon.Add(-time.Second), Expires: noon.Add(30 * 24 * time.Hour)},
	}, nil
}

// scrape is what a scraper gets, its type first.
func scrape(t *testing.T, m *console.Metrics, accept string) (kind, text string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("a scrape: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Content-Type"), w.Body.String()
}

// samples are the lines of a scrape with values, but for those of the process and of Go.
func samples(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go_") && !strings.HasPrefix(line, "process_") {
			lines = append(lines, line)
		}
	}
	return lines
}

func expectSamples(t *testing.T, text, want string) {
	t.Helper()
	lines := samples(text)
	for line := range strings.Lines(strings.TrimSpace(want)) {
		if line = strings.TrimSpace(line); !slices.Contains(lines, line) {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		t.Logf("there is:\n%s", strings.Join(lines, "\n"))
	}
}

func TestIncumbentsGauges(t *testing.T) {
	m := console.NewMetrics(console.MetricsConfig{})
	theirs := func() string {
		_, text := scrape(t, m, "")
		return strings.Join(slices.DeleteFunc(samples(text), func(line string) bool { return strings.HasPrefix(line, "ferry_") }), "\n")
	}
	if got := theirs(); got != "" {
		t.Errorf("before the first resync:\n%s", got)
	}
	m.ObserveResync(console.Resync{State: catalog.Completed, Kinds: []console.ResyncKind{{Kind: "board", Index: 1, Read: 5}}})
	m.ObserveResync(resync)
	m.ObserveResync(console.Resync{CatchUp: true, State: catalog.Failed, Took: time.Hour})
	const want = `duration_seconds{kind="__runtime__",phase="resync"} 90
object_count{kind="__reconciliation__",object_count_type="deleted",phase="delete"} 5
object_count{kind="issue-3",object_count_type="failed",phase="load"} 2
object_count{kind="issue-3",object_count_type="failed",phase="transform"} 5
object_count{kind="issue-3",object_count_type="filtered_out",phase="transform"} 15
object_count{kind="issue-3",object_count_type="loaded",phase="load"} 30
object_count{kind="issue-3",object_count_type="raw_extracted",phase="extract"} 500
object_count{kind="issue-3",object_count_type="skipped",phase="load"} 448
object_count{kind="issue-3",object_count_type="transformed",phase="transform"} 480
object_count{kind="project-0",object_count_type="failed",phase="load"} 0
object_count{kind="project-0",object_count_type="failed",phase="transform"} 0
object_count{kind="project-0",object_count_type="loaded",phase="load"} 0
object_count{kind="project-0",object_count_type="raw_extracted",phase="extract"} 9
object_count{kind="project-0",object_count_type="skipped",phase="load"} 9
object_count{kind="project-0",object_count_type="transformed",phase="transform"} 9
success{kind="__runtime__",phase="resync"} 1
success{kind="issue-3",phase="resync"} 0
success{kind="project-0",phase="resync"} 1`
	if got := theirs(); got != want {
		t.Errorf("after a resync:\n%s\nwant\n%s", got, want)
	}
}

func TestFerrysMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, text := scrape(t, full(stands), "")
		expectSamples(t, text, `
			ferry_build_info{version="1.2.3"} 1
			ferry_database_info{kind="sqlite"} 1
			ferry_lag_seconds_bucket{le="1"} 0
			ferry_lag_seconds_bucket{le="2"} 1
			ferry_lag_seconds_sum 1.5
			ferry_hints_total 3
			ferry_runs_total{state="completed"} 0
			ferry_runs_total{state="partial"} 1
			ferry_catch_ups_total{state="completed"} 1
			ferry_last_run_duration_seconds 90
			ferry_last_run_end_timestamp_seconds 1.7723664e+09
			ferry_dirty_items{priority="live"} 2
			ferry_dirty_items{priority="later"} 0
			ferry_dirty_items{priority="scan"} 70
			ferry_dirty_oldest_age_seconds{priority="live"} 60
			ferry_dirty_oldest_age_seconds{priority="scan"} 0
			ferry_undelivered_entities 5
			ferry_undelivered_oldest_age_seconds 3600
			ferry_set_aside{about="item",kind="issue"} 4
			ferry_set_aside{about="decision",kind=""} 1
			ferry_newest_read_timestamp_seconds 1.7723664e+09
			ferry_lease_held 1
			ferry_lease_epoch 12
			ferry_webhook_live 1
			ferry_webhook_checked_timestamp_seconds 1.7723664e+09
			ferry_webhook_verified_timestamp_seconds 1.772366399e+09
			ferry_webhook_expires_timestamp_seconds 1.7749584e+09
			ferry_status_errors_total 0
			ferry_jira_requests_total 40
			ferry_jira_retries_total 3
			ferry_jira_throttled_total 2
			ferry_jira_points_total 90
			ferry_jira_received_bytes_total 1000
			ferry_jira_requests_in_flight 4
			ferry_jira_calls_waiting 5
			ferry_jira_window_requests 6
			ferry_jira_paused_until_timestamp_seconds 1.7723664e+09
			ferry_jira_rationed_until_timestamp_seconds 1.77236646e+09
			ferry_jira_quota_left{beta="false",policy="global-app-quota"} 1200
			ferry_jira_quota_limit{beta="false",policy="global-app-quota"} 65000
			ferry_jira_quota_limit{beta="true",policy="jira-burst-based"} 100
			ferry_jira_quota_reset_timestamp_seconds{beta="false",policy="global-app-quota"} 1.77237e+09
			ferry_jira_endpoint_requests_total{method="GET",path="/rest/api/3/issue/%s"} 30
			ferry_jira_endpoint_throttled_total{method="GET",path="/rest/api/3/issue/%s"} 1
			ferry_jira_endpoint_points_total{method="GET",path="/rest/api/3/issue/%s"} 60
			ferry_jira_endpoint_requests_in_flight{method="GET",path="/rest/api/3/issue/%s"} 2
			ferry_jira_endpoint_calls_waiting{method="GET",path="/rest/api/3/issue/%s"} 1
			ferry_jira_endpoint_window_requests{method="GET",path="/rest/api/3/issue/%s"} 3
			ferry_jira_endpoint_paused_until_timestamp_seconds{method="GET",path="/rest/api/3/issue/%s"} 1.772366401e+09
			ferry_port_requests_total 7
			ferry_port_retries_total 2
			ferry_port_throttled_total 1
			ferry_port_sent_bytes_total 4096`)
		for _, absent := range []string{`ferry_jira_quota_left{beta="true"`} {
			if strings.Contains(text, absent) {
				t.Errorf("%s is there, and Jira did not say it", absent)
			}
		}
		for _, family := range []string{"go_goroutines", "process_cpu_seconds_total"} {
			if !strings.Contains(text, "\n"+family+" ") {
				t.Errorf("no %s", family)
			}
		}
	})
}

func TestDeliveriesAreCounted(t *testing.T) {
	m := console.NewMetrics(console.MetricsConfig{Refusals: []string{"signature", "busy"}})
	m.ObserveDelivery("", 1, 3*time.Millisecond)
	m.ObserveDelivery("", 0, time.Second)
	m.ObserveDelivery("busy", 50, time.Hour)
	_, text := scrape(t, m, "")
	expectSamples(t, text, `
		ferry_webhook_deliveries_total{outcome="accepted"} 2
		ferry_webhook_deliveries_total{outcome="busy"} 1
		ferry_webhook_deliveries_total{outcome="signature"} 0
		ferry_webhook_answer_seconds_bucket{le="0.0025"} 0
		ferry_webhook_answer_seconds_bucket{le="0.005"} 1
		ferry_webhook_answer_seconds_sum 1.003
		ferry_webhook_answer_seconds_count 2
		ferry_hints_total 1`)
}

func TestPanicsAreCounted(t *testing.T) {
	m := console.NewMetrics(console.MetricsConfig{})
	p := public(func(c *console.PublicConfig) {
		c.Metrics = m
		c.Webhook = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no") })
	})
	ask(p, "POST /integration/webhook")
	_, text := scrape(t, m, "")
	expectSamples(t, text, "ferry_panics_total 1")
}

func TestStatusThatFailsLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := full(func(ctx context.Context) (console.Status, error) {
			<-ctx.Done() // the database hangs
			return console.Status{Lease: console.Lease{Epoch: 3}}, ctx.Err()
		})
		begun := time.Now()
		_, text := scrape(t, m, "")
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("the scrape took %s", took)
		}
		expectSamples(t, text, "ferry_status_errors_total 1\nferry_jira_requests_total 40\nferry_runs_total{state=\"partial\"} 1")
		for _, name := range []string{"ferry_lease", "ferry_dirty", "ferry_undelivered", "ferry_webhook_live", "ferry_set_aside"} {
			if strings.Contains(text, "\n"+name) {
				t.Errorf("%s… is told, and nobody knows it", name)
			}
		}
	})
}

func TestOneThatWaitsForTheLeaseTellsNothingOfTheCatalogue(t *testing.T) {
	_, text := scrape(t, full(func(context.Context) (console.Status, error) { return console.Status{}, nil }), "")
	expectSamples(t, text, "ferry_lease_held 0")
	for _, name := range []string{"ferry_dirty", "ferry_undelivered", "ferry_set_aside", "ferry_newest_read", "ferry_webhook_live"} {
		if strings.Contains(text, "\n"+name) {
			t.Errorf("%s… is told", name)
		}
	}
}

func TestScrapersDoNotLoadTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		looks, takes := 0, time.Duration(0)
		var fault error
		m := full(func(context.Context) (console.Status, error) {
			looks++
			time.Sleep(takes)
			return console.Status{Lease: console.Lease{Epoch: int64(looks)}}, fault
		})
		every := func(pause, during time.Duration) int {
			before := looks
			for begun := time.Now(); time.Since(begun) < during; time.Sleep(pause) {
				scrape(t, m, "")
			}
			return looks - before
		}
		if n := every(time.Second, time.Minute); n != 6 {
			t.Errorf("%d looks in a minute", n)
		}
		time.Sleep(time.Minute)
		if n := every(15*time.Second, time.Minute); n != 4 {
			t.Errorf("%d looks for four scrapes far apart", n)
		}
		takes = 3 * time.Second
		if n := every(time.Second, 10*time.Minute); n != 10 {
			t.Errorf("%d looks of 3 s in ten minutes; want a twentieth of the time", n)
		}
		takes, fault = 0, errors.New("no")
		time.Sleep(time.Hour)
		if n := every(time.Second, time.Minute); n != 6 {
			t.Errorf("%d looks in a minute in which they fail", n)
		}
		_, text := scrape(t, m, "")
		expectSamples(t, text, "ferry_status_errors_total 7")
	})
}

func TestFormats(t *testing.T) {
	m := full(stands)
	for _, test := range []struct{ accept, want string }{
		{"", "text/plain; charset=utf-8"},
		{"*/*", "text/plain; charset=utf-8"},
		{"text/html", "text/plain; charset=utf-8"},
		{"text/plain", "text/plain; charset=utf-8"},
		{"text/plain;version=0.0.4;q=0.5", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"},
		{"application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores"},
	} {
		kind, text := scrape(t, m, test.accept)
		if kind != test.want {
			t.Errorf("Accept %q is answered with %q, want %q", test.accept, kind, test.want)
		}
		openMetrics := strings.HasSuffix(text, "# EOF\n")
		if openMetrics != strings.HasPrefix(test.want, "application/openmetrics") {
			t.Errorf("Accept %q: OpenMetrics is %v", test.accept, openMetrics)
		}
		if openMetrics {
			continue
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(text))
		if err != nil || families["ferry_lag_seconds"].GetMetric()[0].GetHistogram().GetSampleCount() != 1 {
			t.Errorf("Accept %q: the text does not parse: %v", test.accept, err)
		}
	}
}

func TestNamesAreAsPrometheusWantsThem(t *testing.T) {
	_, text := scrape(t, full(stands), "")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "ferry_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// What may be counted by is known beforehand, or bounded by the mapping and by the client of Jira.
func TestLabels(t *testing.T) {
	_, text := scrape(t, full(stands), "")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	known := []string{"about", "beta", "kind", "method", "object_count_type", "outcome", "path", "phase", "policy", "priority", "state", "version"}
	for name, family := range families {
		if strings.HasPrefix(name, "go_") {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if !slices.Contains(known, l.GetName()) {
					t.Errorf("%s has the label %s", name, l.GetName())
				}
			}
		}
	}
}

// docs/metrics.md has what there is, and nothing else.
func TestEveryMetricIsDocumented(t *testing.T) {
	document, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile(`ferry_[a-z_]*[a-z]`).FindAllString(string(document), -1) {
		documented[strings.TrimSuffix(name, "_bucket")] = true
	}
	_, text := scrape(t, full(stands), "")
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "# TYPE ferry_"); ok {
			name, _, _ = strings.Cut("ferry_"+name, " ")
			if !documented[name] {
				t.Errorf("%s is not in docs/metrics.md", name)
			}
			delete(documented, name)
		}
	}
	for _, shorthand := range []string{"ferry_dirty", "ferry_undelivered", "ferry_newest_read"} {
		delete(documented, shorthand)
	}
	for name := range documented {
		t.Errorf("%s is in docs/metrics.md alone", name)
	}
}

func ExampleMetrics() {
	m := console.NewMetrics(console.MetricsConfig{Version: "1.2.3", Database: "sqlite"})
	m.ObserveDelivery("", 2, time.Millisecond)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range samples(w.Body.String()) {
		if strings.HasPrefix(line, "ferry_hints") {
			fmt.Println(line)
		}
	}
	// Output: ferry_hints_total 2
}
