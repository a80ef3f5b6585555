package jirasim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"ferry/jira/jirasim"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// deviations are the places where Atlassian's file is at odds with Jira itself. What
// is not among them is our mistake.
var deviations = []struct {
	match  *regexp.Regexp // of the error, on one line
	reason string
}{
	{regexp.MustCompile(`string doesn't match the format "date-time"`),
		"Jira writes times as 2021-04-22T05:37:05.000+0000, also in the file's own examples; date-time wants +00:00"},
	{regexp.MustCompile(`^Error at "[^"]*/fields/\w+": Value is not nullable Schema: \{\} Value: null`),
		"the fields of an issue are free-form, and many are null; the file's empty schema for them does not say nullable"},
	{regexp.MustCompile(`property "entityId" is unsupported`),
		"the real projects of the fixtures have an entityId, which the file's Project does not know"},
}

// conformance validates each request and each answer that passes through it.
type conformance struct {
	t      *testing.T
	next   http.RoundTripper
	files  []routers.Router
	others []*regexp.Regexp // operations that the client uses and no file has: "GET /rest/webhooks/1.0/webhook"

	mu         sync.Mutex     // a check asks for several things at once
	operations map[string]int // how often each was validated
	deviated   map[string]int // by the reason of the deviation
}

func newConformance(t *testing.T, s *jirasim.Server) *conformance {
	t.Helper()
	c := &conformance{t: t, next: s.Transport(), operations: map[string]int{}, deviated: map[string]int{}}
	var wanted []string
	for _, o := range usedOperations(t) {
		if o.inFiles {
			wanted = append(wanted, o.name)
			continue
		}
		pattern := regexp.MustCompile(`\\{[^}]*\\}`).ReplaceAllString(regexp.QuoteMeta(o.name), "[^/]+")
		c.others = append(c.others, regexp.MustCompile("^"+pattern+"$"))
	}
	wanted = append(wanted, byHand...)
	for _, name := range []string{"jira-platform-v3.2026-02-06.json", "jira-software.2026-05-27.json"} {
		doc, err := openapi3.NewLoader().LoadFromData(excerpt(t, shared(t, "specs/"+name), wanted))
		if err != nil {
			t.Fatal(err)
		}
		doc.Servers = openapi3.Servers{{URL: "https://jira.test"}}
		router, err := gorillamux.NewRouter(doc)
		if err != nil {
			t.Fatal(err)
		}
		c.files = append(c.files, router)
	}
	return c
}

// usedOperation is a row of docs/jira-operations.md.
type usedOperation struct {
	name    string   // "GET /rest/api/3/myself"
	methods []string // of jira.Client
	inFiles bool     // Atlassian's files have it: they are about Cloud's REST API
}

// usedOperations are what the client asks of Jira. A test of package jira keeps the list equal to
// the code.
func usedOperations(t *testing.T) []usedOperation {
	t.Helper()
	var all []usedOperation
	row := regexp.MustCompile("(?m)^\\| `([A-Z]+ [^`]+)` \\| [^|]*\\| ([^|]*) \\| <([^>]+)> \\|$")
	for _, m := range row.FindAllStringSubmatch(readText(t, "../../docs/jira-operations.md"), -1) {
		cloud := strings.HasPrefix(m[3], "https://developer.atlassian.com/cloud/jira/") && strings.Contains(m[3], "/rest/")
		all = append(all, usedOperation{m[1], strings.Split(m[2], ", "), cloud})
	}
	if len(all) < 30 {
		t.Fatalf("docs/jira-operations.md has %d operations that can be read, want more", len(all))
	}
	return all
}

// byHand are operations that the simulated Jira serves and the client does not use.
var byHand = []string{"GET /rest/api/3/search/jql", "GET /rest/api/3/webhook/failed"}

