package jirasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// call is one request, read and understood.
type call struct {
	*http.Request
	path     string // without the gateway's prefix and the context path
	route    string // the path in the API's own version: 3 of Cloud, 2 of Data Center
	api      string // /rest/api/3 or /rest/api/2, as the links in the answer say it
	base     string // of the self links in the answer
	outside  bool   // not below the context path: Jira never hears of it, the server that it runs in answers
	door     door
	gateway  bool   // came through the gateway's prefix
	cloud    string // which the prefix names
	body     []byte
	query    url.Values
	identity identity
	refused  *answer // where who asks is enough to say no
	trouble  trouble
}

const maxBody = 4 << 20

// respond makes the answer to r. An error means that the client went away, or that
// the answer is lost.
func (s *Server) respond(r *http.Request, d door) (*answer, error) {
	c, err := s.read(r, d)
	if err != nil {
		return nil, err
	}
	c.trouble = s.faults.draw(c.path)
	c.identity = s.identify(c)
	t := s.limits.arrive(c, s.now())
	defer t.leave()
	status := 0
	defer func() { s.note(c, status) }()
	if err := wait(r, s.config.Latency); err != nil {
		return nil, err
	}
	if err := c.trouble.hang(r); err != nil {
		return nil, err
	}
	a := s.decide(c, t)
	t.mark(a, s.now())
	s.finish(c, a)
	if f, ok := c.trouble.find(LoseAnswer); ok {
		a.release()
		return nil, errors.Join(wait(r, f.For), io.ErrUnexpectedEOF)
	}
	status = a.status
	return a, nil
}

// decide makes the answer of the limits, of the trouble there is, or of whoever is
// behind the door.
func (s *Server) decide(c *call, t *turn) *answer {
	if a := t.refuse(s.now()); a != nil {
		return a
	}
	if a := c.trouble.answer(s.now()); a != nil {
		return a
	}
	if c.outside {
		return htmlAnswer(http.StatusNotFound, "HTTP Status 404 – Not Found")
	}
	if c.door == authDoor {
		return s.authorize(c)
	}
	if c.refused != nil {
		return c.refused
	}
	if a := s.throughGateway(c); a != nil {
		return a
	}
	return s.serve(c)
}

func (s *Server) note(c *call, status int) {
	scheme, _, _ := strings.Cut(c.Header.Get("Authorization"), " ")
	body := c.body
	if strings.HasSuffix(c.path, "/token") {
		body = nil // credentials
	}
	s.log.add(Request{Method: c.Method, Path: c.path, Query: c.query, Body: body, Scheme: scheme, Status: status, At: s.now()})
}

func (s *Server) read(r *http.Request, d door) (*call, error) {
	c := &call{Request: r, query: r.URL.Query(), path: r.URL.Path, door: d}
	s.locate(c)
	if r.Body == nil {
		return c, nil
	}
	var err error
	c.body, err = io.ReadAll(io.LimitReader(r.Body, maxBody))
	return c, err
}

// locate finds out which resource the request is for, and what links begin with.
func (s *Server) locate(c *call) {
	c.base = s.config.BaseURL
	if rest, ok := strings.CutPrefix(c.path, "/ex/jira/"); ok && s.config.Deployment == Cloud && c.door != authDoor {
		cloud, path, _ := strings.Cut(rest, "/")
		c.gateway, c.cloud, c.path = true, cloud, "/"+path
		c.base = origin(c.Request) + "/ex/jira/" + pathEscape(cloud)
	}
	if c.base == "" {
		c.base = origin(c.Request) + s.config.ContextPath
	}
	below, ok := strings.CutPrefix(c.path, s.config.ContextPath)
	if c.outside = !ok || below != "" && below[0] != '/'; !c.outside {
		c.path = below
	}
	c.route, c.api = s.resource(c.path)
}

// The versions of the REST API. Cloud serves both; Data Center has no 3.
const apiV3, apiV2 = "/rest/api/3", "/rest/api/2"

// resource says a path in the version that the tables of routes speak, and in which
// version it was asked.
func (s *Server) resource(path string) (route, api string) {
	own := s.config.api()
	for _, version := range []string{apiV2, "/rest/api/latest"} {
		if rest, ok := strings.CutPrefix(path, version+"/"); ok {
			return own + "/" + rest, apiV2
		}
	}
	return path, own
}

// origin is where the request was sent to.
func origin(r *http.Request) string {
	host, scheme := r.Host, "http"
	if host == "" {
		host = r.URL.Host
	}
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	return scheme + "://" + host
}

