package console_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ferry/internal/console"
)

// hook answers with the token of the path.
func hook(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "token %q", r.PathValue("token"))
}

func withHook(c *console.PublicConfig) { c.Webhook = http.HandlerFunc(hook) }

func resyncs(context.Context) error { return nil }

// answers are requests and what they are answered, as far as the first line of the body. PREFIX
// stands for the prefix.
const answers = `
POST PREFIX/integration/webhook          200 token ""
POST PREFIX/integration/webhook/s3cret   200 token "s3cret"
GET  PREFIX/integration/webhook          405 Allow: POST
PUT  PREFIX/integration/webhook/s3cret   405 Allow: POST
POST PREFIX/integration/webhook/         404 404 page not found
POST PREFIX/integration/webhook/a/b      404 404 page not found
GET  PREFIX/integration                  404 404 page not found
GET  PREFIX/health/live                  200 {"status":"healthy","check":"live","core_version":"0.48.12","ferry_version":"1.2.3"}
GET  PREFIX/health/ready                 200 {"status":"healthy","check":"ready","core_version":"0.48.12","ferry_version":"1.2.3"}
GET  PREFIX/health/fresh                 200 {"status":"healthy","check":"fresh","core_version":"0.48.12","ferry_version":"1.2.3"}
POST PREFIX/health/live                  405 Allow: GET, HEAD
GET  PREFIX/health                       404 404 page not found
GET  PREFIX/health/                      404 404 page not found
GET  PREFIX/health/live/                 404 404 page not found
POST PREFIX/metrics                      405 Allow: GET, HEAD
GET  PREFIX/metrics/x                    404 404 page not found
GET  PREFIX//metrics                     404 404 page not found
GET  PREFIX/x/../metrics                 404 404 page not found
GET  PREFIX/metrics%2F                   404 404 page not found
GET  PREFIX/                             404 404 page not found
GET  PREFIX/docs                         404 404 page not found
GET  PREFIX/debug/pprof/                 404 404 page not found
POST /resync                             200 {"ok":true}
GET  /resync                             405 Allow: POST
POST /resync/                            404 404 page not found
`

func TestRoutes(t *testing.T) {
	for _, setting := range []string{"", "my-prefix", "/my-prefix", "my-prefix/", "/my-prefix/"} {
		t.Run(fmt.Sprintf("%q", setting), func(t *testing.T) {
			p := public(func(c *console.PublicConfig) {
				withHook(c)
				c.Prefix, c.Resync = setting, resyncs
			})
			prefix := "/my-prefix"
			if setting == "" {
				prefix = ""
			}
			for line := range strings.Lines(strings.TrimSpace(answers)) {
				f := strings.Fields(strings.ReplaceAll(line, "PREFIX", prefix))
				want := f[2] + "\n" + strings.Join(f[3:], " ")
				if got := ask(p, f[0]+" "+f[1]); got != want && !strings.HasPrefix(got, want+"\n") {
					t.Errorf("%s %s\n got %s\nwant %s", f[0], f[1], got, want)
				}
			}
			for _, path := range []string{"/metrics", "/metrics/"} {
				if got := ask(p, "GET "+prefix+path); !strings.HasPrefix(got, "200\n# HELP ") {
					t.Errorf("GET %s: %.80s", path, got)
				}
			}
		})
	}
}

func TestWhatThePrefixIsNot(t *testing.T) {
	p := public(func(c *console.PublicConfig) { c.Prefix, c.Resync = "p", resyncs })
	for _, line := range []string{"GET /health/live", "GET /p", "GET /px/health/live", "GET /phealth/live", "GET /P/health/live", "POST /p/resync"} {
		if got := ask(p, line); got != "404\n404 page not found" {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestPrefixWithOddCharacters(t *testing.T) {
	p := public(func(c *console.PublicConfig) { c.Prefix = "/{a}/b c/" })
	if got := ask(p, "GET /%7Ba%7D/b%20c/health/live"); !strings.HasPrefix(got, "200\n") {
		t.Errorf("below the prefix: %s", got)
	}
	if got := ask(p, "GET /x/b%20c/health/live"); !strings.HasPrefix(got, "404\n") {
		t.Errorf("beside the prefix: %s", got)
	}
}

func TestWhatIsNotGivenIsNotThere(t *testing.T) {
	p := public(nil)
	for _, line := range []string{"POST /resync", "GET /resync", "POST /integration/webhook", "POST /integration/webhook/t"} {
		if got := ask(p, line); got != "404\n404 page not found" {
			t.Errorf("%s: %s", line, got)
		}
	}
}

func TestPanicIsAnsweredAndTellsNothingOfTheRequest(t *testing.T) {
	for name, fail := range map[string]func(string){
		"a text":          func(s string) { panic("cannot take " + s) },
		"a runtime error": func(s string) { _ = []byte(s)[len(s)] },
	} {
		t.Run(name, func(t *testing.T) {
			log := new(journal)
			p := public(func(c *console.PublicConfig) {
				c.Logger = log.logger()
				c.Webhook = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fail(r.PathValue("token")) })
			})
			if got := ask(p, "POST /integration/webhook/s3cret"); got != "500\ninternal error" {
				t.Errorf("answer: %s", got)
			}
			if got := log.String(); strings.Contains(got, "s3cret") || !strings.Contains(got, "public_test.go") {
				t.Errorf("the log should have the place and nothing of the request:\n%s", got)
			}
		})
	}
}
