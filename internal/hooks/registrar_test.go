package hooks_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ferry/internal/hooks"
	"ferry/internal/source"
	"ferry/jira/jirasim"
)

// A webhook of each sort is there at every hour of a month, a dynamic one with half of its life
// before it, and what is right is not written again.
func TestTheWebhookIsThereAllMonth(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, kind.config, kind.dynamic, both)
				w.config.Every = 2 * time.Hour
				w.restart(t)
				stop := w.keep(t)
				for time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) < 31*day {
					time.Sleep(time.Hour)
					synctest.Wait()
					all, state := w.Webhooks(), w.registrar.State()
					if len(all) != 1 || !state.Live || state.Reason != "" || time.Since(state.CheckedAt) > 2*time.Hour {
						t.Fatalf("at %s there is %q, and the state is %+v", time.Now(), w.registered(), state)
					}
					if kind.dynamic && (time.Until(all[0].Expires) < 14*day || !state.Expires.Equal(all[0].Expires)) {
						t.Fatalf("at %s the webhook ends %s, the state says %s", time.Now(), all[0].Expires, state.Expires)
					}
				}
				stop()
				if n := w.writes(); n > 3 {
					t.Errorf("%d requests changed something, want one to make it and two to refresh it", n)
				}
				if len(w.mended()) != 1 || len(w.verified()) < 31*24/2-2 {
					t.Errorf("mended %d times, verified %d times", len(w.mended()), len(w.verified()))
				}
				if since := w.registrar.State().Since; since.After(w.verified()[0]) {
					t.Errorf("live since %s, and found right at %s", since, w.verified()[0])
				}
			})
		})
	}
}

// What an administrator does to the webhook is undone at the next look, and told to whoever has to
// make up for what was not delivered.
func TestWhatPeopleDoToTheWebhookIsUndone(t *testing.T) {
	for name, change := range map[string]func(*world, int64){
		"deleted":  func(w *world, id int64) { w.RemoveWebhook(id) },
		"disabled": func(w *world, id int64) { w.UpdateWebhook(id, func(h *jirasim.Webhook) { h.Disabled = true }) },
		"moved": func(w *world, id int64) {
			w.UpdateWebhook(id, func(h *jirasim.Webhook) { h.URL = "https://elsewhere.example/" })
		},
		"narrowed": func(w *world, id int64) { w.UpdateWebhook(id, func(h *jirasim.Webhook) { h.Events = h.Events[:1] }) },
		"filtered": func(w *world, id int64) { w.UpdateWebhook(id, func(h *jirasim.Webhook) { h.JQL = "project = PAY" }) },
		"bodiless": func(w *world, id int64) { w.UpdateWebhook(id, func(h *jirasim.Webhook) { h.ExcludeBody = true }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, jirasim.Config{}, false, both)
				w.AddProject(jirasim.Project{Key: "PAY"})
				stop := w.keep(t)
				defer stop()
				time.Sleep(12 * time.Minute)
				synctest.Wait()
				before, right := w.Webhooks()[0], w.registered()
				change(w, before.ID)
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				_, got, _ := strings.Cut(w.registered(), " ")
				if _, want, _ := strings.Cut(right, " "); got != want {
					t.Errorf("after the next look there is %q, want %q", got, want)
				}
				state := w.registrar.State()
				if len(w.mended()) != 2 || !state.Live || time.Since(state.Since) > 5*time.Minute {
					t.Errorf("mended at %s, the state is %+v", w.mended(), state)
				}
				last := w.verified()[len(w.verified())-1]
				if last.After(w.mended()[1]) {
					t.Errorf("found right at %s, which hides that it was mended at %s", last, w.mended()[1])
				}
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if got := w.verified()[len(w.verified())-1]; !got.After(w.mended()[1]) {
					t.Errorf("a look later it was last found right at %s", got)
				}
			})
		})
	}
}

