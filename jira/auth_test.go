package jira_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ferry/jira"
)

const gateway = "https://api.atlassian.com/ex/jira/c1"

func TestAuthHeaders(t *testing.T) {
	tests := []struct {
		name string
		make func() (jira.Auth, error)
		want string
	}{
		{"Basic", func() (jira.Auth, error) { return jira.Basic(" sam@acme.example", "tok\n") }, "Basic c2FtQGFjbWUuZXhhbXBsZTp0b2s="},
		{"Bearer", func() (jira.Auth, error) { return jira.Bearer(" tok ") }, "Bearer tok"},
		{"Automatic", func() (jira.Auth, error) { return jira.Automatic("sam@acme.example", "tok") }, "Basic c2FtQGFjbWUuZXhhbXBsZTp0b2s="},
		{"Automatic without an e-mail", func() (jira.Auth, error) { return jira.Automatic(" ", "tok") }, "Bearer tok"},
		{"TokenFile without its file", func() (jira.Auth, error) { return jira.TokenFile(t.TempDir()+"/none", "tok") }, "Bearer tok"},
	}
	for _, tt := range tests {
		auth, err := tt.make()
		if err != nil {
			t.Fatal(err)
		}
		var got string
		c := newClientAt(t, gateway, auth, jira.Config{}, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header.Get("Authorization")
			reply(w, 200, `{"accountId":"5b10a"}`)
		})
		if _, err := c.Myself(t.Context()); err != nil || got != tt.want {
			t.Errorf("%s sends %q (%v), want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestMissingCredentialsAreNamed(t *testing.T) {
	tests := []struct {
		name string
		make func() (jira.Auth, error)
		says string
	}{
		{"no e-mail", func() (jira.Auth, error) { return jira.Basic("", "tok") }, "no e-mail"},
		{"no token", func() (jira.Auth, error) { return jira.Basic("sam@acme.example", " ") }, "no API token"},
		{"no bearer token", func() (jira.Auth, error) { return jira.Bearer("") }, "no API token"},
		{"no automatic token", func() (jira.Auth, error) { return jira.Automatic("sam@acme.example", "") }, "no API token"},
		{"a token of two lines", func() (jira.Auth, error) { return jira.Bearer("sesame\r\nX-Other: 1") }, "line break"},
	}
	for _, tt := range tests {
		auth, err := tt.make()
		if auth != nil || err == nil || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v, %v, want an error that says %q", tt.name, auth, err, tt.says)
		}
	}
}

// However credentials and clients are printed, the token does not show.
func TestSecretsDoNotPrint(t *testing.T) {
	basic, _ := jira.Basic("sam@acme.example", "sesame-token")
	bearer, _ := jira.Bearer("sesame-token")
	automatic, _ := jira.Automatic("sam@acme.example", "sesame-token")
	store := jira.TokensFile("none.json", "sesame-refresh")
	app := jira.OAuthConfig{ClientID: "ferry", ClientSecret: "sesame-secret", Store: store}
	oauth, _ := jira.OAuth(app)
	account := jira.ClientCredentialsConfig{ClientID: "ferry", ClientSecret: "sesame-secret"}
	credentials, _ := jira.ClientCredentials(account)
	file, _ := jira.TokenFile("none", "sesame-token")
	tokens := jira.Tokens{Access: "sesame-access", Refresh: "sesame-refresh"}
	client, err := jira.New(gateway, automatic, jira.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{basic, bearer, automatic, client, struct{ A jira.Auth }{basic}, struct{ C *jira.Client }{client},
		store, app, &app, oauth, account, &account, credentials, file, tokens, &tokens, []jira.Tokens{tokens}, map[string]any{"t": tokens}} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		text, _ := json.Marshal(v)
		for _, got := range []string{fmt.Sprint(v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v), fmt.Sprintf("%x", v), fmt.Sprintf("%q", v), fmt.Sprintf("%d", v), string(text), log.String()} {
			for _, hidden := range []string{"sesame", "c2FtQGFjbW", fmt.Sprintf("%x", "sesame")} {
				if strings.Contains(got, hidden) {
					t.Errorf("printing a %T shows the token: %s", v, got)
				}
			}
		}
	}
	if got := fmt.Sprint(basic, " ", bearer, " ", client); got != "Basic [redacted] Bearer [redacted] jira.Client("+gateway+")" {
		t.Errorf("printed: %s", got)
	}
}

// gatewayThat accepts one scheme and counts what is asked, by scheme and path,
// one request at a time.
func gatewayThat(accepts string, asked *sync.Map) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		count(asked, scheme+" "+strings.TrimPrefix(r.URL.Path, "/ex/jira/c1/rest/api/3"))
		time.Sleep(time.Second)
		if scheme != accepts {
			reply(w, http.StatusUnauthorized, `{"code":401,"message":"Unauthorized"}`)
			return
		}
		reply(w, 200, `{"accountId":"5b10a","count":7}`)
	}
}

