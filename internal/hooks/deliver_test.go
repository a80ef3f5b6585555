package hooks_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/internal/hooks"
	"ferry/jira/jirasim"
)

// What happens in Jira is to be read a moment later, whichever webhook tells it, and though
// deliveries come twice and out of order.
func TestWhatHappensInJiraIsHeard(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, kind.config, kind.dynamic, both)
				w.AddProject(jirasim.Project{Key: "PAY", ID: "10000"})
				w.AddIssue(jirasim.Issue{ID: 1, Key: "PAY-1"})
				w.AddIssue(jirasim.Issue{ID: 2, Key: "PAY-2", Parent: "PAY-1", Type: "Sub-task"})
				w.AddIssue(jirasim.Issue{ID: 3, Key: "PAY-3"})
				w.AddIssue(jirasim.Issue{ID: 5, Key: "PAY-5"})
				stop := w.keep(t)
				defer stop()
				settle := w.delivering(t, jirasim.Delivery{Duplicate: 0.3, Disorder: 0.5})
				time.Sleep(time.Second)
				w.Update("PAY-2", func(i *jirasim.Issue) { i.Status = "Done" })
				w.Delete("PAY-3")
				w.AddIssue(jirasim.Issue{ID: 4, Key: "PAY-4"})
				w.UpdateProject("PAY", func(p *jirasim.Project) { p.Name = "Payments" })
				w.Emit("comment_created", map[string]any{"comment": map[string]any{"id": "9"}, "issue": map[string]any{"id": "5", "key": "PAY-5"}})
				settle()
				want := "issue 1\nissue 2 as of 2000-01-01T00:00:01Z\nissue 3 gone\nissue 4 as of 2000-01-01T00:00:01Z\nissue 5"
				if !kind.dynamic {
					want += "\nproject 10000" // dynamic webhooks do not tell of projects
				}
				if diff := cmp.Diff(want, w.dirty(t)); diff != "" {
					t.Errorf("what is to be read differs (-want +got):\n%s", diff)
				}
				if got := w.answers(); strings.Count(got, ":") != 1 || !strings.HasPrefix(got, "map[200:") {
					t.Errorf("the deliveries were answered %s", got)
				}
			})
		})
	}
}

// A secret that somebody changed in Jira, which no answer of Jira's shows, is known by what is
// signed with it, and put again.
func TestASecretThatWasChangedIsPutAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, false, both)
		stop := w.keep(t)
		defer stop()
		time.Sleep(3*time.Hour + time.Minute)
		before := w.writes()
		w.UpdateWebhook(w.Webhooks()[0].ID, func(h *jirasim.Webhook) { h.Secret = "of a person" })
		tell := func() string {
			settle := w.delivering(t, jirasim.Delivery{})
			w.Emit("project_updated", map[string]any{"project": map[string]any{"id": 1}})
			settle()
			list := w.Deliveries()
			return fmt.Sprint(list[len(list)-1].Answer)
		}
		if got := tell(); got != "401" {
			t.Errorf("signed with another secret: answered %s, want 401", got)
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := tell(); got != "200" {
			t.Errorf("after the next look: answered %s, want 200", got)
		}
		time.Sleep(10 * time.Hour)
		if n := w.writes() - before; n != 1 || len(w.mended()) != 2 {
			t.Errorf("%d requests changed something, want 1; mended at %s, want once more than at the start", n, w.mended())
		}
	})
}

// A forger who signs at random can make Ferry put the secret once an hour, no more.
func TestForgersCannotMakeFerryWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, false, both)
		stop := w.keep(t)
		defer stop()
		for range 24 * 60 {
			time.Sleep(time.Minute)
			w.send("POST", path, created, "X-Hub-Signature: sha256="+strings.Repeat("0", 64))
		}
		if n := w.writes(); n > 26 {
			t.Errorf("in a day %d requests changed something, want one an hour", n)
		}
	})
}

