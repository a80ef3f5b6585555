package console

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ferry/internal/port"
	"ferry/jira"
)

// MetricsConfig says what is measured, beside what the daemon tells as it happens.
type MetricsConfig struct {
	Version  string // Ferry's
	Database string // "sqlite" or "postgresql"

	Jira func() jira.Stats // nil: not shown
	Port func() port.Stats // nil: not shown

	// Refusals are the words by which deliveries are refused, see ObserveDelivery. Their counters
	// are there from the start.
	Refusals []string

	// Status looks into the database. It is called by a scrape, at most every ten seconds, and
	// less often if it takes long. Nil: not shown.
	Status func(context.Context) (Status, error)

	Logger *slog.Logger // nil: nothing is logged
}

// Metrics are Ferry's metrics, on a registry of their own. Its methods may be called from several
// goroutines.
type Metrics struct {
	scrape     http.Handler
	incumbent  *incumbent
	lag        prometheus.Histogram
	answered   prometheus.Histogram
	deliveries *prometheus.CounterVec
	hints      prometheus.Counter
	panics     prometheus.Counter
	runs       *prometheus.CounterVec
	catchUps   *prometheus.CounterVec
	lastTook   prometheus.Gauge
	lastEnd    prometheus.Gauge
}

// NewMetrics makes them.
func NewMetrics(config MetricsConfig) *Metrics {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	m := newMetrics(config.Refusals)
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		constant("ferry_build_info", "Always 1. What runs here.", prometheus.Labels{"version": config.Version}),
		constant("ferry_database_info", "Always 1. The database that the catalogue is in.", prometheus.Labels{"kind": config.Database}),
		m.lag, m.answered, m.deliveries, m.hints, m.panics, m.runs, m.catchUps, m.lastTook, m.lastEnd, m.incumbent,
	)
	if config.Jira != nil {
		registry.MustRegister(newJiraCollector(config.Jira))
	}
	if config.Port != nil {
		registry.MustRegister(newPortCollector(config.Port))
	}
	if config.Status != nil {
		registry.MustRegister(newStatusCollector(config.Status, config.Logger))
	}
	m.scrape = scraped(registry, config.Logger)
	return m
}

func newMetrics(refusals []string) *Metrics {
	return &Metrics{
		incumbent: newIncumbent(),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ferry_lag_seconds", Help: "From Jira's event to its change in Port.",
			Buckets: []float64{.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600},
		}),
		answered: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ferry_webhook_answer_seconds", Help: "From the request of a delivery to its answer with 2xx: what it named is on the disk.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		deliveries: counters("ferry_webhook_deliveries_total", "Deliveries of webhooks, by what became of them.", "outcome", append([]string{accepted}, refusals...)...),
		hints:      counter("ferry_hints_total", "Items that the deliveries which were accepted named as touched."),
		panics:     counter("ferry_panics_total", "Requests to the public listener that ended in a panic."),
		runs:       counters("ferry_runs_total", "Resyncs that ended, by how.", "state", runStates()...),
		catchUps:   counters("ferry_catch_ups_total", "Catch-ups that ended, by how.", "state", runStates()...),
		lastTook:   gauge("ferry_last_run_duration_seconds", "How long the last resync took."),
		lastEnd:    gauge("ferry_last_run_end_timestamp_seconds", "When the last resync of this process ended; 0: none has."),
	}
}

// ObserveLag is told how long after Jira's event a change was in Port.
func (m *Metrics) ObserveLag(d time.Duration) { m.lag.Observe(max(d, 0).Seconds()) }

// accepted is the outcome of a delivery that was not refused.
const accepted = "accepted"

// ObserveDelivery is told of each delivery of a webhook when it was answered: by which word it was
// refused, one of few, empty if it was taken; how many items it named; how long the answer took.
func (m *Metrics) ObserveDelivery(refusal string, items int, took time.Duration) {
	m.deliveries.WithLabelValues(cmp.Or(refusal, accepted)).Inc()
	if refusal != "" {
		return
	}
	m.answered.Observe(took.Seconds())
	m.hints.Add(float64(items))
}

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.scrape.ServeHTTP(w, r) }

// maxScrapes is how many scrapes are answered at once; more are told to come again.
const maxScrapes = 4

func scraped(registry *prometheus.Registry, log *slog.Logger) http.Handler {
	next := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		EnableOpenMetrics:   true,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !negotiates(r) {
			w = &plainText{ResponseWriter: w}
		}
		next.ServeHTTP(w, r)
	})
}

// negotiates reports whether a scraper names the format it wants. Others get the text that they
// got from the incumbent, under the type that they know.
func negotiates(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, "openmetrics") || strings.Contains(accept, "version=") || strings.Contains(accept, "protobuf")
}

// plainText is an answer in the incumbent's type, whichever its handler set.
type plainText struct{ http.ResponseWriter }

func (p *plainText) Write(b []byte) (int, error) {
	p.Header().Set("Content-Type", "text/plain; charset=utf-8")
	return p.ResponseWriter.Write(b)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

func gauge(name, help string) prometheus.Gauge {
	return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
}

// counters are there with 0 for each value, since a counter that begins with 1 shows no increase.
func counters(name, help, label string, values ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	for _, value := range values {
		v.WithLabelValues(value)
	}
	return v
}

func constant(name, help string, labels prometheus.Labels) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels})
	g.Set(1)
	return g
}
