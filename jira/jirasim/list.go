package jirasim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// partRoutes are the paths of Cloud below one project or board, whose id or key {} stands for.
var partRoutes = map[string]func(*Server, *call, string) *answer{
	"GET /rest/api/3/project/{}/version":      (*Server).projectVersions,
	"GET /rest/api/3/project/{}/component":    (*Server).projectComponents,
	"GET /rest/agile/1.0/board/{}/sprint":     (*Server).boardSprints,
	"GET /rest/agile/1.0/board/{}/epic":       (*Server).boardEpics,
	"GET /rest/software/1.0/board/{}/backlog": (*Server).boardBacklog,
}

// dataCenterPartRoutes are those of Data Center.
var dataCenterPartRoutes = map[string]func(*Server, *call, string) *answer{
	"GET /rest/api/2/project/{}/version":    (*Server).projectVersions,
	"GET /rest/api/2/project/{}/components": (*Server).allComponents,
	"GET /rest/agile/1.0/board/{}/sprint":   (*Server).boardSprints,
	"GET /rest/agile/1.0/board/{}/epic":     (*Server).boardEpics,
	"GET /rest/agile/1.0/board/{}/backlog":  (*Server).backlogPaged,
}

// servePart answers for what is below one object, and nil to everything else.
func (s *Server) servePart(c *call) *answer {
	const at = 5 // as in /rest/api/3/project/PAY/version
	segments := strings.Split(c.route, "/")
	if len(segments) != at+2 || segments[at] == "" {
		return nil
	}
	id := segments[at]
	segments[at] = "{}"
	path := strings.Join(segments, "/")
	routes := partRoutes
	if s.config.Deployment == DataCenter {
		routes = dataCenterPartRoutes
	}
	if h, ok := routes[c.Method+" "+path]; ok {
		return h(s, c, id)
	}
	if _, ok := routes["GET "+path]; ok {
		return methodNotAllowed()
	}
	return nil
}

// valuesPage answers with a page of n things, of 50 unless asked for fewer, as most of
// Jira's lists are; with the link to itself where self is given. It is called with the
// site locked.
func (s *Server) valuesPage(c *call, n int, self string, write func(p *page, i int)) *answer {
	startAt, limit, refused := c.span(50)
	if refused != nil {
		return refused
	}
	from := min(startAt, n)
	to := min(from+limit, n)
	p := s.newPage(c)
	p.raw(`{`)
	if self != "" {
		p.raw(`"self":`)
		p.str(self)
		p.raw(`,`)
	}
	p.raw(fmt.Sprintf(`"maxResults":%d,"startAt":%d,"total":%d,"isLast":%t,"values":[`, limit, startAt, n, to == n))
	for i := from; i < to; i++ {
		p.comma(i - from)
		write(p, i)
	}
	p.raw(`]}`)
	return jsonAnswer(p)
}

// span reads startAt and maxResults: 50 unless asked, and silently no more than limit.
func (c *call) span(limit int) (startAt, maxResults int, refused *answer) {
	if startAt, refused = c.number("startAt", 0); refused != nil {
		return 0, 0, refused
	}
	if maxResults, refused = c.number("maxResults", 50); refused != nil {
		return 0, 0, refused
	}
	if startAt < 0 || maxResults < 0 {
		return 0, 0, refuse(http.StatusBadRequest, "startAt and maxResults must not be negative.")
	}
	if maxResults == 0 || maxResults > limit {
		maxResults = limit
	}
	return startAt, maxResults, nil
}

// projectVersions answers GET /rest/api/3/project/{projectIdOrKey}/version. The site
// keeps no versions.
func (s *Server) projectVersions(c *call, idOrKey string) *answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if _, refused := s.projectCalled(c, idOrKey); refused != nil {
		return refused
	}
	return s.valuesPage(c, 0, c.base+c.path, nil)
}

// component is one that issues of a project have, and how many have it.
type component struct {
	*named
	issues int
}

// components are those that the visible issues of the project name, by id.
func (s *site) components(of *project) []component {
	var all []component
	for _, r := range s.order {
		if r.project != of || !r.visible() {
			continue
		}
		for _, name := range r.Components {
			n := s.names[componentFragment][name]
			if n == nil {
				continue
			}
			at, found := slices.BinarySearchFunc(all, n.id, func(c component, id int64) int { return int(c.id - id) })
			if !found {
				all = slices.Insert(all, at, component{named: n})
			}
			all[at].issues++
		}
	}
	return all
}

// projectComponents answers GET /rest/api/3/project/{projectIdOrKey}/component.
func (s *Server) projectComponents(c *call, idOrKey string) *answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	project, refused := s.projectCalled(c, idOrKey)
	if refused != nil {
		return refused
	}
	all := s.components(project)
	return s.valuesPage(c, len(all), c.base+c.path, func(p *page, i int) {
		p.wholeComponent(all[i], project)
		p.raw(`,"issueCount":` + strconv.Itoa(all[i].issues) + `}`)
	})
}

// allComponents answers GET /rest/api/2/project/{projectIdOrKey}/components of Data
// Center, which has no pages.
func (s *Server) allComponents(c *call, idOrKey string) *answer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	project, refused := s.projectCalled(c, idOrKey)
	if refused != nil {
		return refused
	}
	p := s.newPage(c)
	p.raw(`[`)
	for i, one := range s.components(project) {
		p.comma(i)
		p.wholeComponent(one, project)
		p.raw(`}`)
	}
	p.raw(`]`)
	return jsonAnswer(p)
}

// wholeComponent writes a component, and leaves the object open.
func (p *page) wholeComponent(c component, of *project) {
	p.part(componentFragment, c.name, (*page).writeComponent)
	p.b = p.b[:len(p.b)-1]
	p.raw(`,"assigneeType":"PROJECT_DEFAULT","realAssigneeType":"PROJECT_DEFAULT","isAssigneeTypeValid":false,"project":`)
	p.str(of.Key)
	p.raw(`,"projectId":` + of.ID)
}

// updatedWorklogs answers GET /rest/api/3/worklog/updated. The site keeps no worklogs.
func (s *Server) updatedWorklogs(c *call) *answer {
	if c.identity.anonymous() {
		return unauthorized()
	}
	since := int64(0)
	if text := c.query.Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseInt(text, 10, 64); err != nil {
			return refuse(http.StatusBadRequest, "The value of the parameter 'since' is not a number.")
		}
	}
	p := s.newPage(c)
	p.raw(fmt.Sprintf(`{"values":[],"since":%d,"until":%d,"self":`, since, since))
	p.str(fmt.Sprintf("%s%s?since=%d", c.base, c.path, since))
	p.raw(`,"lastPage":true}`)
	return jsonAnswer(p)
}
