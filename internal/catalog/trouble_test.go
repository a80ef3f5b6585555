package catalog

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestTroubleComesWithAdvice(t *testing.T) {
	for code, want := range map[string]string{
		"53100": "disk", "53300": "max_connections", "25006": "read-only", "28P01": "password", "28000": "pg_hba.conf",
		"3D000": "create it", "57P03": "starting", "57014": "too long", "08006": "network", "42501": "GRANT", "XX001": "damaged",
		"26000": "pooler", "42P05": "pooler",
	} {
		inner := &pgconn.PgError{Code: code, Message: "said the server"}
		err := explain(fmt.Errorf("apply: %w", inner))
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "said the server") {
			t.Errorf("%s: %v, want advice about %q, and what the server said", code, err, want)
		}
	}
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, &pgconn.PgError{Code: "22012"}, &pgconn.PgError{}} {
		if got := explain(err); got != err {
			t.Errorf("explain(%v) = %v, want it as it is", err, got)
		}
	}
}

func TestWhatAServerRefusesIsExplained(t *testing.T) {
	config := inSchema(t)
	must(t, openAt(t, config).Close())
	u, err := url.Parse(os.Getenv(server))
	must(t, err)
	u.User = url.UserPassword("no_such_user", "hunter2")
	for name, test := range map[string]struct{ url, want string }{
		"a user that is not there": {u.String(), "user or password of FERRY_DATABASE_URL"},
		"a standby":                {with(t, config.URL, "default_transaction_read_only", "on"), "read-only"},
	} {
		_, err := Open(t.Context(), Config{URL: test.url, Integration: "jira"})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}
