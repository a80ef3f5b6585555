package jirasim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Board is a board of Jira Software. A site has those that it is given.
type Board struct {
	ID         int64  // 0 is the next free one
	Name       string // "" is the project's with "board"
	Type       string // scrum, kanban or simple; "" is scrum
	ProjectKey string // whose issues it shows
}

// AddBoard puts a board into the site, and returns it with what was filled in. One of
// a project that is not there is a mistake of the caller and panics.
func (s *Server) AddBoard(b Board) Board {
	s.mu.Lock()
	defer s.mu.Unlock()
	project := s.projects[b.ProjectKey]
	if project == nil {
		panic(fmt.Sprintf("jirasim: the project %q of a board is not there", b.ProjectKey))
	}
	for _, other := range s.boards {
		if b.ID == other.ID && b.ID != 0 {
			panic(fmt.Sprintf("jirasim: board %d is there already", b.ID))
		}
	}
	b.ID = cmp.Or(b.ID, s.lastBoard+1)
	s.lastBoard = max(s.lastBoard, b.ID)
	b.Name, b.Type = cmp.Or(b.Name, project.Name+" board"), cmp.Or(b.Type, "scrum")
	s.boards = append(s.boards, b)
	return b
}

// boardPath is the collection of boards, of Cloud and Data Center.
const boardPath = "/rest/agile/1.0/board"

// listBoards answers GET /rest/agile/1.0/board.
func (s *Server) listBoards(c *call) *answer {
	if c.identity.anonymous() {
		return unauthorized()
	}
	kinds, name, of := c.list("type"), strings.ToLower(c.query.Get("name")), c.query.Get("projectKeyOrId")
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := slices.DeleteFunc(slices.Clone(s.boards), func(b Board) bool {
		project := s.boardProject(b)
		return project == nil || len(kinds) > 0 && !slices.Contains(kinds, b.Type) ||
			!strings.Contains(strings.ToLower(b.Name), name) || of != "" && of != project.Key && of != project.ID
	})
	return s.valuesPage(c, len(found), "", func(p *page, i int) { p.board(found[i]) })
}

// boardProject is the project of a board that the account may see, or nil.
func (s *site) boardProject(b Board) *project {
	if project := s.projects[b.ProjectKey]; project != nil && project.open() {
		return project
	}
	return nil
}

func (p *page) board(b Board) {
	project := p.s.projects[b.ProjectKey]
	p.raw(`{"id":`)
	p.num(b.ID)
	p.raw(`,"self":`)
	p.link(boardPath, "/", strconv.FormatInt(b.ID, 10))
	p.raw(`,"name":`)
	p.str(b.Name)
	p.raw(`,"type":`)
	p.str(b.Type)
	if p.s.config.Deployment == Cloud {
		p.raw(`,"location":{"projectId":` + project.ID + `,"displayName":`)
		p.str(project.Name + " (" + project.Key + ")")
		p.raw(`,"projectName":`)
		p.str(project.Name)
		p.raw(`,"projectKey":`)
		p.str(project.Key)
		p.raw(`,"projectTypeKey":`)
		p.str(project.Type)
		p.raw(`},"isPrivate":false`)
	}
	p.raw(`}`)
}

// boardCalled finds the board that a path names.
func (s *Server) boardCalled(c *call, id string) (Board, *answer) {
	if c.identity.anonymous() {
		return Board{}, unauthorized()
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, b := range s.boards {
		if strconv.FormatInt(b.ID, 10) == id && s.boardProject(b) != nil {
			return b, nil
		}
	}
	return Board{}, refuse(http.StatusNotFound,
		"The requested board cannot be viewed because it either does not exist or you do not have permission to view it.")
}

// boardSprints answers GET /rest/agile/1.0/board/{boardId}/sprint. The site keeps no
// sprints, so that a board which can have some has none.
func (s *Server) boardSprints(c *call, id string) *answer {
	b, refused := s.boardCalled(c, id)
	switch {
	case refused != nil:
		return refused
	case b.Type != "scrum":
		return refuse(http.StatusBadRequest, "The board does not support sprints")
	}
	return s.valuesPage(c, 0, "", nil)
}

// boardEpics answers GET /rest/agile/1.0/board/{boardId}/epic.
func (s *Server) boardEpics(c *call, id string) *answer {
	b, refused := s.boardCalled(c, id)
	if refused != nil {
		return refused
	}
	done := c.query.Get("done")
	s.mu.RLock()
	defer s.mu.RUnlock()
	var epics []*record
	for _, r := range s.order {
		if r.ProjectKey == b.ProjectKey && r.visible() && hierarchyLevel(r.Type) > 0 &&
			(done == "" || done == strconv.FormatBool(s.finished(r))) {
			epics = append(epics, r)
		}
	}
	return s.valuesPage(c, len(epics), "", func(p *page, i int) { p.epic(epics[i]) })
}

// finished tells whether the issue is in a status of the category Done.
func (s *site) finished(r *record) bool {
	n := s.names[statusFragment][r.Status]
	return n != nil && n.category != nil && n.category.key == "done"
}

func (p *page) epic(r *record) {
	id := strconv.FormatInt(r.ID, 10)
	p.raw(`{"id":` + id + `,"key":`)
	p.str(r.Key)
	p.raw(`,"self":`)
	p.link("/rest/agile/1.0/epic/", id)
	p.raw(`,"name":`)
	p.str(r.Summary)
	p.raw(`,"summary":`)
	p.str(r.Summary)
	p.raw(`,"color":{"key":"color_1"},"done":`)
	p.flag(p.s.finished(r))
	p.raw(`}`)
}

// boardBacklog answers GET /rest/software/1.0/board/{boardId}/backlog of Cloud: without
// sprints, all that is not done. The issues lack the fields of Jira Software.
func (s *Server) boardBacklog(c *call, id string) *answer {
	b, refused := s.boardCalled(c, id)
	if refused != nil {
		return refused
	}
	q, refused := c.issueQuery()
	if refused != nil {
		return refused
	}
	if q.JQL, refused = backlogJQL(b, q.JQL); refused != nil {
		return refused
	}
	return s.answerSearch(c, q, "*navigable")
}

// backlogPaged answers GET /rest/agile/1.0/board/{boardId}/backlog of Data Center.
func (s *Server) backlogPaged(c *call, id string) *answer {
	b, refused := s.boardCalled(c, id)
	if refused != nil {
		return refused
	}
	q, refused := c.pagedQuery()
	if refused != nil {
		return refused
	}
	if q.JQL, refused = backlogJQL(b, q.JQL); refused != nil {
		return refused
	}
	return s.answerPaged(c, q)
}

// backlogJQL selects what is in the backlog. A query with an ORDER BY, which Jira
// takes, is refused as one that cannot be read.
func backlogJQL(b Board, also string) (string, *answer) {
	if b.Type == "simple" {
		return "", refuse(http.StatusBadRequest, "Backlogs are not supported on this board")
	}
	text := "project = " + string(appendString(nil, b.ProjectKey)) +
		` AND issuetype NOT IN (Epic, "Sub-task") AND statusCategory != Done`
	if strings.TrimSpace(also) != "" {
		text += " AND (" + also + ")"
	}
	return text, nil
}