// finish adds what every answer carries, and what the faults do to its bytes.
func (s *Server) finish(c *call, a *answer) {
	a.cut = c.trouble.has(Cut)
	if c.outside {
		return
	}
	a.header.Set("X-Arequestid", strconv.FormatUint(digest(c.path+string(c.body)), 16))
	a.header.Set("X-Content-Type-Options", "nosniff")
	if a.status == http.StatusOK && !s.limits.on() { // on normal answers too, and per second
		a.header.Set("X-Ratelimit-Limit", "100")
		a.header.Set("X-Ratelimit-Remaining", "99")
	}
	c.identity.mark(a.header)
	if !s.config.NoGzip {
		a.compress(c.Request)
	}
}

type handler func(*Server, *call) *answer

// routes are the fixed paths of Cloud.
var routes = map[string]handler{
	"GET /rest/api/3/serverInfo":                (*Server).serverInfo,
	"GET /rest/api/3/myself":                    (*Server).myself,
	"GET /rest/api/3/mypermissions":             (*Server).myPermissions,
	"GET /rest/api/3/project/search":            (*Server).searchProjects,
	"GET /rest/api/3/users/search":              (*Server).listUsers,
	"GET /rest/api/3/worklog/updated":           (*Server).updatedWorklogs,
	"GET " + boardPath:                          (*Server).listBoards,
	"GET /rest/api/3/search/jql":                (*Server).searchIssues,
	"POST /rest/api/3/search/jql":               (*Server).searchIssues,
	"POST /rest/api/3/search/approximate-count": (*Server).approximateCount,
	"POST /rest/api/3/issue/bulkfetch":          (*Server).bulkFetch,
	"GET /_edge/tenant_info":                    (*Server).tenantInfo,
	"GET /rest/api/3/search":                    (*Server).removed,
	"POST /rest/api/3/search":                   (*Server).removed,
	"POST /rest/api/3/search/id":                (*Server).removed,
}

func (s *Server) serve(c *call) *answer {
	if a := s.serveWebhooks(c); a != nil {
		return a
	}
	if h, ok := s.routes()[c.Method+" "+c.route]; ok {
		return h(s, c)
	}
	if a := s.servePart(c); a != nil {
		return a
	}
	if s.fixedPath(c.route) {
		return textAnswer(http.StatusMethodNotAllowed, "text/html;charset=UTF-8", "")
	}
	if id, ok := strings.CutPrefix(c.route, s.config.api()+"/issue/"); ok && plainSegment(id) && c.Method == http.MethodGet {
		return s.oneIssue(c, id)
	}
	if id, ok := strings.CutPrefix(c.route, s.config.api()+"/project/"); ok && plainSegment(id) && c.Method == http.MethodGet {
		return s.oneProject(c, id)
	}
	return htmlAnswer(http.StatusNotFound, "Oops, you&#39;ve found a dead link.")
}

func (s *Server) routes() map[string]handler {
	if s.config.Deployment == DataCenter {
		return dataCenterRoutes
	}
	return routes
}

func (s *Server) fixedPath(path string) bool {
	_, get := s.routes()["GET "+path]
	_, post := s.routes()["POST "+path]
	return get || post
}

func plainSegment(s string) bool { return s != "" && !strings.Contains(s, "/") }

func (s *Server) removed(*call) *answer {
	return refuse(http.StatusGone, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "+
		"A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046")
}

// decode reads the JSON body as strictly as Jira: a property it does not know is
// refused.
func (c *call) decode(into any) *answer {
	if !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json") {
		return htmlAnswer(http.StatusUnsupportedMediaType, "Unsupported Media Type")
	}
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	if d.Decode(into) != nil || d.More() {
		return refuse(http.StatusBadRequest, "Invalid request payload. Refer to the REST API documentation and try again.")
	}
	return nil
}

// list reads a parameter that may be repeated, hold commas, or both.
func (c *call) list(name string) []string {
	var all []string
	for _, value := range c.query[name] {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

// number reads a parameter that is a number.
func (c *call) number(name string, otherwise int) (int, *answer) {
	text := c.query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, refuse(http.StatusBadRequest, "The value of the parameter '"+name+"' is not a number.")
	}
	return n, nil
}

// pathEscape makes a link's part that also JSON and a query take as it is.
func pathEscape(s string) string { return url.QueryEscape(s) }
