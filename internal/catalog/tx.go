package catalog

import (
	"context"
	"strings"
)

// tx is the transaction being written.
type tx struct {
	*session
	s   *Store // nil in what an Inbox writes
	ctx context.Context
	// tell: what is written is for whoever reads Jira to look at, once it is committed.
	tell bool
}

func (t *tx) integration() int64 { return t.session.integration }

func (t *tx) exec(query string, args ...any) error {
	_, err := t.session.exec(t.ctx, query, args)
	return err
}

// query calls row for each row. row scans what it wants, and asks for nothing else meanwhile.
func (t *tx) query(query string, args []any, row func(scan func(...any) error) error) error {
	return t.session.query(t.ctx, query, args, row)
}

// chunk sizes: a list of any length is cut into these, so that only a few statements of each
// form exist, all of them kept prepared.
var chunks = []int{64, 16, 4, 1}

// insert writes rows of width values each: head, then one group of placeholders a row, then tail.
func (t *tx) insert(head string, width int, tail string, values []any) error {
	group := "(" + placeholders(width) + ")"
	return inChunks(len(values)/width, func(from, n int) error {
		text := head + " VALUES " + group + strings.Repeat(", "+group, n-1) + " " + tail
		return t.exec(text, values[from*width:(from+n)*width]...)
	})
}

// in runs a statement whose text has one %s, for the placeholders of a chunk of list. The
// arguments of fixed come before the list's.
func in[T any](list []T, fixed []any, run func(placeholders string, args []any) error) error {
	return inChunks(len(list), func(from, n int) error {
		args := make([]any, 0, len(fixed)+n)
		args = append(args, fixed...)
		for _, v := range list[from : from+n] {
			args = append(args, v)
		}
		return run(placeholders(n), args)
	})
}

func inChunks(n int, run func(from, n int) error) error {
	from := 0
	for _, size := range chunks {
		for n-from >= size {
			if err := run(from, size); err != nil {
				return err
			}
			from += size
		}
	}
	return nil
}

func placeholders(n int) string { return "?" + strings.Repeat(", ?", n-1) }

// queryIn is query for a list: text has one %s for its placeholders.
func queryIn[T any](t *tx, text string, fixed []any, list []T, row func(scan func(...any) error) error) error {
	return in(list, fixed, func(placeholders string, args []any) error {
		return t.query(strings.Replace(text, "%s", placeholders, 1), args, row)
	})
}

// execIn is exec for a list: text has one %s for its placeholders.
func execIn[T any](t *tx, text string, fixed []any, list []T) error {
	return in(list, fixed, func(placeholders string, args []any) error {
		return t.exec(strings.Replace(text, "%s", placeholders, 1), args...)
	})
}
