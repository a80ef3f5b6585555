package ingest

import (
	"context"
	"encoding/json"
	"errors"
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
//     archived, or to be empty where it held few. Otherwise it is what a lost permission looks like, and waits for a person.
func (t *reading) judge(ctx context.Context, unread []unread) error {
	if !t.MayDelete {
		return nil
	}
	rows := map[string]catalog.Dirty{}
	missing := absent{}
	for _, u := range unread {
		rows[u.row.ID], missing[u.row.ID] = u.row, u.number
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
	return t.removeAbsent(ctx, t.Name, missing, rows)
}

// absent are items that a direct read did not give, with the read's number.
type absent map[string]catalog.ReadNumber

// unread is a dirty row whose item a direct read did not give.
type unread struct {
	row    catalog.Dirty
	number catalog.ReadNumber
}

// ErrAccount: the credentials have become those of another account, whose answers mean other things.
var ErrAccount = errors.New("the account changed while Jira was read")

// sameAccount makes an empty answer mean something: it was given to the account that we are.
func (t *reading) sameAccount(ctx context.Context) error {
	account, err := t.Source.Account(ctx)
	if err != nil {
		return err
	}
	if account != t.Account {
		return fmt.Errorf("%w, from %s to %s: nothing was deleted; run again", ErrAccount, t.Account, account)
	}
	return nil
}

// askSuspects reads the items that complete listings no longer hold, and those that resources
// claim which the mapping has no more, and adds to missing those that Jira does not give.
func (t *reading) askSuspects(ctx context.Context, missing absent) error {
	for _, l := range t.states {
		if !l.is(catalog.ListingComplete) {
			continue
		}
		err := t.askEach(ctx, missing, func(after string) ([]string, error) {
			return t.Store.Suspects(ctx, t.listingRow(l.Query), l.Resources, after, source.MaxGet)
		})
		if err != nil {
			return err
		}
	}
	if !t.complete {
		return nil
	}
	return t.askEach(ctx, missing, func(after string) ([]string, error) {
		return t.Store.Strays(ctx, t.Name, "", after, source.MaxGet)
	})
}

// askEach asks about all items of a list that comes in pages.
func (t *reading) askEach(ctx context.Context, missing absent, page func(after string) ([]string, error)) error {
	for after := ""; ; {
		ids, err := page(after)
		if err != nil || len(ids) == 0 {
			return err
		}
		after = ids[len(ids)-1]
		if err := t.askAbout(ctx, ids, missing); err != nil {
			return err
		}
	}
}

// askAbout applies what Jira says now of some items. Those that it does not give are added to
// missing. Those of which it does not say enough keep what they have, and are named.
func (t *reading) askAbout(ctx context.Context, ids []string, missing absent) error {
	ids = slices.DeleteFunc(ids, func(id string) bool { _, known := missing[id]; return known })
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
	given := answer.Given()
	asked := newAsked()
	if err := t.stillSelected(ctx, given, answer, asked); err != nil {
		return err
	}
	if err := t.sureOfRejections(ctx, asked); err != nil {
		return err
	}
	b := catalog.Batch{Number: number}
	for _, id := range given {
		if err, undecided := asked.undecided[id]; undecided {
			answer.Failed[id] = err.Error()
			continue
		}
		b.Items = append(b.Items, t.item(ctx, id, answer.Items[id], asked.members[id]))
	}
	return errors.Join(t.apply(ctx, b), t.nameFailed(ctx, answer.Failed))
}

// nameFailed sets aside what Jira would not speak of.
func (t *reading) nameFailed(ctx context.Context, failed map[string]string) error {
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		t.unsettle(t.Kind)
		reason := fmt.Sprintf("Jira does not list it any more and does not say whether it is still selected (%s): it stays as it was; the next run asks again", failed[id])
		if err := t.aside(ctx, catalog.AsideItem, t.Kind+" "+id, t.Kind, reason); err != nil {
			return err
		}
	}
	return nil
}

// get reads items by id.
func (t *reading) get(ctx context.Context, ids []string) (source.Answer, error) {
	if t.Kind == source.Issue {
		return t.Source.Issues(ctx, t.Reading, ids, source.Directly)
	}
	answer := source.Answer{Items: map[string]json.RawMessage{}, Failed: map[string]string{}}
	for _, id := range ids {
		raw, err := t.Source.Project(ctx, t.Reading, id)
		switch {
		case err != nil && fatal(err):
			return answer, err
		case err != nil:
			answer.Failed[id] = err.Error()
		case raw != nil:
			answer.Items[id] = raw
		}
	}
	return answer, nil
}

// stillSelected says of items that were given by id which queries select them. A project is
// selected while it is live; its own state says so.
func (t *reading) stillSelected(ctx context.Context, ids []string, answer source.Answer, into *asked) error {
	if t.Kind == source.Issue {
		return t.match(ctx, ids, answer, into)
	}
	for _, id := range ids {
		live, err := source.Live(answer.Items[id])
		switch {
		case err != nil:
			into.undecided[id] = err
		case live:
			into.members[id] = membership{selecting: t.Mask()}
		default:
			into.members[id] = membership{rejecting: t.Mask()}
		}
	}
	return nil
}

// removeAbsent applies that absent items are gone, Jira project by Jira project, as the reading of
// that name knows them.
func (t *reading) removeAbsent(ctx context.Context, name string, missing absent, rows map[string]catalog.Dirty) error {
	byProject, err := t.Store.ByContainer(ctx, name, "", slices.Sorted(maps.Keys(missing)))
	if err != nil {
		return err
	}
	for _, project := range slices.Sorted(maps.Keys(byProject)) {
		ids := byProject[project]
		lost, err := t.lost(ctx, name, project, missing)
		if err != nil {
			return err
		}
		if lost != "" {
			err = t.waits(ctx, name, project, ids, lost)
		} else {
			err = t.remove(ctx, ids, missing, rows)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// lost says why absent items look like a lost permission, or nothing: nothing else is seen of
// their Jira project, and the project is not proved to have gone. What is seen is asked afresh,
// after the reads that did not give the items: what the catalogue knows of the project was seen
// before. Items of which nothing is known (they were listed and never given) lie in no project;
// there is nothing to lose with them.
func (t *reading) lost(ctx context.Context, name, project string, missing absent) (string, error) {
	if t.Accept || project == "" {
		return "", nil
	}
	proved, err := t.proved(ctx, name, project, missing)
	switch {
	case proved || err != nil && fatal(err):
		return "", err
	case err != nil:
		return fmt.Sprintf("and Jira would not say whether the project is deleted or archived (%v)", err), nil
	}
	return "and Jira lists the project neither as deleted nor as archived", nil
}

// few is how many issues may go because Jira counts none in their project any more.
const few = 9

// proved: the absent items of the project are gone, since others of it are seen, or it has gone
// itself, or it held few, of which this read may be about fewer, and is empty.
func (t *reading) proved(ctx context.Context, name, project string, missing absent) (bool, error) {
	if t.Kind == source.Issue {
		seen, err := t.Source.Sees(ctx, project, func(id string) bool { _, is := missing[id]; return !is })
		if seen || err != nil {
			return seen, err
		}
	}
	departed, err := t.Source.Departed(ctx, project)
	if departed || err != nil {
		return departed, err
	}
	held, err := t.Store.HeldIn(ctx, name, "", project)
	if err != nil || held > few {
		return false, err
	}
	return t.Source.Empty(ctx, project)
}

func (t *reading) waits(ctx context.Context, name, project string, ids []string, why string) error {
	t.unsettle(t.Kind)
	example, err := t.Store.Example(ctx, name, "", ids[0])
	if err != nil {
		return err
	}
	what := fmt.Sprintf("all issues of the Jira project with id %s (%d, such as %s)", project, len(ids), example)
	if t.Kind == source.Project {
		what = fmt.Sprintf("the Jira project with id %s (%s)", project, example)
	}
	reason := "can no longer be seen, " + why +
		": this is what a lost permission looks like, so nothing was deleted; give the account its permission back, or, if they are really gone, run `ferry sync --accept-deletions`"
	return t.aside(ctx, catalog.AsideDecision, what, t.Kind, reason)
}

// remove applies that items are gone and takes their rows out, under the numbers of the reads that did not give them:
// what a later read saw of them stands.
func (t *reading) remove(ctx context.Context, ids []string, missing absent, rows map[string]catalog.Dirty) error {
	byRead := map[catalog.ReadNumber]*catalog.Batch{}
	for _, id := range ids {
		b := byRead[missing[id]]
		if b == nil {
			b = &catalog.Batch{Number: missing[id], Fresh: true, Live: t.live}
			byRead[missing[id]] = b
		}
		b.Items = append(b.Items, catalog.Item{ID: id, Gone: true})
		if d, ok := rows[id]; ok {
			b.Taken = append(b.Taken, d)
			delete(rows, id)
		}
	}
	for _, b := range byRead {
		if err := t.apply(ctx, *b); err != nil {
			return err
		}
	}
	return nil
}