func count(m *sync.Map, key string) {
	n, _ := m.LoadOrStore(key, 0)
	m.Store(key, n.(int)+1)
}

func counts(m *sync.Map) string {
	all := map[string]int{}
	m.Range(func(k, v any) bool { all[k.(string)] = v.(int); return true })
	return fmt.Sprint(all)
}

// At the gateway ten calls at once cause one probe of each way, and what worked
// is kept.
func TestAutomaticAtTheGateway(t *testing.T) {
	tests := []struct{ accepts, want string }{
		{"Basic", "map[Basic /myself:1 Basic /search/approximate-count:20]"},
		{"Bearer", "map[Basic /myself:1 Bearer /myself:1 Bearer /search/approximate-count:20]"},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			var asked sync.Map
			auth, _ := jira.Automatic("sam@acme.example", "tok")
			c := newClientAt(t, gateway, auth, jira.Config{Concurrency: 1}, gatewayThat(tt.accepts, &asked))
			for range 2 {
				var wg sync.WaitGroup
				for range 10 {
					wg.Go(func() {
						if n, err := c.ApproximateCount(t.Context(), "a"); n != 7 || err != nil {
							t.Errorf("%s: ApproximateCount = %d, %v, want 7", tt.accepts, n, err)
						}
					})
				}
				wg.Wait()
			}
			if got := counts(&asked); got != tt.want {
				t.Errorf("%s: asked %s, want %s", tt.accepts, got, tt.want)
			}
		})
	}
}

// A token without the scope for /myself is refused there for its scope alone,
// so the way is right.
func TestAutomaticWithoutTheScopeOfMyself(t *testing.T) {
	var asked sync.Map
	auth, _ := jira.Automatic("sam@acme.example", "tok")
	c := newClientAt(t, gateway, auth, jira.Config{}, func(w http.ResponseWriter, r *http.Request) {
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		count(&asked, scheme)
		if strings.HasSuffix(r.URL.Path, "/myself") {
			reply(w, http.StatusUnauthorized, `{"code":401,"message":"Unauthorized; scope does not match"}`)
			return
		}
		reply(w, 200, `{"count":7}`)
	})
	if n, err := c.ApproximateCount(t.Context(), "a"); n != 7 || err != nil || counts(&asked) != "map[Basic:2]" {
		t.Errorf("ApproximateCount = %d, %v by %s, want 7 by Basic", n, err, counts(&asked))
	}
}

// Both refused is one error that says so, within one attempt of each. A gateway
// that is down is no refusal, and is asked again by the next call.
func TestAutomaticRefused(t *testing.T) {
	attempts, status := 0, http.StatusUnauthorized
	auth, _ := jira.Automatic("sam@acme.example", "tok")
	c := newClientAt(t, gateway, auth, jira.Config{Retries: -1}, func(w http.ResponseWriter, _ *http.Request) {
		attempts++
		reply(w, status, `{"accountId":"5b10a","count":7}`)
	})
	_, err := c.ApproximateCount(t.Context(), "a")
	if !errors.Is(err, jira.ErrUnauthorized) || attempts != 2 || !strings.Contains(err.Error(), "both as Basic with the e-mail and as Bearer") {
		t.Errorf("ApproximateCount = %v after %d attempts, want both refused after 2", err, attempts)
	}
	status = http.StatusBadGateway
	if _, err := c.ApproximateCount(t.Context(), "a"); errors.Is(err, jira.ErrUnauthorized) || attempts != 3 {
		t.Errorf("ApproximateCount at a gateway that is down = %v after %d attempts, want no refusal after 3", err, attempts)
	}
	status = http.StatusOK
	if n, err := c.ApproximateCount(t.Context(), "a"); n != 7 || err != nil {
		t.Errorf("ApproximateCount at a gateway that is up again = %d, %v, want 7", n, err)
	}
}
