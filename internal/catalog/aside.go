package catalog

import (
	"context"
	"strconv"
	"strings"
)

// About says what kind of thing was set aside.
type About string

// What can be set aside.
const (
	AsideItem     About = "item"     // one Jira object: its mapping or its reads fail
	AsideEntity   About = "entity"   // one entity: Port refuses it
	AsideResource About = "resource" // one resource of the mapping
	AsideListing  About = "listing"  // a listing that failed or is incomplete
	AsideDecision About = "decision" // deletions that wait for a person
)

// Aside is something that failed for good until something changes.
type Aside struct {
	About   About
	Subject string // what it is, in words a person can search for
	Kind    string // the Jira kind it counts for; empty if none
	Reason  string // one sentence, with what to do
	Run     int64  // the run in which it last came up; 0: none, it counts for the newest
	Since   int64  // when it first came up
}

// SetAside records or renews what was set aside.
func (s *Store) SetAside(ctx context.Context, a Aside) error {
	a.Run = s.orNewest(a.Run)
	return wrap("set aside", s.write(ctx, func(t *tx) error { return t.setAside(a) }))
}

func (t *tx) setAside(a Aside) error {
	return t.exec(`
		INSERT INTO aside (integration, about, subject, kind, reason, run, since) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (integration, about, subject) DO UPDATE
		SET reason = excluded.reason, run = excluded.run, kind = excluded.kind`,
		t.integration(), string(a.About), a.Subject, a.Kind, prose(a.Reason), a.Run, now())
}

// notAside takes off the list what is in order again.
func (t *tx) notAside(about About, subjects []string) error {
	return execIn(t, `DELETE FROM aside WHERE integration = ? AND about = ? AND subject IN (%s)`,
		[]any{t.integration(), string(about)}, subjects)
}

// Asides are at most limit things that are set aside, and how many there are in all, by kind.
func (s *Store) Asides(ctx context.Context, limit int) (list []Aside, byKind map[string]int, err error) {
	err = s.read(ctx, `
		SELECT about, subject, kind, reason, run, since FROM aside
		WHERE integration = ? ORDER BY about, kind, since, subject LIMIT ?`, []any{s.integration, limit}, func(scan func(...any) error) error {
		var a Aside
		err := scan(&a.About, &a.Subject, &a.Kind, &a.Reason, &a.Run, &a.Since)
		a.Subject = readableSubject(a)
		list = append(list, a)
		return err
	})
	if err != nil {
		return nil, nil, wrap("list what is set aside", err)
	}
	byKind, err = s.countAsides(ctx)
	return list, byKind, wrap("count what is set aside", err)
}

func (s *Store) countAsides(ctx context.Context) (map[string]int, error) {
	byKind := map[string]int{}
	err := s.read(ctx, `SELECT kind, COUNT(*) FROM aside WHERE integration = ? GROUP BY kind`, []any{s.integration}, func(scan func(...any) error) error {
		var kind string
		var n int
		err := scan(&kind, &n)
		byKind[kind] = n
		return err
	})
	return byKind, err
}

// itemSubject names an item in the aside table. The reading and parent keep equal ids of
// different listings apart and are not shown.
func itemSubject(reading int64, parent, id string) string {
	return id + "\n" + parent + "\n" + strconv.FormatInt(reading, 10)
}

func entitySubject(blueprint, identifier string) string { return blueprint + " " + identifier }

func readableSubject(a Aside) string {
	id, _, _ := strings.Cut(a.Subject, "\n")
	return id
}

// AsideCount is how many things were set aside, or came up again, in one run; of some sorts only,
// if they are named.
func (s *Store) AsideCount(ctx context.Context, run int64, about ...About) (n int, err error) {
	query, args := `SELECT COUNT(*) FROM aside WHERE integration = ? AND run = ?`, []any{s.integration, run}
	if len(about) > 0 {
		query += ` AND about IN (` + placeholders(len(about)) + `)`
	}
	for _, a := range about {
		args = append(args, string(a))
	}
	err = s.read(ctx, query, args, into(&n))
	return n, wrap("count what is set aside", err)
}
