package jira_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
	"ferry/jira/jirasim"
)

// memoryStore is a token store that can fail.
type memoryStore struct {
	mu    sync.Mutex
	kept  jira.Tokens
	fail  error
	saves int
	saved map[string]bool // access tokens
}

func (m *memoryStore) Load(context.Context) (jira.Tokens, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept, nil
}

func (m *memoryStore) Save(ctx context.Context, t jira.Tokens) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.saves++
	if err := errors.Join(m.fail, ctx.Err()); err != nil {
		return err
	}
	if m.saved == nil {
		m.saved = map[string]bool{}
	}
	m.kept, m.saved[t.Access] = t, true
	return nil
}

func (m *memoryStore) set(fail error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memoryStore) read() (jira.Tokens, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept, m.saves
}

// appSite is a site with an app, and the store of a consent.
func appSite(config jirasim.Config) (*simulation, *memoryStore) {
	s := simulated(config)
	s.AddApp(jirasim.App{ClientID: "ferry", ClientSecret: "sesame-secret"})
	return s, &memoryStore{kept: jira.Tokens{Refresh: s.Consent("ferry").Refresh}}
}

func oauthOf(s *simulation, store jira.TokenStore) (jira.Auth, error) {
	return jira.OAuth(jira.OAuthConfig{ClientID: "ferry", ClientSecret: "sesame-secret", Store: store, Transport: s.Hosts()})
}

func oauthClient(t *testing.T, s *simulation, store jira.TokenStore) *jira.Client {
	t.Helper()
	auth, err := oauthOf(s, store)
	return clientOf(t, s, cloudSite, auth, err)
}

// concurrently asks n times at once and counts the errors.
func concurrently(c *jira.Client, ctx context.Context, n int) (errs []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range n {
		wg.Go(func() {
			if _, err := c.Myself(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errs
}

// Two hours of five callers at once take three refreshes: at the start, and
// each time a minute before the token's end. No caller sees a refusal.
func TestAccessTokensAreRenewedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{Latency: 100 * time.Millisecond})
		c := oauthClient(t, s, store)
		for began := time.Now(); time.Since(began) < 2*time.Hour; time.Sleep(50 * time.Second) {
			if errs := concurrently(c, t.Context(), 5); errs != nil {
				t.Fatal(errs)
			}
		}
		refusals := 0
		for _, r := range s.Requests() {
			if r.Status == http.StatusUnauthorized {
				refusals++
			}
		}
		if s.Refreshes() != 3 || refusals != 0 {
			t.Errorf("%d refreshes and %d refusals in two hours, want 3 and none", s.Refreshes(), refusals)
		}
		if kept, saves := store.read(); saves != 3 || kept.Access == "" || kept.Refresh == "" {
			t.Errorf("%d saves, the last complete: %v, want 3", saves, kept.Refresh != "")
		}
	})
}

// A token that is refused before its time is renewed once for all who were
// refused, and every call is answered.
func TestConcurrentRefusalsCauseOneRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{Latency: 100 * time.Millisecond})
		c := oauthClient(t, s, store)
		if _, err := c.Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			before := s.Refreshes()
			time.Sleep(time.Minute)
			s.ExpireAccessTokens()
			if errs := concurrently(c, t.Context(), 20); errs != nil {
				t.Fatal(errs)
			}
			if got := s.Refreshes() - before; got != 1 {
				t.Errorf("20 refusals at once caused %d refreshes, want 1", got)
			}
		}
	})
}

// What refuses a token that was given just now would refuse another too: no
// refresh is spent on it.
func TestAFreshTokenThatIsRefusedIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		c := oauthClient(t, s, store)
		s.Inject(jirasim.Fault{Match: "/myself", Do: jirasim.Unauthorized})
		for range 3 {
			if _, err := c.Myself(t.Context()); !errors.Is(err, jira.ErrUnauthorized) {
				t.Errorf("Myself = %v, want ErrUnauthorized", err)
			}
		}
		if s.Refreshes() != 1 {
			t.Errorf("%d refreshes, want 1", s.Refreshes())
		}
	})
}

// diesAt is a store whose process is killed while it saves: nothing is written,
// and nothing comes back.
type diesAt struct {
	*memoryStore
	killed context.CancelFunc
}

func (d diesAt) Save(ctx context.Context, _ jira.Tokens) error {
	d.killed()
	return errors.New("killed")
}

// A process that dies after the refresh and before the store has it loses
// nothing: the next one begins with the refresh token that was used, which is
// good for ten minutes more.
func TestACrashBetweenRefreshAndStoreLosesNoLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		process, kill := context.WithCancel(t.Context())
		defer kill()
		if _, err := oauthClient(t, s, diesAt{store, kill}).Myself(process); err == nil {
			t.Error("Myself of the process that was killed = nil, want an error")
		}
		if s.Refreshes() != 1 {
			t.Fatalf("%d refreshes, want the killed process to have made one", s.Refreshes())
		}
		for _, path := range s.asked() {
			if path != "/oauth/token" {
				t.Errorf("%s was asked with a token that was not saved", path)
			}
		}
		time.Sleep(9 * time.Minute)
		if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
			t.Errorf("Myself of the next process = %v", err)
		}
	})
}

