package portsim_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"ferry/internal/port/portsim"
)

// issueBody is an entity of the size the default mapping makes.
func issueBody(n int) string {
	return fmt.Sprintf(`{"identifier":"PRJ-%d","blueprint":"issue","title":"Something about a button that does nothing on page %d","properties":{`+
		`"url":"https://example.atlassian.net/browse/PRJ-%d","status":"In Progress","issueType":"Story","components":["web","api"],"creator":"someone@example.com",`+
		`"priority":"Medium","labels":["ui","regression"],"created":"2026-01-02T03:04:05.000+0000","updated":"2026-02-03T04:05:06.000+0000","resolutionDate":null},`+
		`"relations":{"project":"PRJ","parentIssue":null,"subtasks":[],"assignee":"5b10ac8d82e05b22cc7d4ef5","reporter":"5b10ac8d82e05b22cc7d4ef5"}}`, n, n, n)
}

const issueModel = `{"identifier":"issue","schema":{"properties":{"url":{"type":"string"},"status":{"type":"string"},"issueType":{"type":"string"},
"components":{"type":"array","items":{"type":"string"}},"creator":{"type":"string"},"priority":{"type":"string"},"labels":{"type":"array","items":{"type":"string"}},
"created":{"type":"string"},"updated":{"type":"string"},"resolutionDate":{"type":"string"}}},"relations":{"project":{"target":"project"},"parentIssue":{"target":"issue"},
"subtasks":{"target":"issue","many":true},"assignee":{"target":"user"},"reporter":{"target":"user"}}}`

func fill(d *desk, from, to int) {
	for ; from < to; from += 20 {
		var bodies []string
		for n := range 20 {
			bodies = append(bodies, issueBody(from+n))
		}
		d.put("issue", upserting, bodies...)
	}
}

func BenchmarkBulkUpsert(b *testing.B) {
	for name, fresh := range map[string]bool{"made": true, "merged": false} {
		b.Run(name, func(b *testing.B) {
			d := open(b, portsim.Config{})
			d.sim.AddBlueprint([]byte(issueModel))
			var bulks []string
			for bulk := range 100 {
				var bodies []string
				for n := range 20 {
					bodies = append(bodies, issueBody(bulk*20+n))
				}
				bulks = append(bulks, `{"entities":[`+strings.Join(bodies, ",")+`]}`)
			}
			i := 0
			for b.Loop() {
				if i++; fresh && i%100 == 0 {
					d.sim.Clear()
				}
				request, _ := http.NewRequest("POST", "http://port/v1/blueprints/issue/entities/bulk"+upserting, strings.NewReader(bulks[i%100]))
				request.Header.Set("Authorization", "Bearer "+d.token)
				request.Header.Set("User-Agent", d.agent)
				if response, err := d.sim.Transport().RoundTrip(request); err != nil || response.StatusCode != 200 {
					b.Fatal(response, err)
				}
			}
		})
	}
}

// BenchmarkHeld reports the bytes one entity takes.
func BenchmarkHeld(b *testing.B) {
	const entities = 20_000
	for b.Loop() {
		d := open(b, portsim.Config{})
		d.sim.AddBlueprint([]byte(issueModel))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		fill(d, 0, entities)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/entities, "bytes/entity")
		runtime.KeepAlive(d)
	}
}