// The webhook of Port's own integration is taken over as it is, and made right.
func TestTheIncumbentsWebhookIsTakenOver(t *testing.T) {
	w := newWorld(t, jirasim.Config{}, false, both)
	w.AddWebhook(jirasim.Webhook{Name: hookName, URL: hookURL, Events: []string{"jira:issue_created", "board_created"}})
	w.AddWebhook(jirasim.Webhook{Name: "somebody's", URL: "https://other.example/", Events: []string{"jira:issue_created"}})
	if _, err := w.registrar.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("1 ferry.example/integration/webhook %d events\n2 other.example/ 1 events unsigned named somebody's", len(source.Events(false)))
	if got := w.registered(); got != want {
		t.Errorf("there is\n%s\nwant\n%s", got, want)
	}
}

// Another base URL moves the webhook and leaves none behind (I-60).
func TestAnotherBaseURLLeavesNoStrays(t *testing.T) {
	for _, kind := range kinds {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, kind.config, kind.dynamic, both)
			for _, base := range []string{"https://one.example", "https://two.example/", "https://two.example/", "https://one.example"} {
				w.config.BaseURL = base
				w.restart(t)
				stop := w.keep(t)
				time.Sleep(time.Minute)
				stop()
				want := strings.Trim(base[8:], "/") + "/integration/webhook"
				if got := w.registered(); strings.Count(got, "\n") != 0 || !strings.Contains(got, want) {
					t.Errorf("%s: with the base URL %s there is\n%s", kind.name, base, got)
				}
			}
		})
	}
}

// However the base URL and the prefix are spelled, the address has no doubled slash (I-61).
func TestTheAddress(t *testing.T) {
	for _, test := range []struct{ base, prefix, want string }{
		{"https://ferry.example", "", "https://ferry.example/integration/webhook"},
		{"https://ferry.example/", "", "https://ferry.example/integration/webhook"},
		{"https://ferry.example//", "/", "https://ferry.example/integration/webhook"},
		{"https://ferry.example/", "hooks", "https://ferry.example/hooks/integration/webhook"},
		{"https://ferry.example/", "/hooks/", "https://ferry.example/hooks/integration/webhook"},
		{" https://Ferry.example:8443/a/ ", "/b", "https://Ferry.example:8443/a/b/integration/webhook"},
		{"", "", "no base URL is set"},
		{"ferry.example", "", "the base URL is not like"},
		{"ftp://ferry.example", "", "the base URL is not like"},
		{"https://ferry.example/?a=b", "", "the base URL is not like"},
	} {
		w := newWorld(t, jirasim.Config{}, false, both)
		w.config.BaseURL, w.config.PathPrefix = test.base, test.prefix
		w.restart(t)
		_, err := w.registrar.Ensure(t.Context())
		got := ""
		if all := w.Webhooks(); len(all) > 0 {
			got = all[0].URL
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, test.want) {
			t.Errorf("of %q and %q comes %q, want %q", test.base, test.prefix, got, test.want)
		}
	}
}

// A permission that is lost is told once, and its return is seen within the hour.
func TestAPermissionLostAndRegained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, false, both)
		stop := w.keep(t)
		defer stop()
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		w.meddle(func(q *http.Request, _ string) *http.Response {
			if strings.HasSuffix(q.URL.Path, "/mypermissions") {
				return jiraAnswer(200, `{"permissions":{"ADMINISTER":{"havePermission":false}}}`)
			}
			return nil
		})
		time.Sleep(26 * time.Hour)
		synctest.Wait()
		state, asked := w.registrar.State(), w.Count("/rest/webhooks/1.0/webhook")
		if state.Live || !strings.Contains(state.Reason, "Administer Jira") || time.Since(state.Since) < 25*time.Hour || time.Since(state.CheckedAt) > time.Hour {
			t.Errorf("without the permission the state is %+v", state)
		}
		if warned := w.lines("WARN"); len(warned) != 1 || !strings.Contains(warned[0], "Administer Jira") {
			t.Errorf("was warned %q, want once", warned)
		}
		if asked > 10 {
			t.Errorf("Jira was asked %d times, want about once an hour, and for the permission first", asked)
		}
		w.meddle(nil)
		time.Sleep(time.Hour)
		synctest.Wait()
		if state := w.registrar.State(); !state.Live || state.Reason != "" || time.Since(state.Since) > time.Hour {
			t.Errorf("with the permission again the state is %+v", state)
		}
		if len(w.mended()) != 2 {
			t.Errorf("told to make up for what was not heard at %s, want at the start and now", w.mended())
		}
		if told := w.lines("INFO"); len(told) != 2 {
			t.Errorf("was told %q, want that it is live, twice", told)
		}
	})
}

