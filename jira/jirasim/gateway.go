package jirasim

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A door is one of the hosts that a request can come to.
type door int

const (
	siteDoor    door = iota // the site, which also serves the gateway's prefix
	gatewayDoor             // api.atlassian.com
	authDoor                // auth.atlassian.com
)

// Atlassian's hosts, as [Server.Hosts] tells them apart.
const (
	gatewayHost = "api.atlassian.com"
	authHost    = "auth.atlassian.com"
)

// Gateway is what https://api.atlassian.com serves of the site: everything below
// /ex/jira/{cloudId}, and /oauth/token/accessible-resources. The site's own handler
// has the prefix too, so that one address may do for a test.
func (s *Server) Gateway() http.Handler { return doorHandler{s, gatewayDoor} }

// AuthServer is https://auth.atlassian.com: POST /oauth/token, for the apps of
// [Server.AddApp].
func (s *Server) AuthServer() http.Handler { return doorHandler{s, authDoor} }

// Hosts is a RoundTripper that answers in the caller's goroutine for
// auth.atlassian.com, api.atlassian.com and the site, which is the host of
// [Config.BaseURL], or every other host where that is empty. A request to a host that
// is none of them fails.
func (s *Server) Hosts() http.RoundTripper { return transport{s, s.doorOf} }

func (s *Server) doorOf(r *http.Request) (door, error) {
	switch r.URL.Hostname() {
	case gatewayHost:
		return gatewayDoor, nil
	case authHost:
		return authDoor, nil
	}
	if base := s.config.BaseURL; base != "" && origin(r) != strings.TrimSuffix(base, s.config.ContextPath) {
		return 0, fmt.Errorf("jirasim: %s is no host of the simulated site %s", r.URL.Host, base)
	}
	return siteDoor, nil
}

type doorHandler struct {
	s    *Server
	door door
}

func (h doorHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.s.serveHTTP(w, r, h.door) }

// throughGateway answers what the gateway itself decides, or nil where the request is
// for Jira to answer.
func (s *Server) throughGateway(c *call) *answer {
	switch {
	case !c.gateway && c.door == gatewayDoor && c.path == "/oauth/token/accessible-resources":
		return s.accessibleResources(c)
	case !c.gateway && c.door == gatewayDoor:
		return textAnswer(http.StatusNotFound, jsonType, `{"code":404,"message":"Not Found"}`)
	case !c.gateway:
		return nil
	case c.cloud != s.config.CloudID:
		return s.noSuchCloud(c)
	case strings.HasPrefix(c.path, "/_edge/"):
		return textAnswer(http.StatusNotFound, jsonType, `{"code":404,"message":"Not Found"}`)
	}
	if c.identity.scopes != nil && !covers(c.identity.scopes, scopesOf(c.Method, c.route)) {
		return gatewayRefusal("Unauthorized; scope does not match")
	}
	return nil
}

func (s *Server) noSuchCloud(c *call) *answer {
	p := &page{}
	p.raw(`{"timestamp":"` + s.now().UTC().Format(time.RFC3339) + `","status":404,"error":"Not Found","message":"No message available","path":`)
	p.str(c.URL.Path)
	p.raw(`}`)
	a := jsonAnswer(p)
	a.status = http.StatusNotFound
	return a
}

func gatewayRefusal(message string) *answer {
	return textAnswer(http.StatusUnauthorized, jsonType, `{"code":401,"message":"`+message+`"}`)
}

// accessibleResources answers GET /oauth/token/accessible-resources: the sites that an
// access token is good for, of which ours is the last.
func (s *Server) accessibleResources(c *call) *answer {
	if c.identity.app == "" {
		return gatewayRefusal("Unauthorized")
	}
	p := s.newPage(c)
	p.raw(`[`)
	for _, neighbour := range s.config.Neighbours {
		p.resource(cloudID(digest(neighbour)), neighbour, c.identity.scopes)
		p.raw(`,`)
	}
	p.resource(s.config.CloudID, s.siteURL(), c.identity.scopes)
	p.raw(`]`)
	return jsonAnswer(p)
}

// siteURL is the site as people visit it.
func (s *Server) siteURL() string {
	if s.config.BaseURL != "" {
		return s.config.BaseURL
	}
	return "https://site.atlassian.net"
}

func (p *page) resource(cloud, site string, scopes []string) {
	_, host, _ := strings.Cut(site, "://")
	name, _, _ := strings.Cut(host, ".")
	p.raw(`{"id":`)
	p.str(cloud)
	p.raw(`,"url":`)
	p.str(site)
	p.raw(`,"name":`)
	p.str(name)
	p.raw(`,"scopes":[`)
	written := 0
	for _, scope := range scopes {
		if scope != offlineAccess {
			p.comma(written)
			p.str(scope)
			written++
		}
	}
	p.raw(`],"avatarUrl":"https://site-admin-avatar-cdn.prod.public.atl-paas.net/avatars/240/flag.png"}`)
}
