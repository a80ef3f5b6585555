package catalog

import (
	"context"
	"slices"
	"strings"
	"testing"
)

// dump is what the tables hold, in a form that tests can compare.
type dump struct {
	Items    map[itemKey]itemState
	Dirty    map[itemKey]dirtyState
	Entities map[entityKey]entityState
}

type itemState struct {
	Read    int64
	Updated int64
	Run     int64
	Listed  int64
	Gone    bool
}

type dirtyState struct {
	Hints    int64
	Priority Priority
	Attempts int
	Run      int64
	Listed   int64
}

type entityState struct {
	Bodies    []string // of its claims, in the order in which they are folded
	Refs      []string // from the table of refs, sorted
	Searching bool
}

// dumpOf reads everything, and fails if the counts of claims are not what is counted.
func dumpOf(t testing.TB, s *Store) dump {
	t.Helper()
	d := dump{map[itemKey]itemState{}, map[itemKey]dirtyState{}, map[entityKey]entityState{}}
	selectAll(t, s, `SELECT r.name, i.parent, i.id, i.read, i.updated, i.run, i.listed, i.gone
		FROM item AS i JOIN reading AS r ON r.id = i.reading AND r.integration = i.integration`, func(scan func(...any) error) error {
		var k itemKey
		var x itemState
		err := scan(&k.reading, &k.parent, &k.id, &x.Read, &x.Updated, &x.Run, &x.Listed, &x.Gone)
		d.Items[k] = x
		return err
	})
	selectAll(t, s, `SELECT r.name, d.parent, d.id, d.hints, d.priority, d.attempts, d.run, d.listed
		FROM dirty AS d JOIN reading AS r ON r.id = d.reading AND r.integration = d.integration`, func(scan func(...any) error) error {
		var k itemKey
		var x dirtyState
		err := scan(&k.reading, &k.parent, &k.id, &x.Hints, &x.Priority, &x.Attempts, &x.Run, &x.Listed)
		d.Dirty[k] = x
		return err
	})
	byID := map[int64]entityKey{}
	counts := map[int64]int{}
	selectAll(t, s, `SELECT id, blueprint, identifier, claims, searching FROM entity`, func(scan func(...any) error) error {
		var id int64
		var k entityKey
		var n int
		var x entityState
		err := scan(&id, &k.blueprint, &k.identifier, &n, &x.Searching)
		byID[id], counts[id], d.Entities[k] = k, n, x
		return err
	})
	selectAll(t, s, `SELECT entity, body FROM claim ORDER BY entity, resource, reading, parent, item, n`, func(scan func(...any) error) error {
		var id int64
		var body string
		err := scan(&id, &body)
		x, known := d.Entities[byID[id]]
		if !known {
			t.Errorf("a claim points to entity %d, which is not there", id)
		}
		x.Bodies = append(x.Bodies, body)
		d.Entities[byID[id]] = x
		counts[id]--
		return err
	})
	for id, n := range counts {
		if n != 0 {
			t.Errorf("entity %v counts %d claims more than it has", byID[id], n)
		}
	}
	selectAll(t, s, `SELECT entity, target FROM ref ORDER BY entity, target`, func(scan func(...any) error) error {
		var id int64
		var target string
		err := scan(&id, &target)
		x, known := d.Entities[byID[id]]
		if !known {
			t.Errorf("a ref to %q is of entity %d, which is not there", target, id)
		}
		x.Refs = append(x.Refs, target)
		d.Entities[byID[id]] = x
		return err
	})
	for k, x := range d.Entities {
		slices.SortFunc(x.Refs, strings.Compare)
		d.Entities[k] = x
	}
	return d
}

func selectAll(t testing.TB, s *Store, query string, row func(scan func(...any) error) error) {
	t.Helper()
	if err := s.read(context.Background(), query, nil, row); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// forgetful makes s not wait for the disk: its test asks what is written, not when.
func forgetful(t testing.TB, s *Store) *Store {
	t.Helper()
	text := `PRAGMA synchronous = OFF`
	if _, is := s.writer.on.(*lease); is {
		text = `SET synchronous_commit = off`
	}
	tell(t, s, text)
	return s
}

// sessionOf is the connection on which s writes.
func sessionOf(s *Store) *session {
	session, err := s.writer.on.session(context.Background())
	if err != nil {
		panic(err)
	}
	return session
}

// tell runs a text on the connection on which s writes.
func tell(t testing.TB, s *Store, text string) {
	t.Helper()
	s.writer.alone(func() {
		if err := sessionOf(s).control(context.Background(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	})
}