// Where the store does not save, nothing is asked with what it has not saved;
// when it does again, the calls go on without another refresh.
func TestNothingIsSentBeforeItIsSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		c := oauthClient(t, s, store)
		full := errors.New("no space left on device")
		store.set(full)
		for range 3 {
			if _, err := c.Myself(t.Context()); !errors.Is(err, full) || !strings.Contains(err.Error(), "save the tokens") {
				t.Errorf("Myself = %v, want the store's error", err)
			}
		}
		if got := s.asked(); !slices.Equal(got, []string{"/oauth/token"}) {
			t.Errorf("asked %q, want one refresh alone", got)
		}
		store.set(nil)
		if _, err := c.Myself(t.Context()); err != nil || s.Refreshes() != 1 {
			t.Errorf("Myself = %v after %d refreshes, want nil after 1", err, s.Refreshes())
		}
	})
}

// A caller that gives up does not take the answer with it: it is saved, and the
// others get their tokens.
func TestOneCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{Latency: 2 * time.Second})
		c := oauthClient(t, s, store)
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Myself(hasty); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the hasty caller: %v, want its deadline", err)
			}
		})
		synctest.Wait()
		if errs := concurrently(c, t.Context(), 5); errs != nil {
			t.Error(errs)
		}
		wg.Wait()
		if _, saves := store.read(); s.Refreshes() != 1 || saves != 1 {
			t.Errorf("%d refreshes and %d saves, want one of each", s.Refreshes(), saves)
		}
		if n := len(slices.DeleteFunc(s.asked(), func(r string) bool { return r != "/oauth/token" })); n != 1 {
			t.Errorf("tokens were asked for %d times, want the hasty caller's request alone", n)
		}
	})
}

// While a token is good, trouble with its renewal is not the callers'.
func TestARenewalThatFailsEarlyHarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		c := oauthClient(t, s, store)
		if _, err := c.Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - 50*time.Second)
		s.Inject(jirasim.Fault{Match: "/oauth/token", Do: jirasim.ServerError, Status: 503})
		for range 30 {
			began := time.Now()
			if _, err := c.Myself(t.Context()); err != nil || time.Since(began) > time.Second {
				t.Errorf("Myself before the token's end = %v after %v", err, time.Since(began))
			}
			time.Sleep(time.Second)
		}
		s.Heal()
		time.Sleep(time.Minute)
		if _, err := c.Myself(t.Context()); err != nil || s.Refreshes() != 2 {
			t.Errorf("Myself = %v after %d refreshes, want nil after 2", err, s.Refreshes())
		}
	})
}

// A consent that is over is told apart, at once, and not asked about again for a
// while.
func TestInvalidGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		s.RevokeConsents()
		c := oauthClient(t, s, store)
		for range 3 {
			_, err := c.Myself(t.Context())
			if !errors.Is(err, jira.ErrInvalidGrant) || !errors.Is(err, jira.ErrUnauthorized) || !strings.Contains(err.Error(), "authorize the app again") {
				t.Errorf("Myself = %v, want ErrInvalidGrant", err)
			}
			if kept, _ := store.read(); strings.Contains(err.Error(), kept.Refresh) || strings.Contains(err.Error(), "sesame") {
				t.Errorf("the error shows a secret: %v", err)
			}
		}
		if got := s.asked(); len(got) != 1 {
			t.Errorf("asked %q, want one refresh", got)
		}
		store.kept = jira.Tokens{Refresh: s.Consent("ferry").Refresh}
		if _, err := c.Myself(t.Context()); err != nil {
			t.Errorf("Myself after another consent = %v", err)
		}
	})
}

// Two processes that share a store go on with each other's tokens.
func TestAnotherProcessHasRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		first, second := oauthClient(t, s, store), oauthClient(t, s, store)
		for range 4 { // each 40 minutes, by turns
			for _, c := range []*jira.Client{first, second} {
				if _, err := c.Myself(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Minute)
			}
		}
		if s.Refreshes() > 3 {
			t.Errorf("%d refreshes in 160 minutes, want at most 3 of the two together", s.Refreshes())
		}
	})
}

// lateStore gives the first one who loads what it held before.
type lateStore struct {
	*memoryStore
	stale jira.Tokens
}

func (l *lateStore) Load(ctx context.Context) (jira.Tokens, error) {
	if stale := l.stale; stale.Refresh != "" {
		l.stale = jira.Tokens{}
		return stale, nil
	}
	return l.memoryStore.Load(ctx)
}

// A refresh token that another process has used up meanwhile is no reason to
// give up: what that process saved is.
func TestALostRaceIsNoInvalidGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		stale, _ := store.read()
		if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(11 * time.Minute)
		if _, err := oauthClient(t, s, &lateStore{store, stale}).Myself(t.Context()); err != nil {
			t.Errorf("Myself = %v, want the tokens that the other process saved", err)
		}
	})
}

// An answer without a refresh token leaves the one before in place.
func TestARefreshTokenThatIsWithheld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := appSite(jirasim.Config{})
		s.WithholdRefreshTokens(true)
		c := oauthClient(t, s, store)
		for range 3 {
			if _, err := c.Myself(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Hour)
		}
	})
}
