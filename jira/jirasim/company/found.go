package company

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"ferry/jira/jirasim"
)

// A Company is what [Found] made. Its fields are the company as it was founded;
// what becomes of it is known to the server in which it settled. It is not safe
// for use by several goroutines at once.
type Company struct {
	Name     string
	Projects []jirasim.Project
	People   []jirasim.User
	Issues   []jirasim.Issue // by id, which is also by time of creation; parents before children

	people map[string]jirasim.User // by account id
	teams  map[string][]string     // account ids by project key; the lead first
	titles map[string]bool         // every title that was ever given
	live   []int64                 // ids of issues that were not seen to be gone
}

const historyMonths = 18

// Found makes a company with so many issues and a history of 18 months up to now.
// The same arguments make the same company.
func Found(seed uint64, now time.Time, issues int) *Company {
	r := rand.New(rand.NewPCG(seed, 0x7a110)) // the second half only has to be constant
	c := &Company{
		Name:   "Tallow & Finch",
		People: hire(r),
		people: make(map[string]jirasim.User),
		teams:  make(map[string][]string),
		titles: make(map[string]bool, issues),
	}
	for _, p := range c.People {
		c.people[p.AccountID] = p
	}
	c.formTeams(r)
	h := &historian{c: c, r: r, now: now.Truncate(time.Millisecond)}
	var drafts []*draft
	for i, t := range trades() {
		drafts = append(drafts, h.project(t, portion(issues, i))...)
	}
	c.number(r, drafts)
	return c
}

// formTeams gives each project a team and a lead. Everybody is in one team, and
// some in a second.
func (c *Company) formTeams(r *rand.Rand) {
	all := trades()
	for i, j := range r.Perm(len(c.People)) {
		account := c.People[j].AccountID
		home := all[i%len(all)].key
		c.teams[home] = append(c.teams[home], account)
		if second := pick(r, all).key; r.IntN(4) == 0 && second != home {
			c.teams[second] = append(c.teams[second], account)
		}
	}
	for i, t := range all {
		c.Projects = append(c.Projects, jirasim.Project{
			ID: strconv.Itoa(10000 + i), Key: t.key, Name: t.name, Description: t.about, Lead: c.teams[t.key][0],
		})
	}
}

// portion is how many of n issues the trade with the given index gets, so that all
// get n together.
func portion(n, index int) int {
	total, before := 0, 0
	for i, t := range trades() {
		if i < index {
			before += t.share
		}
		total += t.share
	}
	through := before + trades()[index].share
	return n*through/total - n*before/total
}

// number gives ids and keys in the order of creation, as Jira does, with a gap here
// and there for what was deleted since.
func (c *Company) number(r *rand.Rand, drafts []*draft) {
	slices.SortStableFunc(drafts, func(a, b *draft) int { return a.Created.Compare(b.Created) })
	id, numbers := int64(10000), map[string]int{}
	for _, d := range drafts {
		id += 1 + int64(r.IntN(20)/19)
		numbers[d.ProjectKey] += 1 + r.IntN(20)/19
		d.ID, d.Key = id, fmt.Sprintf("%s-%d", d.ProjectKey, numbers[d.ProjectKey])
		if d.parent != nil {
			d.Parent = d.parent.Key // numbered before: it was created before
		}
		c.Issues = append(c.Issues, d.Issue)
		c.live = append(c.live, id)
	}
}

// Settle puts the company into the server, which must not know any of its keys.
func (c *Company) Settle(s *jirasim.Server) {
	for _, p := range c.People {
		s.AddUser(p)
	}
	for _, p := range c.Projects {
		s.AddProject(p)
	}
	for _, i := range c.Issues {
		s.AddIssue(i)
	}
}

// title says what no issue was called before, where the words allow it.
func (c *Company) title(r *rand.Rand, about *theme, symbol string) string {
	var title string
	for range 40 {
		if title = about.voice.say(r, symbol); !c.titles[title] {
			break
		}
	}
	c.titles[title] = true
	return title
}

// name of the person with the account id.
func (c *Company) name(account string) string {
	return cmp.Or(c.people[account].DisplayName, account)
}
