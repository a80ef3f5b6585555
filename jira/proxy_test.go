package jira_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// A site with a certificate authority of its own is read over TLS with it, and
// not without.
func TestOwnAuthority(t *testing.T) {
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira", Bearer: "sesame-token"})
	server := httptest.NewUnstartedServer(s)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	own := x509.NewCertPool()
	own.AddCert(server.Certificate())
	auth, _ := jira.Bearer("sesame-token")
	for name, test := range map[string]struct {
		config *tls.Config
		good   bool
	}{"with the authority": {&tls.Config{RootCAs: own}, true}, "without": {nil, false}} {
		c, err := jira.New(server.URL+"/jira", auth, jira.Config{TLS: test.config, Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Myself(t.Context())
		if good := err == nil; good != test.good {
			t.Errorf("%s: Myself = %v", name, err)
		}
	}
}

// Requests go by the proxy: in the clear to it, or through a tunnel of it.
func TestProxy(t *testing.T) {
	s := jirasim.New(jirasim.Config{Deployment: jirasim.DataCenter, ContextPath: "/jira", Bearer: "sesame-token"})
	plain, secure := httptest.NewServer(s), httptest.NewTLSServer(s)
	defer plain.Close()
	defer secure.Close()
	var asked, tunnels atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			tunnels.Add(1)
			tunnel(t, w, secure.Listener.Addr().String())
			return
		}
		asked.Add(1)
		s.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	own := x509.NewCertPool()
	own.AddCert(secure.Certificate())
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	auth, _ := jira.Bearer("sesame-token")
	for _, site := range []string{plain.URL, secure.URL} {
		c, err := jira.New(site+"/jira", auth, jira.Config{TLS: &tls.Config{RootCAs: own}, Proxy: http.ProxyURL(address), Retries: -1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Myself(t.Context()); err != nil {
			t.Errorf("Myself of %s by a proxy = %v", site, err)
		}
	}
	if asked.Load() != 2 || tunnels.Load() == 0 {
		t.Errorf("the proxy passed on %d requests and %d tunnels, want 2 and at least one", asked.Load(), tunnels.Load())
	}
}

// tunnel joins the connection of a CONNECT with an address until either ends.
func tunnel(t *testing.T, w http.ResponseWriter, address string) {
	to, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	defer to.Close()
	from, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	defer from.Close()
	if _, err := io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		t.Error(err)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(to, from) // ends with either connection
		_ = to.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(from, to)
	from.Close()
	<-done
}
