package jira_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"ferry/jira"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const site = "https://acme.atlassian.net"

// inProcess sends requests to a handler without a socket, so that the fake time
// of synctest moves while a request waits.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// newClient is a client of site with Basic credentials, whose requests the
// handler answers. serverInfo is answered here.
func newClient(t *testing.T, config jira.Config, answer http.HandlerFunc) *jira.Client {
	t.Helper()
	auth, err := jira.Basic("sam@acme.example", "sesame-token")
	if err != nil {
		t.Fatal(err)
	}
	return newClientAt(t, site, auth, config, answer)
}

func newClientAt(t *testing.T, site string, auth jira.Auth, config jira.Config, answer http.HandlerFunc) *jira.Client {
	t.Helper()
	config.Transport = inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/rest/api/3/serverInfo") {
			reply(w, http.StatusOK, `{"baseUrl":"https://acme.example/","deploymentType":"Cloud"}`)
			return
		}
		answer(w, r)
	})}
	c, err := jira.New(site, auth, config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reply answers with JSON and the headers given as pairs.
func reply(w http.ResponseWriter, status int, body string, headers ...string) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	for i := 0; i < len(headers); i += 2 {
		w.Header().Add(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}
