package mapping

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrLimit is in the chain of a [Fault] whose expression ran out of its steps,
// its time or its memory.
var ErrLimit = errors.New("out of limits")

// A Fault is why one item could not be mapped. What the item made before must
// then stay as it is, because nothing is known about it now.
type Fault struct {
	Resource string // "resource 4 (issue)"
	Field    string // "selector.query", "identifier", "itemsToParse", …
	Expr     string // the expression, cut to a readable length; "" where none is to blame
	Err      error  // jq's message, or what was wrong with the result
}

func (f *Fault) Error() string {
	if f.Expr == "" {
		return fmt.Sprintf("%s: %s: %v", f.Resource, f.Field, f.Err)
	}
	return fmt.Sprintf("%s: %s: %q: %v", f.Resource, f.Field, f.Expr, f.Err)
}

// Unwrap gives the cause, for errors.Is with [ErrLimit] or a context's error.
func (f *Fault) Unwrap() error { return f.Err }

// A ParseError says everything that makes a mapping unusable.
type ParseError struct {
	Name   string
	Faults []string // each "name:line:col: key.path: sentence"
}

func (e *ParseError) Error() string {
	if len(e.Faults) == 1 {
		return e.Faults[0]
	}
	return fmt.Sprintf("%s: %d faults:\n%s", e.Name, len(e.Faults), strings.Join(e.Faults, "\n"))
}

// cut shortens an expression for a message, at a rune's border.
func cut(s string) string {
	const most = 120
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	end := most
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
