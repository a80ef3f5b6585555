package console

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// samples is where a collector puts what it has at a scrape.
type samples chan<- prometheus.Metric

func (s samples) gauge(d *prometheus.Desc, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func (s samples) counter(d *prometheus.Desc, value int64, labels ...string) {
	s <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
}

// time is a moment, 0 for none, so that a rule can compare it with time().
func (s samples) time(d *prometheus.Desc, t time.Time, labels ...string) {
	s.gauge(d, seconds(t), labels...)
}

// age is how long ago something was; 0 if it never was.
func (s samples) age(d *prometheus.Desc, since time.Time, labels ...string) {
	if since.IsZero() {
		s.gauge(d, 0, labels...)
		return
	}
	s.gauge(d, max(time.Since(since), 0).Seconds(), labels...)
}

// described is a collector's descriptions, which it hands to the registry.
type described []*prometheus.Desc

func (all described) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range all {
		ch <- d
	}
}

// add makes a description and remembers it.
func (all *described) add(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, nil)
	*all = append(*all, d)
	return d
}