// excerpt is the file with the wanted operations' paths alone and the schemas they lead to. The
// whole of it takes many seconds to load under the race detector.
func excerpt(t *testing.T, path string, wanted []string) []byte {
	t.Helper()
	var doc struct {
		OpenAPI    string                                `json:"openapi"`
		Info       json.RawMessage                       `json:"info"`
		Paths      map[string]json.RawMessage            `json:"paths"`
		Components map[string]map[string]json.RawMessage `json:"components"`
	}
	if err := json.Unmarshal([]byte(readText(t, path)), &doc); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(doc.Paths, func(path string, _ json.RawMessage) bool {
		return !slices.ContainsFunc(wanted, func(operation string) bool { return strings.HasSuffix(operation, " "+path) })
	})
	reached := map[string]bool{}
	reference := regexp.MustCompile(`"#/components/schemas/([^"]+)"`)
	var reach func(text []byte)
	reach = func(text []byte) {
		for _, m := range reference.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !reached[name] {
				reached[name] = true
				reach(doc.Components["schemas"][name])
			}
		}
	}
	for _, item := range doc.Paths {
		reach(item)
	}
	maps.DeleteFunc(doc.Components["schemas"], func(name string, _ json.RawMessage) bool { return !reached[name] })
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (c *conformance) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := readBack(&r.Body)
	if err != nil {
		return nil, err
	}
	route, params := c.find(r)
	if route == nil {
		return c.next.RoundTrip(r)
	}
	c.count(c.operations, r.Method+" "+route.Path)
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: &openapi3filter.Options{
		MultiError: true, IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		SkipSettingDefaults: true,
	}}
	c.report("request "+r.Method+" "+r.URL.String()+" "+string(body), openapi3filter.ValidateRequest(r.Context(), in))
	c.checkQuery(r, route)
	r.Body = io.NopCloser(bytes.NewReader(body))
	w, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := readBack(&w.Body)
	if err != nil {
		return nil, err
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: w.StatusCode, Header: w.Header, Options: in.Options}
	out.SetBodyBytes(text)
	c.report(fmt.Sprintf("answer %d to %s %s", w.StatusCode, r.Method, r.URL), openapi3filter.ValidateResponse(r.Context(), out))
	return w, nil
}

// checkQuery refuses parameters that the operation does not have: Jira ignores them without a word,
// and so does the validation.
func (c *conformance) checkQuery(r *http.Request, route *routers.Route) {
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil && route.PathItem.Parameters.GetByInAndName("query", name) == nil {
			c.t.Errorf("%s %s has no parameter %q", r.Method, route.Path, name)
		}
	}
}

func (c *conformance) count(what map[string]int, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what[name]++
}

// find finds the operation in the files; nil for one that they do not have.
func (c *conformance) find(r *http.Request) (*routers.Route, map[string]string) {
	asked := asVersion3(r)
	for _, file := range c.files {
		if route, params, err := file.FindRoute(asked); err == nil {
			return route, params
		}
	}
	name := r.Method + " " + r.URL.Path
	if !slices.ContainsFunc(c.others, func(other *regexp.Regexp) bool { return other.MatchString(name) }) {
		c.t.Errorf("%s is an operation neither of the files nor of docs/jira-operations.md", name)
	}
	return nil, nil
}

// asVersion3 is the request as the file knows it: serverInfo is asked for in version
// 2, which Data Center has too, and is the same there.
func asVersion3(r *http.Request) *http.Request {
	if r.URL.Path != "/rest/api/2/serverInfo" {
		return r
	}
	r = r.Clone(r.Context())
	r.URL.Path = "/rest/api/3/serverInfo"
	return r
}

// readBack reads a body and puts it back.
func readBack(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	text, err := io.ReadAll(*body)
	_ = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(text))
	return text, err
}

func (c *conformance) report(what string, err error) {
	for _, fault := range leaves(err) {
		known, text := false, strings.Join(strings.Fields(fault.Error()), " ")
		for _, d := range deviations {
			if d.match.MatchString(text) {
				c.count(c.deviated, d.reason)
				known = true
			}
		}
		if !known {
			c.t.Errorf("%.300s does not conform: %.600s", what, text)
		}
	}
}

// leaves takes joined errors apart, down to one schema error each.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	var response *openapi3filter.ResponseError
	var request *openapi3filter.RequestError
	var schema *openapi3.SchemaError
	switch many := err.(type) {
	case openapi3.MultiError:
		var all []error
		for _, one := range many {
			all = append(all, leaves(one)...)
		}
		return all
	default:
		if errors.As(err, &schema) && schema == err {
			if schema.Origin != nil {
				return leaves(schema.Origin)
			}
			return []error{err}
		}
		if errors.As(err, &response) && response == err && response.Err != nil {
			return leaves(response.Err)
		}
		if errors.As(err, &request) && request == err && request.Err != nil {
			return leaves(request.Err)
		}
	}
	return []error{err}
}