// unable makes the site one that takes no secret, and says so of its webhooks.
func (w *world) unable() {
	w.meddle(func(q *http.Request, body string) *http.Response {
		var spec map[string]any
		if q.Method == http.MethodGet || json.Unmarshal([]byte(body), &spec) != nil {
			return nil
		}
		delete(spec, "secret")
		text, _ := json.Marshal(spec)
		q.Body, q.ContentLength = io.NopCloser(strings.NewReader(string(text))), int64(len(text))
		return nil
	})
}

// A Jira that cannot sign delivers to the secret path, and goes on there when Ferry starts again.
func TestAJiraThatCannotSign(t *testing.T) {
	for _, test := range []struct {
		name    string
		dynamic bool
		trust   hooks.Trust
	}{
		{"that takes no secret", false, both},
		{"whose app's secret is not known", true, hooks.Trust{Secrets: []string{secret}, ClientSecrets: []string{""}, Token: token}},
		{"though anybody is believed", false, hooks.Trust{Secrets: []string{"", secret}, Token: token, Unsigned: true}},
		{"and no secret at all", false, hooks.Trust{Token: token}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, jirasim.Config{}, test.dynamic, test.trust)
				if !test.dynamic {
					w.unable()
				}
				stop := w.keep(t)
				time.Sleep(time.Minute)
				stop()
				if all := w.Webhooks(); len(all) != 1 || all[0].URL != hookURL+"/"+token || !w.registrar.State().Live {
					t.Fatalf("there is %q, and the state is %+v", w.registered(), w.registrar.State())
				}
				if made := w.registrar.State().Outcome.Created; len(made) == 0 {
					t.Errorf("the outcome does not tell what was created: %s", w.registrar.State().Outcome)
				}
				settle := w.delivering(t, jirasim.Delivery{})
				w.AddIssue(jirasim.Issue{ID: 7, ProjectKey: "PAY"})
				settle()
				if got, dirty := w.answers(), w.dirty(t); !strings.HasPrefix(got, "map[200:") || !strings.HasPrefix(dirty, "issue 7 as of") {
					t.Errorf("the delivery was answered %s, and %q is to be read", got, dirty)
				}
				before := w.writes()
				w.restart(t)
				stop = w.keep(t)
				time.Sleep(time.Hour)
				stop()
				if n := w.writes() - before; n != 0 || !w.registrar.State().Live {
					t.Errorf("after a start %d requests changed something, and the state is %+v", n, w.registrar.State())
				}
				if text := w.log.String() + w.site.log.String(); strings.Contains(text, token) || strings.Contains(text, secret) {
					t.Errorf("the log tells a secret:\n%s", text)
				}
			})
		})
	}
}

// Where anybody is believed, a Jira that cannot sign is too, and needs no path.
func TestAJiraThatCannotSignAndNeedNot(t *testing.T) {
	w := newWorld(t, jirasim.Config{}, false, hooks.Trust{Secrets: []string{secret}, Unsigned: true})
	w.unable()
	if _, err := w.registrar.Ensure(t.Context()); err != nil || w.Webhooks()[0].URL != hookURL {
		t.Errorf("Ensure fails with %v, there is %q", err, w.registered())
	}
}

// Jira's words may repeat the address, of which the token is to stay unknown.
func TestTheSecretPathIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, false, hooks.Trust{Token: token})
		w.meddle(func(q *http.Request, _ string) *http.Response {
			if q.Method != http.MethodPost {
				return nil
			}
			return jiraAnswer(400, `{"errorMessages":["`+hookURL+"/"+token+` is refused"]}`)
		})
		stop := w.keep(t)
		time.Sleep(time.Minute)
		stop()
		reason := w.registrar.State().Reason
		if !strings.Contains(reason, "is refused") || strings.Contains(reason+w.log.String(), token) {
			t.Errorf("the reason is %q, and the log says\n%s", reason, w.log)
		}
	})
}
