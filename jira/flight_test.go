package jira

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A caller in a hurry asks for the site's address first, and is throttled beyond
// its deadline. Those who waited for its answer have time, and take it.
func TestHurryIsNotPassedOn(t *testing.T) {
	for _, status := range []int{http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			sent := 0
			c := steadyClient(t, Config{}, script(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(100 * time.Millisecond)
				if sent++; sent > 1 {
					_, _ = io.WriteString(w, `{"baseUrl":"https://acme.example"}`)
					return
				}
				w.Header().Set("Retry-After", "30")
				w.WriteHeader(status)
			}))
			var wg sync.WaitGroup
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := c.SiteURL(ctx)
				if e, ok := errors.AsType[*Error](err); !ok || e.Status != status {
					t.Errorf("SiteURL in a hurry = %v, want the %d", err, status)
				}
			})
			wg.Go(func() {
				time.Sleep(10 * time.Millisecond)
				if site, err := c.SiteURL(t.Context()); site != "https://acme.example" {
					t.Errorf("SiteURL with time after a %d = %q, %v, want the address", status, site, err)
				}
			})
			wg.Wait()
		})
	}
}
