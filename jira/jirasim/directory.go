package jirasim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ServeDir adds the real payloads of a directory: dir/issue/*.json and
// dir/project/*.json, each one object as Jira's API gave it. They are served byte for
// byte, and cut down only where a request asks for less than everything. Searches
// see their usual fields. Projects that only the issues name are added too.
//
// Of Data Center it takes dir/all_projects.json, the answer to GET project, with
// dir/project.json, one project whole, and dir/issues_in_sprint.json, a page of issues.
func (s *Server) ServeDir(dir string) error {
	projects, err := readDir(filepath.Join(dir, "project"), readProject)
	if err != nil {
		return err
	}
	issues, err := readDir(filepath.Join(dir, "issue"), readIssue)
	if err != nil {
		return err
	}
	more, err := readLists(dir)
	if err != nil {
		return err
	}
	projects, issues = append(projects, more.projects...), append(issues, more.issues...)
	if len(projects)+len(issues) == 0 {
		return fmt.Errorf("jirasim: neither %s nor %s holds a .json file, nor is there a list of them", filepath.Join(dir, "project"), filepath.Join(dir, "issue"))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range projects {
		if s.projects[p.Key] != nil {
			return fmt.Errorf("jirasim: project %s of %s is there already", p.Key, dir)
		}
		s.addProject(p)
	}
	for _, i := range issues {
		if s.find(i.Key) != nil || s.issues[i.ID] != nil {
			return fmt.Errorf("jirasim: issue %s of %s is there already", i.Key, dir)
		}
		s.addRaw(i)
	}
	return nil
}

// readDir reads every JSON file of a directory, none where it does not exist.
func readDir[T any](dir string, read func(json.RawMessage) (T, error)) ([]T, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []T
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		one, err := read(raw)
		if err != nil {
			return nil, fmt.Errorf("jirasim: %s: %w", name, err)
		}
		all = append(all, one)
	}
	return all, nil
}

func readProject(raw json.RawMessage) (Project, error) {
	var p struct {
		ID, Key, Name, ProjectTypeKey string
		Simplified                    bool
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return Project{}, err
	}
	if p.ID == "" || p.Key == "" {
		return Project{}, errors.New("a project needs an id and a key")
	}
	return Project{ID: p.ID, Key: p.Key, Name: p.Name, Type: p.ProjectTypeKey, TeamManaged: p.Simplified, Raw: raw}, nil
}

// searchable is what searches need of a payload.
type searchable struct {
	ID, Key string
	Fields  struct {
		Summary                     string
		Project                     struct{ ID, Key, Name, ProjectTypeKey string }
		IssueType                   struct{ Name string }
		Priority, Resolution        struct{ Name string }
		Parent                      struct{ Key string }
		Labels                      []string
		Components                  []struct{ Name string }
		Creator, Reporter, Assignee person
		Created, Updated            string
		ResolutionDate              string
		Status                      struct {
			Name           string
			StatusCategory struct{ Key string }
		}
	}
}

// person is somebody as Cloud tells of them, or as Data Center: by name and key.
type person struct{ AccountID, Name, Key, DisplayName, EmailAddress string }

func (p person) account() string { return cmp.Or(p.AccountID, p.Name) }

// payload is an issue of a directory with what is not in Issue.
type payload struct {
	Issue
	project Project
	people  []User
}

func readIssue(raw json.RawMessage) (payload, error) {
	var r searchable
	if err := json.Unmarshal(raw, &r); err != nil {
		return payload{}, err
	}
	f := r.Fields
	id, err := strconv.ParseInt(r.ID, 10, 64)
	if _, _, ok := cutKey(r.Key); err != nil || !ok {
		return payload{}, fmt.Errorf("an issue needs a numeric id and a key, not %q and %q", r.ID, r.Key)
	}
	i := Issue{ID: id, Key: r.Key, ProjectKey: f.Project.Key, Summary: f.Summary, Type: f.IssueType.Name,
		Status: f.Status.Name, StatusCategory: f.Status.StatusCategory.Key, Priority: f.Priority.Name,
		Resolution: f.Resolution.Name, Parent: f.Parent.Key, Labels: f.Labels,
		Creator: f.Creator.account(), Reporter: f.Reporter.account(), Assignee: f.Assignee.account(), Raw: raw}
	for _, c := range f.Components {
		i.Components = append(i.Components, c.Name)
	}
	for text, at := range map[string]*time.Time{f.Created: &i.Created, f.Updated: &i.Updated, f.ResolutionDate: &i.Resolved} {
		if *at, err = readTime(text); err != nil {
			return payload{}, err
		}
	}
	out := payload{Issue: i, project: Project{ID: f.Project.ID, Key: f.Project.Key, Name: f.Project.Name, Type: f.Project.ProjectTypeKey}}
	for _, u := range []person{f.Creator, f.Reporter, f.Assignee} {
		out.people = append(out.people, User{AccountID: u.account(), Name: u.Name, Key: u.Key, DisplayName: u.DisplayName, Email: u.EmailAddress})
	}
	return out, nil
}

func readTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse("2006-01-02T15:04:05.000-0700", text)
}

func (s *Server) addRaw(p payload) {
	for _, u := range p.people {
		if u.AccountID != "" && s.users[u.AccountID] == nil {
			s.putUser(u)
		}
	}
	p.ProjectKey = cmp.Or(p.ProjectKey, p.project.Key)
	if p.ProjectKey != "" && s.projects[p.ProjectKey] == nil {
		s.addProject(p.project)
	}
	s.addIssue(p.Issue)
}
