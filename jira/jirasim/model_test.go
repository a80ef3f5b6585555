package jirasim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"ferry/jira/jirasim"

	"pgregory.net/rapid"
)

// companion is what a site should hold, kept in the simplest way.
type companion struct {
	site   *jirasim.Server
	issues map[string]*expected // by id
	taken  map[string]bool      // every key there ever was
}

type expected struct {
	id, key, parent string // parent is an id
	subtask         bool
}

// Whatever people do to the site, searches, bulk reads, single reads and the
// relations between issues agree with each other and with the model.
func TestEveryAnswerAgreesAfterAnyHistory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &companion{site: jirasim.New(jirasim.Config{IDPageLimit: 3}), issues: map[string]*expected{}, taken: map[string]bool{}}
		for _, key := range []string{"A", "B"} {
			m.site.AddProject(jirasim.Project{Key: key})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add":    m.add,
			"move":   func(rt *rapid.T) { m.move(rt, m.pick(rt)) },
			"delete": func(rt *rapid.T) { m.remove(rt, m.pick(rt)) },
			"update": func(rt *rapid.T) {
				i := m.pick(rt)
				m.site.Update(i.key, func(i *jirasim.Issue) { i.Summary += "x" })
			},
			"check": func(rt *rapid.T) { m.check(t, rt) }, // not after every step: it costs more than the others together
		})
		m.check(t, rt)
	})
}

func (m *companion) pick(rt *rapid.T) *expected {
	if len(m.issues) == 0 {
		rt.Skip("no issue yet")
	}
	return m.issues[rapid.SampledFrom(slices.Sorted(maps.Keys(m.issues))).Draw(rt, "issue")]
}

func (m *companion) add(rt *rapid.T) {
	issue, want := jirasim.Issue{ProjectKey: rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "project")}, &expected{}
	if len(m.issues) > 0 && rapid.Bool().Draw(rt, "child") {
		above := m.pick(rt)
		issue.Parent, want.parent = above.key, above.id
		if want.subtask = rapid.Bool().Draw(rt, "subtask"); want.subtask {
			issue.Type, issue.ProjectKey = "Sub-task", strings.Split(above.key, "-")[0]
		}
	}
	added := m.site.AddIssue(issue)
	want.id, want.key = fmt.Sprint(added.ID), added.Key
	m.issues[want.id] = want
	m.take(rt, want.key)
}

// take checks that no key is ever given twice.
func (m *companion) take(rt *rapid.T, key string) {
	if m.taken[key] {
		rt.Fatalf("the key %s was given twice", key)
	}
	m.taken[key] = true
}

func (m *companion) below(id string) []*expected {
	var all []*expected
	for _, id2 := range slices.Sorted(maps.Keys(m.issues)) {
		if m.issues[id2].parent == id {
			all = append(all, m.issues[id2])
		}
	}
	return all
}

func (m *companion) move(rt *rapid.T, i *expected) {
	to := rapid.SampledFrom([]string{"A", "B"}).Draw(rt, "to")
	former := i.key
	got := m.site.Move(i.key, to)
	if _, ok := m.site.Issue(former); !ok || !strings.HasPrefix(got, to+"-") {
		rt.Fatalf("Move(%s, %s) = %q; is the former key still known: %v", former, to, got, ok)
	}
	m.follow(rt, i)
}

// follow reads the keys that a move gave to the issue and its sub-tasks.
func (m *companion) follow(rt *rapid.T, i *expected) {
	now, ok := m.site.Issue(i.id)
	if !ok {
		rt.Fatalf("issue %s is gone", i.id)
	}
	i.key = now.Key
	m.take(rt, i.key)
	for _, child := range m.below(i.id) {
		if child.subtask {
			m.follow(rt, child)
		}
	}
}

func (m *companion) remove(rt *rapid.T, i *expected) {
	if !m.site.Delete(i.key) {
		rt.Fatalf("Delete(%s) = false", i.key)
	}
	m.forget(i)
}

func (m *companion) forget(i *expected) {
	delete(m.issues, i.id)
	for _, child := range m.below(i.id) {
		if child.subtask {
			m.forget(child)
			continue
		}
		child.parent = ""
	}
}

func (m *companion) check(t *testing.T, rt *rapid.T) {
	want := slices.Sorted(maps.Keys(m.issues))
	if got := m.walk(t); !slices.Equal(got, want) {
		rt.Fatalf("a walk finds %v, want %v", got, want)
	}
	if len(want) == 0 {
		return
	}
	r := ask(t, m.site, "POST /rest/api/3/issue/bulkfetch", fmt.Sprintf(`{"issueIdsOrKeys":["%s"],"fields":["project","parent","subtasks"]}`, strings.Join(want, `","`)))
	var page struct{ Issues []whole }
	r.decode(t, &page)
	if len(page.Issues) != len(want) {
		rt.Fatalf("bulkfetch = %.500s, want %d issues", r.body, len(want))
	}
	for at, id := range want { // the ids are of one length: sorted as text is sorted as numbers
		i, got := m.issues[id], page.Issues[at]
		if got.Key != i.key || got.Fields.Project.Key != strings.Split(i.key, "-")[0] {
			rt.Fatalf("issue %s is %s in %s, want %s", i.id, got.Key, got.Fields.Project.Key, i.key)
		}
		if above := m.issues[i.parent]; (above == nil) != (got.Fields.Parent == nil) || above != nil && got.Fields.Parent.Key != above.key {
			rt.Fatalf("the parent of %s is %v, want %v", i.key, got.Fields.Parent, above)
		}
		subtasks := 0
		for _, child := range m.below(i.id) {
			if child.subtask {
				subtasks++
			}
		}
		if len(got.Fields.Subtasks) != subtasks {
			rt.Fatalf("%s has %d sub-tasks, want %d", i.key, len(got.Fields.Subtasks), subtasks)
		}
	}
}

// walk searches page by page.
func (m *companion) walk(t *testing.T) []string {
	var ids []string
	for token := ""; ; {
		f := search(t, m.site, `{"jql":"project in (A, B)"`+token+`}`)
		for _, i := range f.Issues {
			ids = append(ids, i.ID)
		}
		if f.NextPageToken == nil {
			slices.Sort(ids)
			return ids
		}
		token = `,"nextPageToken":"` + *f.NextPageToken + `"`
	}
}
