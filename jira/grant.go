package jira

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	tokenEarly   = time.Minute      // before its end a token is exchanged
	tokenPace    = 10 * time.Second // between tries to do so while it is still good
	tokenFresh   = time.Minute      // that a token is taken to be good, whatever refuses it
	storeTimeout = 10 * time.Second
	deadFor      = time.Minute // that a refresh token is taken to stay refused
)

// grant is an [Auth] with access tokens that end, which asks for another a
// minute before, and once after Jira has refused one. Of those who need it at
// the same time one asks, and the others wait; what it asks for it also takes in
// and saves, though its own caller may have given up meanwhile.
type grant struct {
	name  string
	store TokenStore // nil where nothing is lost with a token
	ask   func(ctx context.Context, refresh string, retries int) (Tokens, error)
	log   *slog.Logger

	mu       sync.Mutex
	held     sealed // the latest tokens
	due      time.Time
	given    secret    // the access token that the endpoint gave last
	givenAt  time.Time // when it did
	unsaved  bool      // held is to be saved before it is used
	renewing *flight[Tokens]

	// Only the one who renews uses these.
	dead   secret // a refresh token that was refused
	deadAt time.Time
}

func newGrant(name string, store TokenStore, log *slog.Logger) *grant {
	return &grant{name: name, store: store, log: log, held: seal(Tokens{}), given: secretOf(""), dead: secretOf("")}
}

func (g *grant) String() string       { return g.name + " [redacted]" }
func (g *grant) GoString() string     { return g.String() }
func (g *grant) LogValue() slog.Value { return slog.StringValue(g.String()) }

func (g *grant) Authorize(ctx context.Context, r *http.Request) error {
	t, err := g.token(ctx, "")
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+t.Access)
	return nil
}

// Renew asks for another token unless there is one already: of many requests
// that are refused with the same token, the first to come brings another for all.
// A token that was given just now has not ended: what refuses it, as some of Jira
// Software does for lack of a scope, would refuse another too.
func (g *grant) Renew(ctx context.Context, refused string) (bool, error) {
	access := strings.TrimPrefix(refused, "Bearer ")
	if g.isFresh(access) {
		return false, nil
	}
	t, err := g.token(ctx, access)
	return err == nil && t.Access != access, err
}

func (g *grant) isFresh(access string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return access == g.given.reveal() && time.Since(g.givenAt) < tokenFresh
}

// token gives tokens that Jira has not refused. Those who did not know of the
// refusal may have begun the renewal that is under way, and be content with the
// refused token: then there is a second one.
func (g *grant) token(ctx context.Context, refused string) (t Tokens, err error) {
	for range 2 {
		held, renewal := g.ready(refused)
		if renewal == nil {
			return held, nil
		}
		t, err = renewal.do(ctx, func(ctx context.Context) (Tokens, error) { return g.renew(ctx, refused) })
		if err != nil || t.Access != refused {
			break
		}
	}
	return t, err
}

// ready gives the tokens if they are good, else the renewal to wait for.
func (g *grant) ready(refused string) (Tokens, *flight[Tokens]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	held := g.held()
	if !g.unsaved && held.good(now, refused) && (g.due.IsZero() || now.Before(g.due)) {
		return held, nil
	}
	if g.renewing == nil {
		g.renewing = new(flight[Tokens])
	}
	return Tokens{}, g.renewing
}

// renew comes by other tokens. While those at hand are good still, a failure is
// no harm yet.
func (g *grant) renew(ctx context.Context, refused string) (Tokens, error) {
	began := time.Now()
	spare := g.spare(refused)
	t, err := g.fresh(ctx, refused, spare)
	switch {
	case err == nil:
		g.hold(t, dueTime(t, began), false)
		return t, nil
	case spare.Access != "" && ctx.Err() == nil && !g.owesSave():
		g.log.LogAttrs(ctx, slog.LevelWarn, "jira tokens not renewed yet", slog.String("err", err.Error()))
		g.hold(spare, time.Now().Add(tokenPace), false)
		return spare, nil
	}
	return Tokens{}, err
}

// spare are the tokens at hand if requests can be sent with them.
func (g *grant) spare(refused string) Tokens {
	g.mu.Lock()
	defer g.mu.Unlock()
	if held := g.held(); !g.unsaved && held.good(time.Now(), refused) {
		return held
	}
	return Tokens{}
}

