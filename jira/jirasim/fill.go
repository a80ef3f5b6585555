package jirasim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Fill adds n issues of made-up work in so many projects, each with a description
// of about filler bytes, for measurements. The same seed, clock and arguments give
// the same site.
//
// Of ten issues in a row, which share a project, the first is an epic, six are its
// children, and three are sub-tasks of the one before. Six in ten are open; the
// others were done within the last six days, so that Port's default selector
// (not Done, or created or updated within a week) selects every issue.
//
// Filler is not the whole of an issue: everything else comes to about 8,000 bytes,
// so that 6,000 make issues of 14 KB.
func (s *Server) Fill(n, projects, filler int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &filling{s: s, random: rand.New(rand.NewPCG(s.config.Seed, 0xf111)), now: s.now().Truncate(time.Millisecond), filler: filler}
	f.people(60)
	for i := range max(projects, 1) {
		key := fmt.Sprintf("FILL%d", i+1)
		if s.projects[key] == nil {
			s.addProject(Project{Key: key, Name: fmt.Sprintf("Fill %d", i+1), Lead: f.somebody()})
		}
		f.projects = append(f.projects, key)
	}
	for i := range n {
		f.issue(i)
	}
	s.parts.clear()
}

type filling struct {
	s          *Server
	random     *rand.Rand
	now        time.Time
	filler     int
	accounts   []string
	projects   []string
	epic, last string // keys
}

func (f *filling) people(n int) {
	for i := range n {
		u := User{AccountID: fmt.Sprintf("712020:f1110000-0000-4000-8000-%012x", i+1),
			DisplayName: fmt.Sprintf("Person %c%c", 'A'+i%26, 'A'+i/26), Email: fmt.Sprintf("person%d@example.com", i+1)}
		f.s.putUser(u)
		f.accounts = append(f.accounts, u.AccountID)
	}
}

func (f *filling) somebody() string { return f.accounts[f.random.IntN(len(f.accounts))] }

func (f *filling) issue(i int) {
	created := f.now.Add(-time.Duration(f.random.Int64N(int64(540 * 24 * time.Hour)))).Truncate(time.Millisecond)
	issue := Issue{ProjectKey: f.projects[i/10%len(f.projects)], Summary: f.summary(), Type: "Task",
		Priority: pick(f.random, "Highest", "High", "Medium", "Low", "Lowest"),
		Creator:  f.somebody(), Reporter: f.somebody(), Assignee: f.somebody(),
		Created: created, Updated: f.later(created), Filler: f.filler}
	if f.random.IntN(3) == 0 {
		issue.Labels = []string{pick(f.random, "backend", "frontend", "security", "performance", "customer")}
	}
	f.relate(&issue, i%10)
	f.settle(&issue)
	key := f.s.addIssue(issue).Key
	if i%10 == 0 {
		f.epic = key
	}
	if i%10 < 7 {
		f.last = key
	}
}

func (f *filling) relate(issue *Issue, place int) {
	switch {
	case place == 0:
		issue.Type = "Epic"
	case place < 7:
		issue.Type, issue.Parent = pick(f.random, "Story", "Task", "Bug"), f.epic
	default:
		issue.Type, issue.Parent = "Sub-task", f.last
	}
}

// settle gives the issue a status and, where it is done, a recent resolution.
func (f *filling) settle(issue *Issue) {
	switch f.random.IntN(10) {
	case 0, 1, 2:
		issue.Status = "To Do"
	case 3, 4:
		issue.Status, issue.StatusCategory = "In Progress", "In Progress"
	case 5:
		issue.Status, issue.StatusCategory = "In Review", "In Progress"
	default:
		issue.Status, issue.Resolution = "Done", pick(f.random, "Done", "Done", "Done", "Won't Do")
		issue.Resolved = f.now.Add(-time.Duration(f.random.Int64N(int64(6 * 24 * time.Hour)))).Truncate(time.Millisecond)
		issue.Created = minTime(issue.Created, issue.Resolved)
		issue.Updated = issue.Resolved
	}
}

func (f *filling) later(created time.Time) time.Time {
	age := max(f.now.Sub(created), 1)
	return created.Add(time.Duration(f.random.Int64N(int64(age)))).Truncate(time.Millisecond)
}

func (f *filling) summary() string {
	return fmt.Sprintf("%s %s %s the %s %s", pick(f.random, "The", "Our", "Each", "Every"), pick(f.random, proseWords...),
		pick(f.random, "fails after", "waits for", "loses", "repeats", "needs"), pick(f.random, proseWords...), pick(f.random, proseWords...))
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
