package jirasim

// issueField writes one field of an issue.
type issueField struct {
	name  string
	write func(*page, *record)
}

// lacks tells that the issue does not have the field at all, not even as null:
// Jira leaves out the parent of an issue without one.
// Data Center has no parent but of a sub-task, and some fields are Cloud's alone.
func (f *issueField) lacks(p *page, r *record) bool {
	dataCenter := p.s.config.Deployment == DataCenter
	if dataCenter && (cloudField[f.name] || f.name == "parent" && !r.isSubtask()) || !dataCenter && f.name == "archiveddate" {
		return true
	}
	return f.name == "parent" && r.Parent == ""
}

var cloudField = map[string]bool{"statuscategorychangedate": true, "statusCategory": true, "issuerestriction": true}

// issueFields are the fields of an issue in the order of the real payloads.
var issueFields = []issueField{
	{"statuscategorychangedate", func(p *page, r *record) { p.instant(r.Updated) }},
	{"issuetype", func(p *page, r *record) { p.part(typeFragment, r.Type, (*page).writeType) }},
	{"parent", func(p *page, r *record) { p.parent(r) }},
	{"components", func(p *page, r *record) { p.components(r) }},
	{"timespent", null},
	{"timeoriginalestimate", null},
	{"project", func(p *page, r *record) { p.part(projectFragment, r.ProjectKey, (*page).writeProjectRef) }},
	{"description", func(p *page, r *record) { p.description(r) }},
	{"fixVersions", none},
	{"aggregatetimespent", null},
	{"statusCategory", func(p *page, r *record) { p.category(p.s.names[statusFragment][r.Status].category) }},
	{"resolution", func(p *page, r *record) { p.resolution(r) }},
	{"timetracking", constant(`{}`)},
	{"customfield_10015", null},
	{"security", null},
	{"attachment", none},
	{"aggregatetimeestimate", null},
	{"resolutiondate", func(p *page, r *record) { p.resolved(r) }},
	{"archiveddate", func(p *page, r *record) { p.archived(r) }},
	{"workratio", constant(`-1`)},
	{"summary", func(p *page, r *record) { p.str(r.Summary) }},
	{"issuerestriction", constant(`{"issuerestrictions":{},"shouldDisplay":true}`)},
	{"watches", func(p *page, r *record) {
		p.raw(`{"self":`)
		p.link(p.api, "/issue/", r.Key, "/watchers")
		p.raw(`,"watchCount":1,"isWatching":false}`)
	}},
	{"lastViewed", null},
	{"creator", func(p *page, r *record) { p.user(r.Creator) }},
	{"subtasks", func(p *page, r *record) { p.subtasks(r) }},
	{"created", func(p *page, r *record) { p.instant(r.Created) }},
	{"customfield_10020", null},
	{"customfield_10021", null},
	{"reporter", func(p *page, r *record) { p.user(r.Reporter) }},
	{"aggregateprogress", constant(`{"progress":0,"total":0}`)},
	{"customfield_10000", constant(`"{}"`)},
	{"priority", func(p *page, r *record) { p.part(priorityFragment, r.Priority, (*page).writePriority) }},
	{"customfield_10001", null},
	{"labels", func(p *page, r *record) { p.labels(r) }},
	{"customfield_10016", null},
	{"environment", null},
	{"customfield_10019", func(p *page, r *record) { p.rank(r) }},
	{"timeestimate", null},
	{"aggregatetimeoriginalestimate", null},
	{"versions", none},
	{"duedate", null},
	{"progress", constant(`{"progress":0,"total":0}`)},
	{"issuelinks", none},
	{"votes", func(p *page, r *record) {
		p.raw(`{"self":`)
		p.link(p.api, "/issue/", r.Key, "/votes")
		p.raw(`,"votes":0,"hasVoted":false}`)
	}},
	{"comment", func(p *page, r *record) {
		p.raw(`{"comments":[],"self":"`)
		p.url(p.api, "/issue/")
		p.num(r.ID)
		p.raw(`/comment","maxResults":0,"total":0,"startAt":0}`)
	}},
	{"assignee", func(p *page, r *record) { p.user(r.Assignee) }},
	{"worklog", constant(`{"startAt":0,"maxResults":20,"total":0,"worklogs":[]}`)},
	{"updated", func(p *page, r *record) { p.instant(r.Updated) }},
	{"status", func(p *page, r *record) { p.part(statusFragment, r.Status, (*page).writeStatus) }},
}

var fieldKnown = func() map[string]bool {
	m := make(map[string]bool, len(issueFields))
	for _, f := range issueFields {
		m[f.name] = true
	}
	return m
}()

func constant(json string) func(*page, *record) { return func(p *page, _ *record) { p.raw(json) } }

var null, none = constant(`null`), constant(`[]`)

// archived is null for an issue that was archived with its project.
func (p *page) archived(r *record) {
	if !r.Archived {
		p.raw(`null`)
		return
	}
	p.instant(r.Updated)
}

func (p *page) parent(r *record) {
	if r := p.s.find(r.Parent); r != nil {
		p.issueRef(r)
		return
	}
	p.raw("null")
}

func (p *page) subtasks(r *record) {
	p.raw(`[`)
	written := 0
	for _, child := range p.s.children[r.Key] {
		if child.isSubtask() && child.visible() {
			p.comma(written)
			p.issueRef(child)
			written++
		}
	}
	p.raw(`]`)
}

// issueRef is how an issue appears within another.
func (p *page) issueRef(r *record) {
	p.raw(`{"id":`)
	p.quotedNum(r.ID)
	p.raw(`,"key":`)
	p.str(r.Key)
	p.raw(`,"self":"`)
	p.url(p.api, "/issue/")
	p.num(r.ID)
	p.raw(`","fields":{"summary":`)
	p.str(r.Summary)
	p.raw(`,"status":`)
	p.part(statusFragment, r.Status, (*page).writeStatus)
	p.raw(`,"priority":`)
	p.part(priorityFragment, r.Priority, (*page).writePriority)
	p.raw(`,"issuetype":`)
	p.part(typeFragment, r.Type, (*page).writeType)
	p.raw(`}}`)
}

func (p *page) components(r *record) {
	p.raw(`[`)
	for i, name := range r.Components {
		p.comma(i)
		p.part(componentFragment, name, (*page).writeComponent)
	}
	p.raw(`]`)
}

func (p *page) labels(r *record) {
	p.raw(`[`)
	for i, label := range r.Labels {
		p.comma(i)
		p.str(label)
	}
	p.raw(`]`)
}

func (p *page) resolution(r *record) {
	if r.Resolution == "" {
		p.raw("null")
		return
	}
	p.part(resolutionFragment, r.Resolution, (*page).writeResolution)
}

func (p *page) resolved(r *record) {
	if r.Resolved.IsZero() {
		p.raw("null")
		return
	}
	p.instant(r.Resolved)
}

// rank is in the form of Jira's LexoRank, and orders as the ids do.
func (p *page) rank(r *record) {
	p.raw(`"0|i`)
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	var text [6]byte
	n := r.ID
	for i := len(text) - 1; i >= 0; i-- {
		text[i] = digits[n%36]
		n /= 36
	}
	p.b = append(p.b, text[:]...)
	p.raw(`:"`)
}
