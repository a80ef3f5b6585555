package hooks_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/hooks"
	"ferry/internal/source"
	"ferry/jira"
	"ferry/jira/jirasim"
)

func (w *world) list(t *testing.T) []string {
	t.Helper()
	list, err := w.registrar.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, r := range list {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s ours=%t %s", r.ID, r.Family, r.Ours, strings.Join(r.Wrong, ","))))
	}
	return lines
}

func TestListAndRemoveAdminWebhooks(t *testing.T) {
	for _, kind := range kinds {
		if kind.dynamic {
			continue
		}
		w := newWorld(t, kind.config, false, both)
		events := source.Events(false)
		for _, hook := range []jirasim.Webhook{
			{Name: hookName, URL: hookURL, Events: events, Secret: "s"},
			{Name: hookName, URL: "https://old.example/", Events: events[:2], Disabled: true, JQL: "project = PAY", ExcludeBody: true},
			{Name: "by hand", URL: hookURL, Events: events, Secret: "s"},
			{Name: "by hand, at the secret path", URL: hookURL + "/" + token, Events: events, Secret: "s"},
			{Name: "zapier", URL: "https://other.example/", Events: events},
			{Name: jira.DefaultWebhookName("other"), URL: "https://other.example/hook", Events: events},
		} {
			w.AddWebhook(hook)
		}
		want := []string{
			"1 admin ours=true", "2 admin ours=true url,events,filter,enabled,body,secret", "3 admin ours=true", "4 admin ours=true",
			"5 admin ours=false", "6 admin ours=false",
		}
		got := w.list(t)
		if kind.config.Version == "10.3.0" { // which does not say that it holds no secret
			want[1] = strings.TrimSuffix(want[1], ",secret")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the list differs (-want +got):\n%s", kind.name, diff)
		}
		removed, err := w.registrar.Remove(t.Context())
		if diff := cmp.Diff([]string{"1", "2", "3", "4"}, removed); err != nil || diff != "" {
			t.Errorf("%s: removed with %v (-want +got):\n%s", kind.name, err, diff)
		}
		if got := w.registered(); strings.Count(got, "\n") != 1 || strings.Contains(got, "ferry.example") {
			t.Errorf("%s: there is left\n%s", kind.name, got)
		}
	}
}

func TestListAndRemoveDynamicWebhooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, true, both)
		if _, err := w.registrar.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := w.client(t).CreateDynamicWebhooks(t.Context(), hookURL, []jira.DynamicSpec{
			{Events: []string{"sprint_closed"}, JQL: "status = Done", Fields: []string{"summary"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"10000 dynamic ours=true", "10001 dynamic ours=true events,filter,fields"}, w.list(t)); diff != "" {
			t.Errorf("the list differs (-want +got):\n%s", diff)
		}
		if removed, err := w.registrar.Remove(t.Context()); err != nil || len(removed) != 2 || len(w.Webhooks()) != 0 {
			t.Errorf("removed %q, %v, there is left %q", removed, err, w.registered())
		}
	})
}

// Without a base URL, what is ours is known by its name.
func TestListWithoutABaseURL(t *testing.T) {
	w := newWorld(t, jirasim.Config{}, false, both)
	w.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL, Events: source.Events(false), Secret: "s"})
	w.AddWebhook(jirasim.Webhook{Name: "zapier", URL: "https://other.example/"})
	w.config.BaseURL = ""
	w.restart(t)
	if diff := cmp.Diff([]string{"1 admin ours=true url", "2 admin ours=false"}, w.list(t)); diff != "" {
		t.Errorf("the list differs (-want +got):\n%s", diff)
	}
}

// One that somebody else removes meanwhile is removed; any other failure is told with what was
// done before it.
func TestRemoveThatFailsHalfway(t *testing.T) {
	w := newWorld(t, jirasim.Config{}, false, both)
	for range 3 {
		w.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL})
	}
	w.meddle(func(q *http.Request, _ string) *http.Response {
		switch {
		case q.Method == http.MethodDelete && strings.HasSuffix(q.URL.Path, "/1"):
			w.RemoveWebhook(1)
		case q.Method == http.MethodDelete && strings.HasSuffix(q.URL.Path, "/3"):
			return jiraAnswer(403, `{}`)
		}
		return nil
	})
	removed, err := w.registrar.Remove(t.Context())
	if diff := cmp.Diff([]string{"1", "2"}, removed); !errors.Is(err, jira.ErrForbidden) || diff != "" {
		t.Errorf("Remove = %q, %v", removed, err)
	}
}

// A derived secret is the same for ever: another would make each installation's webhook wrong. This
// one was computed by the letter of RFC 5869, with HMAC alone.
func TestDerivedSecrets(t *testing.T) {
	if got, want := hooks.DeriveSecret("port-secret", "my-jira", hooks.ForSignature), "394ac576f6be472ada0629b44ab78d19c1b3bc10073d8a383213acc85948ac3b"; got != want {
		t.Errorf("DeriveSecret = %s, want %s", got, want)
	}
	seen := map[string]bool{}
	for _, made := range [][3]string{
		{"a", "my-jira", hooks.ForSignature}, {"a", "my-jira", hooks.ForPath}, {"b", "my-jira", hooks.ForSignature},
		{"a", "my", hooks.ForSignature}, {"a", `my-jira" "`, hooks.ForSignature}, {"a", "", `webhook signature" "my-jira`},
	} {
		secret := hooks.DeriveSecret(made[0], made[1], made[2])
		if len(secret) != 64 || strings.Trim(secret, "0123456789abcdef") != "" || seen[secret] {
			t.Errorf("DeriveSecret(%q) = %s, want 64 digits of its own", made, secret)
		}
		seen[secret] = true
	}
	if got := hooks.DeriveSecret("", "my-jira", hooks.ForSignature); got != "" {
		t.Errorf("of no client secret comes %s", got)
	}
}

// However it is printed, trust shows no secret.
func TestTrustDoesNotShow(t *testing.T) {
	all := hooks.ReceiverConfig{Trust: hooks.Trust{Secrets: []string{"hidden-1"}, ClientSecrets: []string{"hidden-2"}, Token: "hidden-3"}}
	var b strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", all)
		fmt.Fprintf(&b, verb+"\n", &all.Trust)
	}
	slog.New(slog.NewJSONHandler(&b, nil)).Info("trust", "trust", all.Trust, "config", fmt.Sprint(all))
	text, err := json.Marshal(all.Trust)
	if err != nil {
		t.Fatal(err)
	}
	b.Write(text)
	if shown := b.String(); strings.Contains(shown, "hidden") || strings.Contains(shown, fmt.Sprintf("%x", "hidden-1")) {
		t.Errorf("a secret shows in\n%s", shown)
	}
}
