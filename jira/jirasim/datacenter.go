package jirasim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Deployment is where a Jira runs.
type Deployment int

const (
	// Cloud is Atlassian's own.
	Cloud Deployment = iota
	// DataCenter is a Jira that its users run.
	DataCenter
)

// place settles the version and where the site is served.
func (c *Config) place() {
	c.Version = cmp.Or(c.Version, map[Deployment]string{Cloud: "1001.0.0-SNAPSHOT", DataCenter: "10.3.0"}[c.Deployment])
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	c.ContextPath = strings.Trim(c.ContextPath, "/")
	if c.ContextPath == "" {
		return
	}
	c.ContextPath = "/" + c.ContextPath
	if c.BaseURL != "" && !strings.HasSuffix(c.BaseURL, c.ContextPath) {
		c.BaseURL += c.ContextPath
	}
}

// versionNumbers are the numbers a version begins with: [9 12 4] of 9.12.4.
func (c *Config) versionNumbers() []int {
	var all []int
	release, _, _ := strings.Cut(c.Version, "-")
	for part := range strings.SplitSeq(release, ".") {
		if n, err := strconv.Atoi(part); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// dataCenter tells the major version of a Data Center, and whether the site is one.
func (s *Server) dataCenter() (major int, ok bool) {
	if s.config.Deployment != DataCenter {
		return 0, false
	}
	if numbers := s.config.versionNumbers(); len(numbers) > 0 {
		major = numbers[0]
	}
	return major, true
}

// api is the version of the REST API that the deployment's own resources speak.
func (c *Config) api() string {
	if c.Deployment == DataCenter {
		return apiV2
	}
	return apiV3
}

// dataCenterRoutes are the fixed paths of Data Center, which knows version 2 alone.
var dataCenterRoutes = map[string]handler{
	"GET /rest/api/2/serverInfo":      (*Server).serverInfo,
	"GET /rest/api/2/myself":          (*Server).myself,
	"GET /rest/api/2/mypermissions":   (*Server).myPermissions,
	"GET /rest/api/2/project":         (*Server).allProjects,
	"GET /rest/api/2/user/search":     (*Server).findUsers,
	"GET /rest/api/2/worklog/updated": (*Server).updatedWorklogs,
	"GET " + boardPath:                (*Server).listBoards,
	"GET /rest/api/2/search":          (*Server).searchPaged,
	"POST /rest/oauth2/1.0/token":     (*Server).serviceToken,
	"POST /rest/oauth2/latest/token":  (*Server).serviceToken,
	"POST /rest/api/2/search":         (*Server).searchPaged,
}

// allProjects answers GET /rest/api/2/project: all that may be seen, without pages.
func (s *Server) allProjects(c *call) *answer {
	p := projectPage{page: s.newPage(c), expand: c.list("expand")}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := slices.DeleteFunc(slices.Clone(s.projectOrder), func(project *project) bool {
		return c.identity.anonymous() || project.Hidden || project.Deleted ||
			project.Archived && c.query.Get("includeArchived") != "true"
	})
	slices.SortFunc(found, func(a, b *project) int { return strings.Compare(a.Name, b.Name) })
	p.raw(`[`)
	for i, project := range found {
		p.comma(i)
		p.project(project)
	}
	p.raw(`]`)
	return jsonAnswer(p.page)
}

// dataCenterProject writes a project as Data Center has it: neither a style nor
// whether it is private.
func (p projectPage) dataCenterProject(project *project) {
	p.raw(`{"expand":"description,lead,url,projectKeys",`)
	p.projectHead(project)
	if p.expanded("description") {
		p.raw(`,"description":`)
		p.str(project.Description)
	}
	if p.expanded("lead") && project.Lead != "" {
		p.raw(`,"lead":`)
		p.user(project.Lead)
	}
	if slices.Contains(p.expand, "projectKeys") {
		p.raw(`,"projectKeys":[`)
		p.str(project.Key)
		p.raw(`]`)
	}
	p.raw(`,"avatarUrls":`)
	p.projectAvatars(project)
	p.raw(`,"projectTypeKey":`)
	p.str(project.Type)
	p.extras(project)
	if !project.Archived {
		p.raw(`,"archived":false`)
	}
	p.raw(`}`)
}

// dataCenterUser writes a person as Data Center knows them: by name and by key, with
// an e-mail address.
func (p *page) dataCenterUser(u *User) {
	p.raw(`{"self":`)
	p.link(p.api, "/user?username=", pathEscape(u.Name))
	p.raw(`,"name":`)
	p.str(u.Name)
	p.raw(`,"key":`)
	p.str(u.Key)
	if u.Email != "" {
		p.raw(`,"emailAddress":`)
		p.str(u.Email)
	}
	p.raw(`,"avatarUrls":`)
	p.avatars(func(size string) {
		p.url("/secure/useravatar?avatarId=10122")
		if size != "" {
			p.raw("&size=" + size)
		}
	})
	p.raw(`,"displayName":`)
	p.str(u.DisplayName)
	p.raw(`,"active":`)
	p.flag(!u.Inactive)
	p.raw(`,"timeZone":`)
	p.str(u.TimeZone)
	p.raw(`}`)
}
