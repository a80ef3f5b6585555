package jirasim_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"ferry/jira/jirasim"

	"github.com/google/go-cmp/cmp"
)

// defaultSelector is the JQL of Port's default mapping.
const defaultSelector = "(statusCategory != Done) OR (created >= -1w) OR (updated >= -1w)"

// reduced are as many fields as a mapping usually reads.
const reduced = `["summary","status","issuetype","priority","project","assignee","reporter","creator","created","updated","labels","parent"]`

func TestFillIsDeterministicAndWhollySelected(t *testing.T) {
	fill := func() *jirasim.Server {
		s := jirasim.New(jirasim.Config{Seed: 7, Clock: func() time.Time { return noon }})
		s.Fill(500, 4, 6000)
		return s
	}
	s := fill()
	if r := ask(t, s, "POST /rest/api/3/search/approximate-count", fmt.Sprintf(`{"jql":%q}`, defaultSelector)); string(r.body) != `{"count":500}` {
		t.Errorf("the default selector selects %s, want all 500", r.body)
	}
	if p := projects(t, s, "query=fill"); p.Total != 4 {
		t.Errorf("%d projects, want 4", p.Total)
	}
	for _, key := range []string{"FILL1-1", "FILL2-8", "FILL4-120"} {
		body := ask(t, s, "GET /rest/api/3/issue/"+key, "").body
		if diff := cmp.Diff(string(body), string(ask(t, fill(), "GET /rest/api/3/issue/"+key, "").body)); diff != "" {
			t.Errorf("%s differs between two sites of one seed:\n%s", key, diff)
		}
		if n := len(body); n < 12_000 || n > 16_000 {
			t.Errorf("%s has %d bytes, want about 14,000", key, n)
		}
	}
	sub, above := read(t, s, "FILL1-8"), read(t, s, "FILL1-7")
	if sub.Fields.Parent.Key != "FILL1-7" || len(above.Fields.Subtasks) != 3 || above.Fields.Parent.Key != "FILL1-1" {
		t.Errorf("relations = %+v below %+v", sub, above)
	}
}

func TestFillTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("20,000 issues are made only in the long run")
	}
	const issues = 20_000
	before := heap()
	s := jirasim.New(jirasim.Config{})
	s.Fill(issues, 20, 6000)
	each := (heap() - before) / issues
	runtime.KeepAlive(s)
	if each > 1500 {
		t.Errorf("an issue takes %d bytes, want at most 1,500", each)
	}
	t.Logf("an issue takes %d bytes", each)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// benchmarkSite has 100,000 issues of 14 KB.
func benchmarkSite() *jirasim.Server {
	s := jirasim.New(jirasim.Config{NoGzip: true})
	s.Fill(100_000, 50, 6000)
	return s
}

func benchmark(b *testing.B, s *jirasim.Server, path, body string, headers ...string) {
	transport, bytes := s.Transport(), int64(0)
	b.ReportAllocs()
	for b.Loop() {
		r, err := http.NewRequestWithContext(b.Context(), "POST", "http://jira.test/rest/api/3/"+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w, err := transport.RoundTrip(r)
		if err != nil || w.StatusCode != 200 {
			b.Fatal(w, err)
		}
		bytes = w.ContentLength
	}
	b.SetBytes(bytes)
}

func hundred() string {
	return strings.NewReplacer("[", `["`, ",", `","`, "]", `"]`).Replace(idsJQL(100))
}

func BenchmarkBulkFetchReduced(b *testing.B) {
	benchmark(b, benchmarkSite(), "issue/bulkfetch", `{"issueIdsOrKeys":`+hundred()+`,"fields":`+reduced+`}`)
}

func BenchmarkBulkFetchAll(b *testing.B) {
	benchmark(b, benchmarkSite(), "issue/bulkfetch", `{"issueIdsOrKeys":`+hundred()+`,"fields":["*all"]}`)
}

func BenchmarkBulkFetchReducedGzip(b *testing.B) {
	s := jirasim.New(jirasim.Config{})
	s.Fill(1000, 5, 6000)
	benchmark(b, s, "issue/bulkfetch", `{"issueIdsOrKeys":`+hundred()+`,"fields":`+reduced+`}`, "Accept-Encoding", "gzip")
}

// BenchmarkWalk is the first page of ids, for which the query is evaluated.
func BenchmarkWalk(b *testing.B) {
	benchmark(b, benchmarkSite(), "search/jql", fmt.Sprintf(`{"jql":%q,"maxResults":5000}`, defaultSelector))
}

func BenchmarkWalkOrdered(b *testing.B) {
	s := benchmarkSite()
	for _, field := range []string{"id", "created", "key"} {
		b.Run(field, func(b *testing.B) {
			benchmark(b, s, "search/jql", fmt.Sprintf(`{"jql":%q,"maxResults":5000}`, defaultSelector+" ORDER BY "+field))
		})
	}
}