func (g *grant) owesSave() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.unsaved
}

// hold keeps tokens until others are due. Renewal is over with it, unless they
// are not saved.
func (g *grant) hold(t Tokens, due time.Time, unsaved bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held, g.due, g.unsaved = seal(t), due, unsaved
	if !unsaved {
		g.renewing = nil
	}
}

// dueTime is when to exchange tokens that came at a time: a minute before their
// end, or halfway where they are short-lived.
func dueTime(t Tokens, came time.Time) time.Time {
	if t.Expires.IsZero() {
		return time.Time{}
	}
	return t.Expires.Add(-min(tokenEarly, t.Expires.Sub(came)/2))
}

// fresh comes by tokens that are saved. There are no second tries, and so no
// long waits, where there are others to spare.
func (g *grant) fresh(ctx context.Context, refused string, spare Tokens) (Tokens, error) {
	retries := tokenRetries
	if spare.Access != "" {
		retries = 0
	}
	if g.store == nil {
		return g.obtain(ctx, "", retries)
	}
	if err := g.saveOwed(ctx); err != nil {
		return Tokens{}, err
	}
	stored, err := g.load(ctx)
	if err != nil || g.enough(stored, refused) {
		return stored, err
	}
	t, err := g.exchange(ctx, stored, retries)
	if !errors.Is(err, ErrInvalidGrant) {
		return t, err
	}
	// Another process that shares the store may have used the refresh token,
	// and by now have saved what it got.
	again, e := g.load(ctx)
	switch {
	case e != nil || again.Refresh == stored.Refresh:
		return Tokens{}, err
	case g.enough(again, refused):
		return again, nil
	}
	return g.exchange(ctx, again, retries)
}

// obtain asks for tokens, and notes that they are fresh.
func (g *grant) obtain(ctx context.Context, refresh string, retries int) (Tokens, error) {
	t, err := g.ask(ctx, refresh, retries)
	if err == nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.given, g.givenAt = secretOf(t.Access), time.Now()
	}
	return t, err
}

// enough reports whether stored tokens need no exchange yet.
func (g *grant) enough(t Tokens, refused string) bool {
	return t.good(time.Now().Add(tokenEarly), refused)
}

func (g *grant) load(ctx context.Context) (Tokens, error) {
	t, err := g.store.Load(ctx)
	if err != nil {
		return Tokens{}, fmt.Errorf("load the tokens for Jira: %w", err)
	}
	t = trimTokens(t)
	return t, checkTokens(t)
}

// exchange trades a refresh token for tokens and saves them. From the answer
// until then they are the only ones that are good, so that the saving does not
// end with ctx; and if the process dies there, the server takes the used refresh
// token once more for some minutes
// (https://developer.atlassian.com/cloud/oauth/getting-started/refresh-tokens/).
func (g *grant) exchange(ctx context.Context, old Tokens, retries int) (Tokens, error) {
	switch {
	case old.Refresh == "":
		return Tokens{}, errNoLogin
	case old.Refresh == g.dead.reveal() && time.Since(g.deadAt) < deadFor:
		return Tokens{}, ErrInvalidGrant
	}
	if err := g.canSave(); err != nil {
		return Tokens{}, fmt.Errorf("the tokens for Jira could not be saved, so that none are asked for: %w", err)
	}
	t, err := g.obtain(ctx, old.Refresh, retries)
	if errors.Is(err, ErrInvalidGrant) {
		g.dead, g.deadAt = secretOf(old.Refresh), time.Now()
	}
	if err != nil {
		return Tokens{}, err
	}
	if t.Refresh == "" { // as some answers are; then the old one stays good
		t.Refresh = old.Refresh
	}
	g.hold(t, time.Time{}, true)
	return t, g.saveOwed(ctx)
}

// canSave asks a store that can tell whether it would keep tokens, before a
// refresh token is spent on them.
func (g *grant) canSave() error {
	if s, ok := g.store.(interface{ ready() error }); ok {
		return s.ready()
	}
	return nil
}

// saveOwed saves what is not saved yet.
func (g *grant) saveOwed(ctx context.Context) error {
	g.mu.Lock()
	t, owed := g.held(), g.unsaved
	g.mu.Unlock()
	if !owed {
		return nil
	}
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := g.store.Save(long, t); err != nil {
		return fmt.Errorf("save the tokens for Jira, which are not used before that: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unsaved = false
	return nil
}
