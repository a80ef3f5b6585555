package jira

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

var errNotAdministrator = &kindError{
	"the account lacks the global permission Administer Jira (ADMINISTER), without which no webhook can be registered: " +
		"grant it, or let an administrator register the webhook by hand (Settings, System, WebHooks)",
	[]error{ErrForbidden},
}

// adminEnsurer carries a wish from look to look.
type adminEnsurer struct {
	api  adminWebhooks
	wish WebhookWish

	events []string            // of the wish, those that Jira may know
	asked  map[string][]string // by id: the events of the latest write, until the next look
	tried  map[attempted]bool  // what is not to be done twice
	lost   bool                // the answer to a creation was lost
	mute   bool                // this Jira takes no secret
	out    WebhookOutcome
}

// attempted is what of a webhook has been written, in the words of
// [WebhookRepair].
type attempted struct{ id, what string }

// ensureAdmin looks, does the next thing that is missing, and looks again, until
// nothing is missing. So what others do meanwhile is seen, and an answer that
// was lost is no harm.
func (c *Client) ensureAdmin(ctx context.Context, wish WebhookWish) (WebhookOutcome, error) {
	api, err := c.adminWebhooks(ctx)
	if err != nil {
		return WebhookOutcome{}, err
	}
	if err := c.needAdministrator(ctx); err != nil {
		return WebhookOutcome{}, err
	}
	e := &adminEnsurer{api: api, wish: wish, events: wish.Events, asked: map[string][]string{}, tried: map[attempted]bool{}}
	for range maxEnsureRounds {
		settled, err := e.round(ctx)
		if settled || err != nil {
			return e.out, err
		}
	}
	return e.out, errUnsteady
}

// round looks once and does what comes first: there must be one webhook, then
// it must be right, then the others of ours go.
func (e *adminEnsurer) round(ctx context.Context) (settled bool, err error) {
	hooks, err := e.api.list(ctx)
	if err != nil {
		return false, err
	}
	keep, strays := chooseAdmin(hooks, e.wish)
	if keep == nil {
		return false, e.create(ctx)
	}
	if e.learn(*keep); len(e.events) == 0 {
		return false, errNoEvents
	}
	wrong := e.wrong(*keep)
	if fresh := e.untried(*keep, wrong); len(fresh) > 0 {
		return false, e.repair(ctx, *keep, fresh)
	}
	for _, w := range strays {
		if err := e.remove(ctx, w.ID); err != nil {
			return false, err
		}
	}
	e.settle(*keep, wrong)
	return true, nil
}

// untried are the faults that have not been mended in vain.
func (e *adminEnsurer) untried(w Webhook, wrong []string) []string {
	return slices.DeleteFunc(slices.Clone(wrong), func(what string) bool {
		return e.tried[attempted{w.ID, what}] || what == "secret" && e.mute
	})
}

func (e *adminEnsurer) settle(w Webhook, wrong []string) {
	e.out.Webhooks, e.out.Unsettled = []Webhook{w}, wrong
	if e.lost && len(e.out.Created) == 0 {
		e.out.Created = []string{w.ID}
	}
	if w.Name != e.wish.Name || e.tried[attempted{w.ID, "url"}] {
		e.out.Adopted = []string{w.ID}
	}
}

// chooseAdmin says which webhook stays and which of ours go: at the URL and by
// the name before at the URL, before by the name; of each the lowest id.
func chooseAdmin(hooks []Webhook, wish WebhookWish) (keep *Webhook, strays []Webhook) {
	hooks = slices.SortedFunc(slices.Values(hooks), lowerID)
	here := func(w Webhook) bool { return sameAddress(w.URL, wish.URL) }
	ours := func(w Webhook) bool { return w.Name == wish.Name }
	both := func(w Webhook) bool { return here(w) && ours(w) }
	for _, fits := range []func(Webhook) bool{both, here, ours} {
		if at := slices.IndexFunc(hooks, fits); at >= 0 {
			keep = &hooks[at]
			break
		}
	}
	for _, w := range hooks {
		if ours(w) && w.ID != keep.ID {
			strays = append(strays, w)
		}
	}
	return keep, strays
}

// learn takes from a webhook that has just been written which events Jira left
// out without a word, as Cloud does.
func (e *adminEnsurer) learn(w Webhook) {
	e.drop(lessEvents(e.asked[w.ID], w.Events))
	delete(e.asked, w.ID)
}

// drop gives events up.
func (e *adminEnsurer) drop(events []string) {
	e.out.Unavailable = eventSet(append(e.out.Unavailable, events...))
	e.events = lessEvents(e.events, events)
}

