package jira_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"ferry/jira/jirasim"
)

// Whatever befalls the token endpoint, the store and the process, in whatever
// order within the leeway: the login is never lost, and no token reaches Jira
// that is not saved.
func TestNoLoginIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"call", "calls", "wait", "expire", "lose", "fail", "full", "free", "restart", "give up"}), 1, 9).Draw(rt, "steps")
		synctest.Test(t, func(t *testing.T) {
			s, store := appSite(jirasim.Config{Latency: 50 * time.Millisecond})
			c := oauthClient(t, s, store)
			full := errors.New("no space left on device")
			for _, step := range steps {
				switch step {
				case "call", "calls":
					for _, err := range concurrently(c, t.Context(), map[string]int{"call": 1, "calls": 5}[step]) {
						if !errors.Is(err, full) {
							t.Fatalf("%v: %v", steps, err)
						}
					}
				case "wait":
					store.set(nil) // the wait is longer than the leeway, so what is not saved is saved before
					for _, wait := range []time.Duration{29 * time.Minute, 0} {
						if errs := concurrently(c, t.Context(), 1); errs != nil {
							t.Fatalf("%v: %v", steps, errs)
						}
						time.Sleep(wait)
					}
				case "expire":
					time.Sleep(time.Minute)
					s.ExpireAccessTokens()
				case "lose":
					s.Inject(jirasim.Fault{Match: "/oauth/token", Times: 1, Do: jirasim.LoseAnswer})
				case "fail":
					s.Inject(jirasim.Fault{Match: "/oauth/token", Times: 1, Do: jirasim.ServerError, Status: 500})
				case "full":
					store.set(full)
				case "free":
					store.set(nil)
				case "restart":
					c = oauthClient(t, s, store)
				case "give up":
					hasty, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
					_, _ = c.Myself(hasty)
					cancel()
				}
			}
			store.set(nil)
			s.Heal()
			if _, err := oauthClient(t, s, store).Myself(t.Context()); err != nil {
				t.Fatalf("%v, and then a process that begins: %v", steps, err)
			}
			for token := range s.bearers {
				if !store.saved[token] {
					t.Errorf("%v: a token reached Jira before it was saved", steps)
				}
			}
		})
	})
}
