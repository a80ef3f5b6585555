package portsim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ferry/internal/port/portsim"
)

// model is a Port of issues that relate to issues, in a few lines.
type model map[string]map[string]any // identifier to relations, "parent" a string, "subtasks" a list

func (m model) write(id string, relations map[string]any, merge bool) {
	if m[id] == nil || !merge {
		m[id] = map[string]any{}
	}
	maps.Copy(m[id], relations)
	for _, target := range targets(relations) {
		if m[target] == nil {
			m[target] = map[string]any{}
		}
	}
}

func targets(relations map[string]any) []string {
	var all []string
	if parent, ok := relations["parent"].(string); ok {
		all = append(all, parent)
	}
	if subtasks, ok := relations["subtasks"].([]any); ok {
		for _, one := range subtasks {
			all = append(all, one.(string))
		}
	}
	return all
}

// remove takes what relates to a removed one along, until nothing does.
func (m model) remove(ids []string) {
	for len(ids) > 0 {
		for _, id := range ids {
			delete(m, id)
		}
		gone := ids
		ids = nil
		for id, relations := range m {
			if slices.ContainsFunc(targets(relations), func(to string) bool { return slices.Contains(gone, to) }) {
				ids = append(ids, id)
			}
		}
	}
}

// Any series of writes and cascading deletes leaves what the model says.
func TestWritesAndDeletesFollowTheModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d, m := open(t, portsim.Config{}), model{}
		id := rapid.SampledFrom([]string{"A", "B", "C", "D", "E", "F"})
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			if rapid.IntRange(0, 4).Draw(r, "what") == 0 {
				ids := rapid.SliceOfN(id, 1, 2).Draw(r, "gone")
				ids = slices.DeleteFunc(ids, func(id string) bool { return m[id] == nil })
				d.send("POST", "/v1/blueprints/issue/bulk/entities/delete?delete_dependents=true", `{"entities":["`+strings.Join(append(ids, "NONE"), `","`)+`"]}`)
				m.remove(ids)
				continue
			}
			relations := map[string]any{}
			if rapid.Bool().Draw(r, "has parent") {
				relations["parent"] = any(id.Draw(r, "parent"))
			}
			if rapid.Bool().Draw(r, "has subtasks") {
				list := []any{}
				for _, one := range rapid.SliceOfN(id, 0, 3).Draw(r, "subtasks") {
					list = append(list, one)
				}
				relations["subtasks"] = list
			}
			text, err := json.Marshal(relations)
			if err != nil {
				r.Fatal(err)
			}
			key, merge := id.Draw(r, "id"), rapid.Bool().Draw(r, "merge")
			query := fmt.Sprintf("?upsert=true&create_missing_related_entities=true&merge=%t", merge)
			if _, errors := d.put("issue", query, `{"identifier":"`+key+`","relations":`+string(text)+`}`); len(errors) > 0 {
				r.Fatal(errors)
			}
			m.write(key, relations, merge)
		}
		got := model{}
		for _, e := range d.sim.Entities("issue") {
			got[e.Identifier] = e.Relations
		}
		if diff := cmp.Diff(m, got); diff != "" {
			r.Fatalf("issues (-model +port)\n%s", diff)
		}
	})
}
