package deliver_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"ferry/internal/catalog"
)

// everythingTaken answers a bulk as Port does when it takes all of it, without looking at it.
func everythingTaken() http.RoundTripper {
	var entities []string
	for i := range 20 {
		entities = append(entities, fmt.Sprintf(`{"index":%d,"identifier":"I","created":true}`, i))
	}
	taken := `{"ok":true,"entities":[` + strings.Join(entities, ",") + `],"errors":[]}`
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		body := taken
		if strings.HasSuffix(r.URL.Path, "/access_token") {
			body = `{"accessToken":"t","expiresIn":10800,"tokenType":"Bearer"}`
		}
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
}

// BenchmarkUpserts delivers 4,000 entities of 700 bytes; the catalogue's part is in it.
func BenchmarkUpserts(b *testing.B) {
	w := newWorld(b)
	w.client = newClient(b, everythingTaken())
	w.config.Workers = 20
	note := strings.Repeat("x", 600)
	version := 0
	const n = 4000
	for b.Loop() {
		b.StopTimer()
		version++
		var items []catalog.Item
		for i := range n {
			x := thing{id: fmt.Sprintf("I-%05d", i), title: fmt.Sprint(version), props: map[string]any{"note": note}}
			items = append(items, catalog.Item{ID: x.id, Claims: []catalog.Claim{{Entities: []catalog.Entity{x.entity()}}}})
		}
		w.apply(items)
		b.StartTimer()
		w.upserts()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/entity")
}
