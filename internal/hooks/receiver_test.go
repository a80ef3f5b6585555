package hooks_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"ferry/internal/hooks"
	"ferry/jira"
)

var update = flag.Bool("update", false, "write what the receiver answers into testdata")

// Each file of testdata holds requests and, under the same name with ".want", what they are
// answered, what is then to be read, and what is logged. The first line of a request is its method
// and path; headers follow, and after an empty line the body. "sign: secret" signs it. The comment
// says what is trusted.
func TestReceiverFromText(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no requests in testdata: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			trust := trustOf(string(archive.Comment))
			for i := 0; i+1 < len(archive.Files); i += 2 {
				request, want := archive.Files[i], &archive.Files[i+1]
				got := exchange(t, trust, string(request.Data))
				if diff := cmp.Diff(string(want.Data), got); diff != "" && !*update {
					t.Errorf("%s (-want +got):\n%s", request.Name, diff)
				}
				want.Data = []byte(got)
			}
			if *update {
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func trustOf(comment string) hooks.Trust {
	var trust hooks.Trust
	for line := range strings.Lines(comment) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); name {
		case "secrets":
			trust.Secrets = strings.Split(value, ", ")
		case "client secrets":
			trust.ClientSecrets = strings.Split(value, ", ")
		case "token":
			trust.Token = value
		case "unsigned":
			trust.Unsigned = value == "yes"
		}
	}
	return trust
}

// exchange sends one request to a receiver of its own.
func exchange(t *testing.T, trust hooks.Trust, request string) string {
	t.Helper()
	s := newSite(t, hooks.ReceiverConfig{Trust: trust})
	head, body, _ := strings.Cut(strings.TrimSuffix(request, "\n"), "\n\n")
	line, fields, _ := strings.Cut(head, "\n")
	method, target, _ := strings.Cut(line, " ")
	var headers []string
	for field := range strings.Lines(fields) {
		headers = append(headers, madeUp(strings.TrimSpace(field), body))
	}
	w := s.send(method, target, body, headers...)
	var b strings.Builder
	fmt.Fprintf(&b, "%d", w.Code)
	for _, name := range []string{"Allow", "Retry-After"} {
		if value := w.Header().Get(name); value != "" {
			fmt.Fprintf(&b, " %s: %s", name, value)
		}
	}
	fmt.Fprintf(&b, " %s", w.Body)
	if dirty := s.dirty(t); dirty != "" {
		fmt.Fprintf(&b, "%s\n", dirty)
	}
	b.WriteString(s.log.String())
	return b.String()
}

// madeUp makes the header of "sign: secret" or "token: secret", "expired: secret".
func madeUp(field, body string) string {
	name, secret, _ := strings.Cut(field, ":")
	secret = strings.TrimSpace(secret)
	switch name {
	case "sign":
		return "X-Hub-Signature: " + jira.Sign([]byte(body), secret)
	case "token":
		return "Authorization: Bearer " + jira.SignJWT(jira.JWT{Expires: time.Now().Add(time.Minute)}, secret)
	case "expired":
		return "Authorization: Bearer " + jira.SignJWT(jira.JWT{Expires: time.UnixMilli(0).Add(time.Hour)}, secret)
	}
	return field
}
