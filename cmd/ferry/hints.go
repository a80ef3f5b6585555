package main

import (
	"errors"
	"io/fs"

	"ferry/internal/port"
	"ferry/jira"
)

// hinted adds to an error what can be done about it by settings, which the packages that gave it do not know.
func hinted(err error, set settings) error {
	if hints := hintsFor(err, set); len(hints) > 0 {
		return errors.Join(err, &ending{code: exitFailure, hints: hints})
	}
	return err
}

func hintsFor(err error, set settings) (hints []string) {
	const unanswered = " gave no answer: check "
	if e, ok := errors.AsType[*jira.Error](err); ok && e.Status == 0 {
		hints = append(hints, "Jira at "+set.JiraHost+unanswered+jiraHost+" and the network")
	}
	if e, ok := errors.AsType[*port.Error](err); ok && e.Status == 0 {
		hints = append(hints, "Port at "+set.PortBaseURL+unanswered+portBaseURL+" and the network")
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		hints = append(hints, "give a directory that can be written: --data-dir, or "+dataDir)
	}
	return hints
}
