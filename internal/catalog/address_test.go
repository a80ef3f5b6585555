package catalog

import (
	"strings"
	"testing"
)

// A password may hold anything, and people do not always quote it.
func TestNoErrorTellsThePassword(t *testing.T) {
	const secret = "hunter2"
	for _, address := range []string{
		"postgres://ferry:hunter2@",
		"postgres://ferry:hunter2@host:port/name",
		"postgres://ferry:a/hunter2@host/name",
		"postgres://ferry:a#hunter2@host/name",
		"postgres://ferry:a?hunter2@host/name",
		"postgres://ferry:a@hunter2@host/name",
		"postgres://ferry:a:hunter2@host/name",
		"postgres://ferry:a%hunter2@host/name",
		"postgres://ferry:a hunter2@host/name",
		"postgres://ferry:hunter2@host/name?sslmode=nonsense",
		"postgres://ferry:hunter2@host/name?sslrootcert=/no/such/file&sslmode=verify-full",
		"postgres://ferry:hunter2@host/name?password=hunter2&connect_timeout=hunter2",
		"postgres://ferry@host/name?password=hunter2&sslmode=hunter2",
		"host=localhost password=hunter2",
		"postgresql:hunter2@host",
		"mysql://ferry:hunter2@host/name",
		"postgres://ferry:hunter2@127.0.0.1:1/name",
		"postgres://ferry:hunter2@no-such-host.invalid/name",
	} {
		d, err := Connect(t.Context(), Config{URL: address, Integration: "jira"})
		if err == nil {
			_, err = Open(t.Context(), Config{URL: address, Integration: "jira"})
			ready := d.Ready(t.Context())
			if ready == nil || strings.Contains(ready.Error(), secret) {
				t.Errorf("%s: Ready = %v", address, ready)
			}
			must(t, d.Close())
		}
		if err == nil || !strings.Contains(err.Error(), "FERRY_DATABASE_URL") {
			t.Errorf("%s: %v, want an error that names the setting", address, err)
			continue
		}
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestAddressesThatAreRight(t *testing.T) {
	for address, want := range map[string]string{
		"postgres://ferry:s%40cret@db.example:6432/jira":              "db.example:6432/jira",
		"postgresql://ferry@db.example/jira?sslmode=require":          "db.example:5432/jira",
		"postgres://ferry:x@[::1]:5432/jira":                          "::1:5432/jira",
		"postgres://ferry:x@one.example,two.example/jira":             "one.example:5432/jira",
		"postgres:///jira?host=/var/run/postgresql&user=ferry":        "/var/run/postgresql:5432/jira",
		"postgres://ferry:x@db.example/jira?options=-c%20geqo%3Doff":  "db.example:5432/jira",
		"postgres://ferry:x@db.example/jira?application_name=a%40b.c": "db.example:5432/jira",
	} {
		d, err := Connect(t.Context(), Config{URL: address, Integration: "jira"})
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got := d.where(); got != want {
			t.Errorf("%s is shown as %s, want %s", address, got, want)
		}
		must(t, d.Close())
	}
}
