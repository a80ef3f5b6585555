package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ferry/bench/simulator"
	"ferry/jira"
)

// every issue of the site, in an order that does not change while it is walked.
const every = `created >= "1970-01-01" ORDER BY id ASC`

// way is one way of reading all issues; it returns how many it has read.
type way struct {
	name string
	read func(context.Context, *jira.Client) (int, error)
}

func ways(fields []string) []way {
	return []way{
		{"pages of 50, all fields (Ocean's way)", pages(50, []string{"*all"})},
		{"pages of 100, the default mapping's fields", pages(100, fields)},
		{"sweep and bulk fetch, the default mapping's fields", sweep(fields)},
	}
}

// measure reads with a client of its own, whose connections no other way has warmed.
func (w way) measure(ctx context.Context, sim simulator.Process, want int) (result, error) {
	auth, err := jira.Basic(simulator.Email, simulator.Token)
	if err != nil {
		return result{}, err
	}
	client, err := jira.New(sim.URL, auth, jira.Config{Reserve: -1})
	if err != nil {
		return result{}, err
	}
	started := time.Now()
	n, err := w.read(ctx, client)
	r := result{time.Since(started), client.Stats()}
	if err == nil && n != want {
		err = fmt.Errorf("read %d issues of %d", n, want)
	}
	return r, err
}

func pages(size int, fields []string) func(context.Context, *jira.Client) (int, error) {
	return func(ctx context.Context, client *jira.Client) (n int, err error) {
		for page, err := range client.SearchIssues(ctx, jira.IssueQuery{JQL: every, Fields: fields, PageSize: size}) {
			if err != nil {
				return n, err
			}
			n += len(page.Items)
		}
		return n, nil
	}
}

// perCall is how many issues one bulk fetch reads.
const perCall = 100

// sweep reads ids, 5000 a page, and fetches what it has found while it goes on. The client bounds
// how many requests are under way.
func sweep(fields []string) func(context.Context, *jira.Client) (int, error) {
	return func(ctx context.Context, client *jira.Client) (int, error) {
		var n atomic.Int64
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(20) // twice what the client lets out, so that a fetch waits wherever a place comes free
		for page, err := range client.SearchIssues(ctx, jira.IssueQuery{JQL: every}) {
			if err != nil {
				return int(n.Load()), errors.Join(err, group.Wait())
			}
			ids, err := idsOf(page.Items)
			if err != nil {
				return int(n.Load()), errors.Join(err, group.Wait())
			}
			for len(ids) > 0 {
				some := ids[:min(perCall, len(ids))]
				ids = ids[len(some):]
				group.Go(func() error {
					bulk, err := client.BulkFetch(ctx, jira.BulkQuery{IDs: some, Fields: fields})
					n.Add(int64(len(bulk.Issues)))
					return err
				})
			}
		}
		err := group.Wait()
		return int(n.Load()), err
	}
}

func idsOf(issues []json.RawMessage) ([]string, error) {
	ids := make([]string, len(issues))
	for i, raw := range issues {
		var issue struct{ ID string }
		if err := json.Unmarshal(raw, &issue); err != nil {
			return nil, err
		}
		ids[i] = issue.ID
	}
	return ids, nil
}
