package jirasim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
)

// identityCost is what an account, a group or a permission in an answer costs in points.
const identityCost = 2

// serverInfo answers GET /rest/api/3/serverInfo, to anybody.
func (s *Server) serverInfo(c *call) *answer {
	p := s.newPage(c)
	p.raw(`{"baseUrl":`)
	p.str(cmp.Or(s.config.BaseURL, c.base))
	p.raw(`,"displayUrl":`)
	p.str(cmp.Or(s.config.BaseURL, c.base))
	p.raw(`,"version":`)
	p.str(s.config.Version)
	p.raw(`,"versionNumbers":[`)
	for i, n := range s.config.versionNumbers() {
		p.comma(i)
		p.num(int64(n))
	}
	p.raw(`],"deploymentType":"` + map[Deployment]string{Cloud: "Cloud", DataCenter: "Server"}[s.config.Deployment] + `"`)
	p.raw(`,"buildNumber":100290,"buildDate":"2026-10-05T09:14:33.000+0000","serverTime":`)
	p.instant(s.now())
	p.raw(`,"scmInfo":"9f1c2ad1b3c4d5e6f708192a3b4c5d6e7f809100","serverTitle":"Jira"`)
	if s.config.Deployment == Cloud {
		p.raw(`,"serverTimeZone":"Etc/UTC"`)
	}
	p.raw(`}`)
	return jsonAnswer(p)
}

// myself answers GET /rest/api/3/myself.
func (s *Server) myself(c *call) *answer {
	if c.identity.anonymous() {
		return unauthorized()
	}
	p := s.newPage(c)
	s.mu.RLock()
	defer s.mu.RUnlock()
	p.user(c.identity.accountID)
	p.cost += identityCost
	p.b = p.b[:len(p.b)-1] // reopen the object: /myself tells a little more than others see
	p.raw(`,"locale":"en_US","groups":{"size":1,"items":[]},"applicationRoles":{"size":1,"items":[]},"expand":"groups,applicationRoles"}`)
	return jsonAnswer(p)
}

type permission struct{ id, key, name, kind, description string }

var permissions = []permission{
	{"0", "ADMINISTER", "Administer Jira", "GLOBAL", "Create and administer projects, issue types, fields, workflows, and schemes for all projects."},
	{"27", "USER_PICKER", "Browse users and groups", "GLOBAL", "View and select users or groups from the user picker, and share issues."},
	{"10", "BROWSE_PROJECTS", "Browse Projects", "PROJECT", "Ability to browse projects and the issues within them."},
}

// myPermissions answers GET /rest/api/3/mypermissions; which ones must be said, but
// at Data Center, which tells all of them where none is named.
func (s *Server) myPermissions(c *call) *answer {
	wanted := c.list("permissions")
	if len(wanted) == 0 && s.config.Deployment == DataCenter {
		for _, known := range permissions {
			wanted = append(wanted, known.key)
		}
	}
	if len(wanted) == 0 {
		return refuse(http.StatusBadRequest, "The 'permissions' query parameter is required.")
	}
	p := s.newPage(c)
	p.raw(`{"permissions":{`)
	for i, key := range wanted {
		at := slices.IndexFunc(permissions, func(known permission) bool { return known.key == key })
		if at < 0 {
			return refuse(http.StatusBadRequest, "Unrecognized permission: "+key)
		}
		p.comma(i)
		p.cost += identityCost
		k := permissions[at]
		have := !c.identity.anonymous() && !slices.Contains(s.config.Denied, key)
		p.raw(fmt.Sprintf(`%q:{"id":%q,"key":%q,"name":%q,"type":%q,"description":%q,"havePermission":%t}`,
			k.key, k.id, k.key, k.name, k.kind, k.description, have))
	}
	p.raw(`}}`)
	return jsonAnswer(p)
}

// tenantInfo answers GET /_edge/tenant_info, to anybody.
func (s *Server) tenantInfo(c *call) *answer {
	p := s.newPage(c)
	p.raw(`{"cloudId":`)
	p.str(s.config.CloudID)
	p.raw(`}`)
	return jsonAnswer(p)
}

func cloudID(seed uint64) string {
	d := digest(fmt.Sprint("cloud ", seed))
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(d), uint16(d>>32), d>>48&0xfff, d>>52&0xfff, digest(fmt.Sprint(d))&0xffffffffffff)
}