// What only a person can change is told in a sentence, and nothing is sent to Jira for it in vain.
func TestWhatIsForPeopleToDo(t *testing.T) {
	unsigned := hooks.Trust{}
	for _, test := range []struct {
		name    string
		dynamic bool
		trust   hooks.Trust
		change  func(*world)
		says    string
	}{
		{"no base URL", false, both, func(w *world) { w.config.BaseURL = "" }, "set OCEAN__BASE_URL"},
		{"nothing to prove deliveries", false, unsigned, func(*world) {}, "set FERRY_WEBHOOK_SECRET"},
		{"an app without its secret", true, hooks.Trust{Secrets: []string{secret}}, func(*world) {}, "set the client secret of the OAuth app"},
		{"a scoped token", false, both, func(w *world) { w.base = gateway }, "out of reach of scoped API tokens"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, jirasim.Config{}, test.dynamic, test.trust)
			test.change(w)
			w.restart(t)
			stop := w.keep(t)
			time.Sleep(10 * time.Hour)
			stop()
			if state := w.registrar.State(); state.Live || !strings.Contains(state.Reason, test.says) {
				t.Errorf("%s: the state is %+v, want a reason that says %q", test.name, state, test.says)
			}
			if warned := w.lines("WARN"); len(warned) != 1 || len(w.verified()) != 0 || len(w.Requests()) > 40 {
				t.Errorf("%s: warned %q, verified %d, %d requests", test.name, warned, len(w.verified()), len(w.Requests()))
			}
		})
	}
}

// While Jira is down it is asked ever more rarely, and soon again after.
func TestJiraIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, false, both)
		w.Inject(jirasim.Fault{Do: jirasim.ServerError, Status: 503})
		stop := w.keep(t)
		defer stop()
		time.Sleep(24 * time.Hour)
		if n := len(w.Requests()); n < 24*6 || n > 2*24*6+20 {
			t.Errorf("in a day Jira was asked %d times, want for two things every ten minutes", n)
		}
		if state := w.registrar.State(); state.Live || state.Reason == "" {
			t.Errorf("the state is %+v", state)
		}
		w.Heal()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if !w.registrar.State().Live {
			t.Errorf("ten minutes after, the state is %+v", w.registrar.State())
		}
	})
}

// Run ends with its context, also while it waits for Jira.
func TestRunEndsWhileJiraHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, false, both)
		w.Inject(jirasim.Fault{Do: jirasim.Hang})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.registrar.Run(ctx)
		if took := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); took != time.Second {
			t.Errorf("Run ended after %s, want a second", took)
		}
		if warned := w.lines("WARN"); len(warned) != 0 {
			t.Errorf("warned %q of its own end", warned)
		}
	})
}

// A webhook that was made by a look that then failed is made up for by the next that does not.
func TestALookThatFailsAfterItHasMadeTheWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, jirasim.Config{}, false, both)
		stop := w.keep(t)
		defer stop()
		time.Sleep(12 * time.Minute)
		synctest.Wait()
		w.RemoveWebhook(w.Webhooks()[0].ID)
		w.meddle(func(q *http.Request, _ string) *http.Response {
			if q.Method == http.MethodGet && len(w.Webhooks()) > 0 {
				return jiraAnswer(500, `{}`)
			}
			return nil
		})
		time.Sleep(10 * time.Minute)
		w.meddle(nil)
		before := len(w.verified())
		time.Sleep(8 * time.Minute)
		synctest.Wait()
		if at := w.mended(); len(at) != 2 || w.verified()[before-1].After(at[1]) || !w.registrar.State().Live {
			t.Errorf("mended at %s, verified at %s", at, w.verified())
		}
	})
}
