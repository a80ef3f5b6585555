package console_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/console"
)

func withHealth(h console.Health) *console.Public {
	h.Version = "1.2.3"
	return public(func(c *console.PublicConfig) { c.Health = h })
}

const (
	well = `200
{"status":"healthy","check":"CHECK","core_version":"0.48.12","ferry_version":"1.2.3"}`
	ill = `503
{"status":"unhealthy","check":"CHECK","core_version":"0.48.12","ferry_version":"1.2.3","reason":"REASON"}`
)

func verdict(form, check, reason string) string {
	return strings.NewReplacer("CHECK", check, "REASON", reason).Replace(form)
}

func TestLive(t *testing.T) {
	var fault error
	p := withHealth(console.Health{Live: func() error { return fault }})
	if got, want := ask(p, "GET /health/live"), verdict(well, "live", ""); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	fault = errors.New("delivery has not moved for 10m0s")
	if got, want := ask(p, "GET /health/live"), verdict(ill, "live", fault.Error()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestReadyIsGivenTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan error, 1)
		p := withHealth(console.Health{Ready: func(ctx context.Context) error {
			select {
			case err := <-answer:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		begun := time.Now()
		if got, want := ask(p, "GET /health/ready"), verdict(ill, "ready", "no answer within 2s"); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("answered after %s", took)
		}
		answer <- nil
		if got, want := ask(p, "GET /health/ready"), verdict(well, "ready", ""); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	})
}

func TestReasonIsOneShortLine(t *testing.T) {
	p := withHealth(console.Health{Ready: func(context.Context) error {
		return errors.New("the database\nis \x1b[31mlocked\x00 " + strings.Repeat("ü", 500))
	}})
	want := verdict(ill, "ready", "the database is [31mlocked "+strings.Repeat("ü", 173)+"…")
	if got := ask(p, "GET /health/ready"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var newest time.Time
		var fault error
		promised := 10 * time.Minute
		p := withHealth(console.Health{Fresh: func(context.Context) (time.Time, time.Duration, error) {
			return newest, promised, fault
		}})
		check := func(when, want string) {
			t.Helper()
			status, body, _ := strings.Cut(want, " ")
			want = status + "\n" + `{"status":` + body + `}`
			if got := ask(p, "GET /health/fresh"); got != want {
				t.Errorf("%s:\n got %s\nwant %s", when, got, want)
			}
		}
		const head = `,"check":"fresh","core_version":"0.48.12","ferry_version":"1.2.3"`
		time.Sleep(10 * time.Minute)
		check("before the first success", `200 "healthy"`+head+`,"promised_seconds":600`)
		time.Sleep(time.Second)
		check("without a success for longer than promised", `503 "unhealthy"`+head+`,"promised_seconds":600,"reason":"the start, without a success, was 10m1s ago, and 10m0s is promised: the log says what hinders"`)
		newest = time.Now()
		check("at a success", `200 "healthy"`+head+`,"newest_success":"2000-01-01T00:10:01Z","promised_seconds":600`)
		time.Sleep(time.Hour)
		check("long after it", `503 "unhealthy"`+head+`,"newest_success":"2000-01-01T00:10:01Z","promised_seconds":600,"reason":"the newest success was 1h0m0s ago, and 10m0s is promised: the log says what hinders"`)
		promised = 0
		check("where nothing is promised", `200 "healthy"`+head+`,"newest_success":"2000-01-01T00:10:01Z"`)
		fault = errors.New("the database is closed")
		check("where it cannot be told", `503 "unhealthy"`+head+`,"reason":"the database is closed"`)
	})
}
