package jirasim

import (
	"slices"
	"strconv"
	"strings"
)

// site is what the simulated Jira knows. It is guarded by Server.mu.
type site struct {
	issues   map[int64]*record
	byKey    map[string]int64     // present and former keys, in capitals
	order    []*record            // by id
	children map[string][]*record // by the present key of the parent

	projects     map[string]*project // by present key
	projectOrder []*project          // as they were added
	users        map[string]*User
	boards       []Board

	hindsight   hindsight
	names       [componentFragment + 1]map[string]*named
	nextIssue   int64
	nextProject int64
	lastBoard   int64
}

func newSite() site {
	s := site{
		issues: make(map[int64]*record), byKey: make(map[string]int64), children: make(map[string][]*record),
		projects: make(map[string]*project), users: make(map[string]*User),
		nextIssue: 10001, nextProject: 10001,
	}
	s.registerDefaults()
	return s
}

// record is an issue as it is stored.
type record struct {
	Issue
	number  int64 // of the key
	project *project
	// spellings are the key, the id, and any former keys: what JQL accepts for
	// the issue.
	spellings []string
	past      []version // as it was before changes, the oldest first
}

// isSubtask tells what Jira moves and deletes together with the parent.
func (r *record) isSubtask() bool { return r.Parent != "" && subtaskType(r.Type) }

// visible tells whether the account may see the issue, and finds it by searching.
func (r *record) visible() bool { return !r.Hidden && !r.Archived && r.project.open() }

// archivedVisibly tells whether the account may see the issue although it was archived, or its
// project, as Data Center allows by id alone:
// https://developer.atlassian.com/server/jira/platform/jira-archiver/
func (r *record) archivedVisibly() bool {
	return (r.Archived || r.project.Archived) && !r.Hidden && !r.project.Hidden && !r.project.Deleted
}

// find resolves an id, a key or a former key, in any case.
func (s *site) find(idOrKey string) *record {
	if id, err := strconv.ParseInt(idOrKey, 10, 64); err == nil {
		return s.issues[id]
	}
	return s.issues[s.byKey[strings.ToUpper(idOrKey)]]
}

// place puts a record into its place in the order of ids, mostly at the end.
func (s *site) place(r *record) {
	at, _ := slices.BinarySearchFunc(s.order, r.ID, func(o *record, id int64) int { return int(o.ID - id) })
	if n := len(s.order); n == 0 || s.order[n-1].ID < r.ID {
		at = n
	}
	s.order = slices.Insert(s.order, at, r)
}

// index makes the record findable by its key and from its parent.
func (s *site) index(r *record) {
	_, digits, _ := cutKey(r.Key)
	r.number = digits
	r.spellings = slices.Compact(append([]string{r.Key, strconv.FormatInt(r.ID, 10)}, r.formerKeys()...))
	s.byKey[strings.ToUpper(r.Key)] = r.ID
	if r.Parent != "" {
		s.children[r.Parent] = append(s.children[r.Parent], r)
	}
	r.project.lastNumber = max(r.project.lastNumber, digits)
}

func (r *record) formerKeys() []string {
	if len(r.spellings) <= 2 {
		return nil
	}
	return r.spellings[2:]
}

func (s *site) leaveParent(r *record) {
	if r.Parent == "" {
		return
	}
	left := slices.DeleteFunc(s.children[r.Parent], func(c *record) bool { return c == r })
	if len(left) == 0 {
		delete(s.children, r.Parent)
		return
	}
	s.children[r.Parent] = left
}

// remove takes the issue and its sub-tasks away. Other children, an epic's
// stories, stay and lose their parent, as in Jira.
func (s *site) remove(r *record) {
	for _, child := range slices.Clone(s.children[r.Key]) {
		if child.isSubtask() {
			s.remove(child)
			continue
		}
		s.leaveParent(child)
		child.Parent = ""
	}
	s.hindsight.bury(r)
	s.leaveParent(r)
	delete(s.issues, r.ID)
	for _, key := range append(r.formerKeys(), r.Key) {
		delete(s.byKey, strings.ToUpper(key))
	}
	r.project.issues--
	if at, ok := slices.BinarySearchFunc(s.order, r.ID, func(o *record, id int64) int { return int(o.ID - id) }); ok {
		s.order = slices.Delete(s.order, at, at+1)
	}
}

// cutKey splits PAY-12 into PAY and 12.
func cutKey(key string) (project string, number int64, ok bool) {
	project, digits, ok := strings.Cut(key, "-")
	if !ok || project == "" {
		return "", 0, false
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	return project, number, err == nil && number > 0
}
