package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"ferry/jira"
)

// archivedField tells when an issue was archived, null for one that was not. Data Center has it
// since version 8.1. An issue that was archived, by itself or with its project, is in no search any
// more, and can still be read by id:
// https://developer.atlassian.com/server/jira/platform/jira-archiver/
const archivedField = "archiveddate"

// stateFields are the fields to read of an issue so that searchable can tell its state too.
func (s *Source) stateFields(ctx context.Context, fields []string) ([]string, error) {
	dataCenter, err := s.NeedsReading(ctx)
	if err != nil || !dataCenter || slices.Contains(fields, "*all") {
		return fields, err
	}
	return append(slices.Clone(fields), archivedField), nil
}

// searchable are those of the issues that are not archived, as they were read directly.
func (s *Source) searchable(ctx context.Context, ids []string, read Answer) ([]string, error) {
	archived := map[string]bool{} // by project
	var open []string
	for _, id := range ids {
		var issue struct {
			Fields struct {
				Project  struct{ ID string }
				Archived *string `json:"archiveddate"`
			}
		}
		if err := json.Unmarshal(read.Items[id], &issue); err != nil {
			return nil, fmt.Errorf("issue %s: %w", id, err)
		}
		project := issue.Fields.Project.ID
		if _, known := archived[project]; !known {
			var err error
			if archived[project], err = s.archived(ctx, project); err != nil {
				return nil, err
			}
		}
		if issue.Fields.Archived == nil && !archived[project] {
			open = append(open, id)
		}
	}
	return open, nil
}

// archived tells whether a project says of itself that it is archived.
func (s *Source) archived(ctx context.Context, project string) (bool, error) {
	if project == "" {
		return false, nil
	}
	raw, err := s.client.Project(ctx, project)
	if errors.Is(err, jira.ErrNotFound) || errors.Is(err, jira.ErrForbidden) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	live, err := Live(raw)
	return !live, err
}
