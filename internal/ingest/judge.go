package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"ferry/internal/catalog"
	"ferry/internal/source"
)

// judge decides what becomes of the items that this run's complete listings do not hold, and of
// those that they hold and a direct read does not give. Nothing goes without proof:
//
//   - an item that Jira still gives when asked by id loses the claims of the queries that,
//     asked about it afresh, no longer select it;
//   - an item that Jira does not give by id is gone, if Jira afterwards still knows us as the
//     account we were when we could see it, and if we still see anything else of its project;
//   - a project that vanished with all its issues is gone only if it is proved to be deleted,
//     archived or empty. Otherwise it is what a lost permission looks like, and waits for a person.
func (t *reading) judge(ctx context.Context, unread []unread) error {
	rows := map[string]catalog.Dirty{}
	for _, u := range unread {
		rows[u.row.ID] = u.row
	}
	defer func() { t.Store.Release(slices.Collect(maps.Values(rows))) }()
	if !t.MayDelete {
		return nil
	}
	missing := absent{}
	for _, u := range unread {
		missing[u.row.ID] = u.number
	}
	if err := t.askSuspects(ctx, missing); err != nil {
		return err
	}
	if len(missing) == 0 {
		return nil
	}
	if err := t.sameAccount(ctx); err != nil {
		return err
	}
	return t.removeAbsent(ctx, missing, rows)
}

// absent are items that a direct read did not give, with the read's number.
type absent map[string]catalog.ReadNumber

// unread is a dirty row whose item a direct read did not give.
type unread struct {
	row    catalog.Dirty
	number catalog.ReadNumber
}

// sameAccount makes an empty answer mean something: it was given to the account that we are.
func (t *reading) sameAccount(ctx context.Context) error {
	account, err := t.Source.Account(ctx)
	if err != nil {
		return err
	}
	if account != t.Account {
		return fmt.Errorf("Jira's account changed from %s to %s while it was read: nothing was deleted; run again", t.Account, account)
	}
	return nil
}

// askSuspects reads the items that complete listings no longer hold, and adds to missing those
// that Jira does not give.
func (t *reading) askSuspects(ctx context.Context, missing absent) error {
	for _, l := range t.states {
		if l.state != catalog.ListingComplete {
			continue
		}
		after := ""
		for {
			suspects, err := t.Store.Suspects(ctx, t.listingRow(t.Reading, l.Query), l.Resources, after, source.MaxGet)
			if err != nil {
				return err
			}
			if len(suspects) == 0 {
				break
			}
			after = suspects[len(suspects)-1].ID
			if err := t.askAbout(ctx, suspects, missing); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *reading) askAbout(ctx context.Context, suspects []catalog.Suspect, missing absent) error {
	var ids []string
	for _, s := range suspects {
		if _, known := missing[s.ID]; !known {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	number := t.Store.NextRead()
	answer, err := t.get(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range answer.Absent(ids) {
		missing[id] = number
	}
	given := slices.Sorted(maps.Keys(answer.Items))
	asked := map[string]membership{}
	if err := t.stillSelected(ctx, given, answer, asked); err != nil {
		return err
	}
	b := catalog.Batch{Number: number}
	for _, id := range given {
		item, err := t.item(ctx, answer.Items[id], asked[id])
		if err != nil {
			return err
		}
		b.Items = append(b.Items, item)
	}
	return t.apply(ctx, b)
}

// get reads items by id.
func (t *reading) get(ctx context.Context, ids []string) (source.Answer, error) {
	if t.Kind == source.Issue {
		return t.Source.Issues(ctx, t.Reading, ids, false)
	}
	answer := source.Answer{Items: map[string]json.RawMessage{}}
	for _, id := range ids {
		raw, err := t.Source.Project(ctx, t.Reading, id)
		if err != nil {
			return answer, err
		}
		if raw != nil {
			answer.Items[id] = raw
		}
	}
	return answer, nil
}

// stillSelected says of items that were given by id which queries select them. A project is
// selected while it is live; its own state says so.
func (t *reading) stillSelected(ctx context.Context, ids []string, answer source.Answer, into map[string]membership) error {
	if t.Kind == source.Issue {
		_, err := t.match(ctx, ids, into)
		return err
	}
	for _, id := range ids {
		live, err := source.Live(answer.Items[id])
		if err != nil {
			return err
		}
		if live {
			into[id] = membership{selecting: t.Mask()}
		} else {
			into[id] = membership{rejecting: t.Mask()}
		}
	}
	return nil
}

// removeAbsent applies that the absent items are gone, Jira project by Jira project.
func (t *reading) removeAbsent(ctx context.Context, missing absent, rows map[string]catalog.Dirty) error {
	byProject, err := t.Store.ByContainer(ctx, t.Name, "", slices.Sorted(maps.Keys(missing)))
	if err != nil {
		return err
	}
	for _, project := range slices.Sorted(maps.Keys(byProject)) {
		ids := byProject[project]
		lost, err := t.lost(ctx, project, missing)
		if err != nil {
			return err
		}
		if lost {
			err = t.waits(ctx, project, ids)
		} else {
			err = t.remove(ctx, ids, missing, rows)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lost tells whether absent items look like a lost permission: nothing else is seen of their Jira
// project, and the project is not proved to have gone. What is seen is asked afresh, after the
// reads that did not give the items: what the catalogue knows of the project was seen before.
// Items of which nothing is known (they were listed and never given) lie in no project; there is
// nothing to lose with them.
func (t *reading) lost(ctx context.Context, project string, missing absent) (bool, error) {
	if t.Accept || project == "" {
		return false, nil
	}
	if t.Kind == source.Issue {
		seen, err := t.Source.Sees(ctx, project, func(id string) bool { _, is := missing[id]; return !is })
		if seen || err != nil {
			return false, err
		}
	}
	departed, err := t.Source.Departed(ctx, project)
	return !departed, err
}

func (t *reading) waits(ctx context.Context, project string, ids []string) error {
	t.result.Waiting++
	example, err := t.Store.Example(ctx, t.Name, "", ids[0])
	if err != nil {
		return err
	}
	what := fmt.Sprintf("all issues of the Jira project with id %s (%d, such as %s)", project, len(ids), example)
	if t.Kind == source.Project {
		what = fmt.Sprintf("the Jira project with id %s (%s)", project, example)
	}
	reason := "can no longer be seen, and Jira lists the project neither as deleted nor as archived: " +
		"this is what a lost permission looks like, so nothing was deleted; give the account its permission back, or, if they are really gone, run `ferry sync --accept-deletions`"
	return t.aside(ctx, catalog.AsideDecision, what, t.Kind, reason)
}

// remove applies that items are gone, under the numbers of the reads that did not give them:
// what a later read saw of them stands.
func (t *reading) remove(ctx context.Context, ids []string, missing absent, rows map[string]catalog.Dirty) error {
	byRead := map[catalog.ReadNumber]*catalog.Batch{}
	for _, id := range ids {
		b := byRead[missing[id]]
		if b == nil {
			b = &catalog.Batch{Number: missing[id]}
			byRead[missing[id]] = b
		}
		b.Items = append(b.Items, catalog.Item{ID: id, Gone: true})
		if d, ok := rows[id]; ok {
			b.Taken = append(b.Taken, d)
		}
	}
	for _, b := range byRead {
		if err := t.apply(ctx, *b); err != nil {
			return err
		}
	}
	return nil
}