// wrong names what of the webhook is not as wished. Its name is not among it:
// two integrations at one URL would give it their names by turns.
func (e *adminEnsurer) wrong(w Webhook) []string {
	var wrong []string
	for _, check := range []struct {
		what string
		bad  bool
	}{
		{"url", !sameAddress(w.URL, e.wish.URL)},
		{"events", !sameEvents(w.Events, e.events)},
		{"filter", !sameFilter(w.JQL, e.wish.JQL)},
		{"enabled", !w.Enabled},
		{"body", w.ExcludeBody},
		{"secret", e.secretWrong(w)},
	} {
		if check.bad {
			wrong = append(wrong, check.what)
		}
	}
	return wrong
}

// secretWrong reports whether the secret is to be put: Jira says that it holds
// none, or nobody knows that it holds ours.
func (e *adminEnsurer) secretWrong(w Webhook) bool {
	if e.wish.Secret == "" {
		return false
	}
	return w.unsigned || e.mute || !e.wish.SecretVerified && !e.tried[attempted{w.ID, "secret"}]
}

// spec is what is written, always whole and with the secret: a PUT without one
// keeps it at Cloud, and nobody says so of Data Center.
func (e *adminEnsurer) spec(name string) WebhookSpec {
	s := WebhookSpec{Name: name, URL: e.wish.URL, Events: e.events, JQL: e.wish.JQL, Secret: e.wish.Secret}
	if e.mute {
		s.Secret = ""
	}
	return s
}

func (e *adminEnsurer) create(ctx context.Context) error {
	if len(e.out.Created) > 0 {
		return errors.New("the webhook was taken and is not in Jira's list: look for it in Settings, System, WebHooks")
	}
	var made Webhook
	events, err := e.write(e.wish.Name, func(s WebhookSpec) (err error) {
		made, err = e.api.create(ctx, s)
		return err
	})
	switch {
	case err != nil && outcomeUnknown(err) && !e.lost:
		e.lost = true
		return nil // the next look tells
	case err != nil:
		return err
	}
	e.out.Created = append(e.out.Created, made.ID)
	e.asked[made.ID], e.tried[attempted{made.ID, "secret"}] = events, true
	return nil
}

func (e *adminEnsurer) repair(ctx context.Context, w Webhook, what []string) error {
	events, err := e.write(cmp.Or(strings.TrimSpace(w.Name), e.wish.Name), func(s WebhookSpec) error {
		return e.api.update(ctx, w.ID, s)
	})
	if gone(err) {
		return nil // somebody removed it; the next look tells
	}
	if err != nil {
		return err
	}
	for _, done := range what {
		e.tried[attempted{w.ID, done}] = true
	}
	e.asked[w.ID] = events
	e.out.Repaired = append(e.out.Repaired, WebhookRepair{w.ID, what})
	return nil
}

// write sends the spec, and again without what Jira names in refusing it, and
// returns the events that it was sent with. Each time at least one thing less is
// asked for, so that it ends.
func (e *adminEnsurer) write(name string, send func(WebhookSpec) error) ([]string, error) {
	for {
		spec := e.spec(name)
		err := send(spec)
		refused, ok := errors.AsType[*Error](err)
		if !ok || refused.Status != http.StatusBadRequest {
			return spec.Events, err
		}
		unknown := refusedEvents(refused.Messages, spec.Events)
		switch {
		case len(unknown) > 0 && len(unknown) < len(spec.Events):
			e.drop(unknown)
		case spec.Secret != "" && namesSecret(refused.Messages):
			e.mute = true
		default:
			return nil, err
		}
	}
}

// namesSecret reports whether Jira refuses a secret, as a Data Center may that
// does not know the member.
func namesSecret(messages []string) bool {
	return slices.ContainsFunc(messages, func(m string) bool {
		return strings.Contains(strings.ToLower(m), "secret")
	})
}

func (e *adminEnsurer) remove(ctx context.Context, id string) error {
	err := e.api.remove(ctx, id)
	if gone(err) {
		return nil // another process was faster
	}
	if err == nil {
		e.out.Removed = append(e.out.Removed, id)
	}
	return err
}

// gone reports whether there is no such webhook, in whatever words: the list
// has just shown that the resource is there.
func gone(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Status == http.StatusNotFound && !errors.Is(err, ErrNotLoggedIn)
}

// needAdministrator asks whether the account may administer Jira. Without the
// permission Jira's answer to the webhooks' own resource is a bare 401 or 403.
func (c *Client) needAdministrator(ctx context.Context) error {
	q := &call{method: http.MethodGet, path: "/rest/api/3/mypermissions", query: url.Values{"permissions": {"ADMINISTER"}}}
	var a struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	q.decode = func(body []byte) error {
		a.Permissions = nil
		if err := decodeObject(body, &a); err != nil {
			return err
		}
		if a.Permissions == nil {
			return notJira("answered JSON without permissions")
		}
		return nil
	}
	if err := c.do(ctx, q); err != nil {
		return err
	}
	if !a.Permissions["ADMINISTER"].Have {
		return q.fail(errNotAdministrator)
	}
	return nil
}
