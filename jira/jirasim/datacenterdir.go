package jirasim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// lists are what the files of a directory hold together, as answers of Data Center
// are kept: many objects in one file.
type lists struct {
	projects []Project
	issues   []payload
}

// readLists reads those of the files that are there.
func readLists(dir string) (lists, error) {
	var all lists
	var projects []json.RawMessage
	if err := readJSON(filepath.Join(dir, "all_projects.json"), &projects); err != nil {
		return all, err
	}
	var page struct{ Issues []json.RawMessage }
	if err := readJSON(filepath.Join(dir, "issues_in_sprint.json"), &page); err != nil {
		return all, err
	}
	var whole json.RawMessage
	if err := readJSON(filepath.Join(dir, "project.json"), &whole); err != nil {
		return all, err
	}
	var err error
	if all.projects, err = listed(projects, whole); err != nil {
		return all, fmt.Errorf("jirasim: the projects of %s: %w", dir, err)
	}
	for _, raw := range page.Issues {
		i, err := readIssue(raw)
		if err != nil {
			return all, fmt.Errorf("jirasim: the issues of %s: %w", dir, err)
		}
		all.issues = append(all.issues, i)
	}
	return all, nil
}

// readJSON leaves into as it is where there is no such file.
func readJSON(name string, into any) error {
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("jirasim: %s: %w", name, err)
	}
	return nil
}

// listed are the projects of a list, and the one that is there whole, which may be
// among them.
func listed(list []json.RawMessage, whole json.RawMessage) ([]Project, error) {
	var all []Project
	for _, raw := range list {
		p, err := readProject(raw)
		if err != nil {
			return nil, err
		}
		p.Raw, p.RawListed = nil, raw
		all = append(all, p)
	}
	if whole == nil {
		return all, nil
	}
	one, err := readProject(whole)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if all[i].Key == one.Key {
			all[i].Raw = whole
			return all, nil
		}
	}
	return append(all, one), nil
}
