package jirasim

import "strconv"

// The parts that many issues share, as the real payloads have them.

func (p *page) writeStatus(name string) {
	n := p.s.names[statusFragment][name]
	p.raw(`{"self":`)
	p.link(p.api, "/status/", strconv.FormatInt(n.id, 10))
	p.raw(`,"description":"","iconUrl":`)
	p.link("/")
	p.raw(`,"name":`)
	p.str(name)
	p.raw(`,"id":`)
	p.quotedNum(n.id)
	p.raw(`,"statusCategory":`)
	p.category(n.category)
	p.raw(`}`)
}

func (p *page) category(c *category) {
	p.raw(`{"self":"`)
	p.url(p.api, "/statuscategory/")
	p.num(c.id)
	p.raw(`","id":`)
	p.num(c.id)
	p.raw(`,"key":"` + c.key + `","colorName":"` + c.color + `","name":"` + c.name + `"}`)
}

var typeDescriptions = map[string]string{
	"Epic": "Epics track collections of related bugs, stories, and tasks.", "Story": "Stories track functionality or features expressed as user goals.",
	"Task": "Tasks track small, distinct pieces of work.", "Bug": "Bugs track problems or errors.",
	"Sub-task": "Subtasks track small pieces of work that are part of a larger task.",
}

func (p *page) writeType(name string) {
	n := p.s.names[typeFragment][name]
	id := strconv.FormatInt(n.id, 10)
	p.raw(`{"self":`)
	p.link(p.api, "/issuetype/", id)
	p.raw(`,"id":"` + id + `","description":`)
	p.str(typeDescriptions[name])
	p.raw(`,"iconUrl":`)
	p.link("/rest/api/2/universal_avatar/view/type/issuetype/avatar/", strconv.FormatInt(n.id+300, 10), "?size=medium")
	p.raw(`,"name":`)
	p.str(name)
	p.raw(`,"subtask":`)
	p.flag(subtaskType(name))
	p.raw(`,"avatarId":`)
	p.num(n.id + 300)
	if p.s.config.Deployment == Cloud {
		p.raw(`,"hierarchyLevel":`)
		p.num(hierarchyLevel(name))
	}
	p.raw(`}`)
}

func (p *page) writePriority(name string) {
	id := strconv.FormatInt(p.s.names[priorityFragment][name].id, 10)
	p.raw(`{"self":`)
	p.link(p.api, "/priority/", id)
	p.raw(`,"iconUrl":`)
	p.link("/images/icons/priorities/", pathEscape(name), "_new.svg")
	p.raw(`,"name":`)
	p.str(name)
	p.raw(`,"id":"` + id + `"}`)
}

func (p *page) writeResolution(name string) {
	id := strconv.FormatInt(p.s.names[resolutionFragment][name].id, 10)
	p.raw(`{"self":`)
	p.link(p.api, "/resolution/", id)
	p.raw(`,"id":"` + id + `","description":"","name":`)
	p.str(name)
	p.raw(`}`)
}

func (p *page) writeComponent(name string) {
	id := strconv.FormatInt(p.s.names[componentFragment][name].id, 10)
	p.raw(`{"self":`)
	p.link(p.api, "/component/", id)
	p.raw(`,"id":"` + id + `","name":`)
	p.str(name)
	p.raw(`}`)
}

// writeProjectRef is the project as it appears within its issues.
func (p *page) writeProjectRef(key string) {
	project := p.s.projects[key]
	p.raw(`{`)
	p.projectHead(project)
	p.raw(`,"projectTypeKey":`)
	p.str(project.Type)
	if p.s.config.Deployment == Cloud {
		p.raw(`,"simplified":`)
		p.flag(project.TeamManaged)
	}
	p.raw(`,"avatarUrls":`)
	p.projectAvatars(project)
	p.raw(`}`)
}

func (p *page) projectHead(project *project) {
	p.raw(`"self":`)
	p.link(p.api, "/project/", project.ID)
	p.raw(`,"id":`)
	p.str(project.ID)
	p.raw(`,"key":`)
	p.str(project.Key)
	p.raw(`,"name":`)
	p.str(project.Name)
}

func (p *page) projectAvatars(project *project) {
	avatar := strconv.FormatUint(10400+digest(project.Key)%30, 10)
	p.avatars(func(size string) {
		p.url(p.api, "/universal_avatar/view/type/project/avatar/", avatar)
		if size != "" {
			p.raw("?size=" + size)
		}
	})
}
