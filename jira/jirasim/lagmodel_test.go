package jirasim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ferry/jira/jirasim"

	"pgregory.net/rapid"
)

// moment is the site at the end of a second: its issues by id.
type moment map[string]jirasim.Issue

// shown is what a search of an index without a lag would have given then: every id of
// the project, and what a page with fields has of those that can still be read.
func (m moment) shown(project string, now moment) string {
	var ids, fields []string
	for _, id := range slices.Sorted(maps.Keys(m)) {
		if i := m[id]; i.ProjectKey == project {
			ids = append(ids, id)
			if _, ok := now[id]; ok {
				fields = append(fields, i.Key+" "+i.Summary)
			}
		}
	}
	return strings.Join(ids, " ") + " | " + strings.Join(fields, ", ")
}

func searched(t *testing.T, s *jirasim.Server, project string) string {
	t.Helper()
	var ids, fields []string
	for _, i := range search(t, s, `{"jql":"project = `+project+`"}`).Issues {
		ids = append(ids, i.ID)
	}
	for _, i := range search(t, s, `{"jql":"project = `+project+`","fields":["summary"]}`).Issues {
		fields = append(fields, i.Key+" "+strings.Trim(string(i.Fields["summary"]), `"`))
	}
	return strings.Join(ids, " ") + " | " + strings.Join(fields, ", ")
}

// Whatever happens, a search shows the site as it was the lag ago.
func TestALaggingIndexIsThePast(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lag := time.Duration(rapid.IntRange(1, 4).Draw(rt, "seconds")) * time.Second
		now, present, past := noon, moment{}, map[time.Time]moment{}
		s := jirasim.New(jirasim.Config{IndexLag: lag, Clock: func() time.Time { return now }})
		s.AddProject(jirasim.Project{Key: "A"})
		s.AddProject(jirasim.Project{Key: "B"})
		change := func(act func(id string)) func(*rapid.T) {
			return func(rt *rapid.T) {
				if len(present) == 0 {
					rt.Skip("no issue yet")
				}
				id := rapid.SampledFrom(slices.Sorted(maps.Keys(present))).Draw(rt, "issue")
				act(id)
				if i, ok := s.Issue(id); ok {
					present[id] = i
				} else {
					delete(present, id)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				i := s.AddIssue(jirasim.Issue{ProjectKey: "A", Summary: "s"})
				present[fmt.Sprint(i.ID)] = i
			},
			"update": change(func(id string) { s.Update(id, func(i *jirasim.Issue) { i.Summary += "x" }) }),
			"move":   change(func(id string) { s.Move(id, "B") }),
			"delete": change(func(id string) { s.Delete(id) }),
			"pass": func(rt *rapid.T) {
				past[now] = maps.Clone(present)
				now = now.Add(time.Second)
				for _, project := range []string{"A", "B"} {
					if got, want := searched(t, s, project), past[now.Add(-lag)].shown(project, present); got != want {
						rt.Fatalf("project %s shows %q, want %q", project, got, want)
					}
				}
			},
		})
	})
}
