package jira

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// WebhookFamily is which sort of webhook to use.
type WebhookFamily int

const (
	// FamilyAuto means dynamic webhooks for a token at the gateway that is
	// sent as Bearer, as of OAuth 2.0 apps, and else admin webhooks.
	FamilyAuto WebhookFamily = iota
	FamilyAdmin
	FamilyDynamic
)

func (f WebhookFamily) String() string {
	switch f {
	case FamilyAuto:
		return "auto"
	case FamilyAdmin:
		return "admin"
	case FamilyDynamic:
		return "dynamic"
	}
	panic(fmt.Sprintf("jira: no family of webhooks has the number %d", int(f)))
}

// DefaultWebhookName is the name under which the integration's webhook is
// registered: that of Port's own integration, so that each finds the other's.
func DefaultWebhookName(identifier string) string { return identifier + "-Port-Ocean-Events-Webhook" }

// WebhookWish says which webhook there is to be.
type WebhookWish struct {
	// Identifier of the integration. Name is what an admin webhook is known by;
	// empty means [DefaultWebhookName]. Two integrations on one site need two
	// names. One of the two fields is required.
	Identifier, Name string

	// URL is where deliveries go. Jira Cloud wants https.
	URL string

	// Events by Jira's names. Those that Jira does not offer are left out and
	// told, see [WebhookOutcome.Unavailable].
	Events []string

	// JQL narrows the events of issues; "" means all projects.
	JQL string

	// Secret signs the deliveries of an admin webhook. Empty means that
	// whatever secret there is stays. Dynamic webhooks take none: Jira signs
	// their deliveries with the app's client secret, see [VerifyJWT].
	Secret WebhookSecret

	// SecretVerified says that Jira is known to hold this very secret, because
	// a delivery signed with it has come or an earlier call has put it. Without
	// it the secret is put once in each call: Jira tells that it holds one, never
	// which, so that after a change of the secret nothing else would make the
	// registration right. Putting the secret that is there already changes
	// nothing.
	SecretVerified bool

	Family WebhookFamily

	// RefreshWithin is how long before their end dynamic webhooks are
	// refreshed. 0 means 15 days, half of their life.
	RefreshWithin time.Duration

	// Replace allows to remove the app's dynamic webhooks at other URLs. They
	// may be another installation's, which then hears nothing any more; but an
	// app can have only one URL on a site.
	Replace bool
}

// WebhookOutcome is what [Client.EnsureWebhook] found and did.
type WebhookOutcome struct {
	Family WebhookFamily // never FamilyAuto

	// Webhooks are those that serve the wish: one, or two dynamic ones that
	// share the projects between them.
	Webhooks []Webhook

	Created   []string        // ids
	Adopted   []string        // ids of admin webhooks that were found at this URL under another name, or under this name at another URL
	Repaired  []WebhookRepair // in the order they were made
	Removed   []string        // ids
	Refreshed []string        // ids

	// Unavailable are events that were wished for and do not come: Jira does
	// not offer them. Leave them out of the next wish, or the webhook is asked
	// for them again.
	Unavailable []string

	// Unsettled is what Jira keeps otherwise although it was asked, in the
	// words of [WebhookRepair]. "secret" among it means that deliveries come
	// without a signature, from a Data Center that takes no secret.
	Unsettled []string
}

// WebhookRepair is what was changed in one webhook: "url", "events", "filter",
// "enabled", "body", "secret".
type WebhookRepair struct {
	ID   string
	What []string
}

// Changed reports whether anything was done.
func (o WebhookOutcome) Changed() bool {
	return len(o.Created)+len(o.Repaired)+len(o.Removed)+len(o.Refreshed) > 0
}

// Expires is when the first of the webhooks ends; zero if none does.
func (o WebhookOutcome) Expires() time.Time {
	var first time.Time
	for _, w := range o.Webhooks {
		if !w.Expires.IsZero() && (first.IsZero() || w.Expires.Before(first)) {
			first = w.Expires
		}
	}
	return first
}

// String tells it in words, without the URL.
func (o WebhookOutcome) String() string {
	var parts []string
	tell := func(verb string, what []string) {
		if len(what) > 0 {
			parts = append(parts, verb+" "+strings.Join(what, ", "))
		}
	}
	tell("created", o.Created)
	tell("adopted", o.Adopted)
	for _, r := range o.Repaired {
		tell("repaired "+r.ID+":", r.What)
	}
	tell("removed", o.Removed)
	tell("refreshed", o.Refreshed)
	if !o.Changed() {
		tell("unchanged", webhookIDs(o.Webhooks))
	}
	if end := o.Expires(); !end.IsZero() {
		tell("ends", []string{end.Format(time.DateOnly)})
	}
	tell("Jira does not offer", o.Unavailable)
	tell("Jira keeps otherwise", o.Unsettled)
	return o.Family.String() + " webhook: " + strings.Join(parts, "; ")
}

func webhookIDs(hooks []Webhook) []string {
	var ids []string
	for _, w := range hooks {
		ids = append(ids, w.ID)
	}
	return ids
}

// EnsureWebhook makes the registration what the wish says, from whatever is
// there, and tells what it did. It may be called at any time and as often as one
// likes, from several processes too; dynamic webhooks, which end after 30 days,
// need it at least once in [WebhookWish.RefreshWithin].
//
// Admin webhooks are ours by their name. One at the URL by another name is
// adopted as it is called; one by the name at another URL is moved. Of several
// the one with the lowest id stays, so that processes that begin at the same
// time agree. What has another name and another URL is never touched.
//
// Dynamic webhooks have no name; ours are those at the URL, and those whose
// filter carries a mark made of the name.
//
// Beside an error the outcome tells what had been done before it.
//
// The error is [ErrForbidden] if the account may not administer Jira, before
// anything was tried, and [ErrNoWebhooks] if such credentials cannot have a
// webhook of the family. Both are for a person: Ferry then lives by its
// schedule.
//
//jira:operation GET /rest/api/3/mypermissions https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-permissions/#api-rest-api-3-mypermissions-get
func (c *Client) EnsureWebhook(ctx context.Context, wish WebhookWish) (WebhookOutcome, error) {
	wish, err := wish.complete()
	if err != nil {
		return WebhookOutcome{}, fmt.Errorf("ensure webhook: %w", err)
	}
	family, err := c.webhookFamily(ctx, wish.Family)
	if err != nil {
		return WebhookOutcome{}, fmt.Errorf("ensure webhook %q: %w", wish.Name, err)
	}
	ensure := c.ensureAdmin
	if family == FamilyDynamic {
		ensure = c.ensureDynamic
	}
	outcome, err := ensure(ctx, wish)
	outcome.Family = family
	if err != nil {
		return outcome, fmt.Errorf("ensure webhook %q: %w", wish.Name, err)
	}
	return outcome, nil
}

// complete fills in what the zero values stand for, and checks.
func (w WebhookWish) complete() (WebhookWish, error) {
	if w.Name == "" && w.Identifier == "" {
		return w, errors.New("neither an identifier nor a name for the webhook")
	}
	if w.Name == "" {
		w.Name = DefaultWebhookName(w.Identifier)
	}
	if w.RefreshWithin == 0 {
		w.RefreshWithin = 15 * 24 * time.Hour
	}
	w.URL, w.JQL = strings.TrimSpace(w.URL), strings.TrimSpace(w.JQL)
	w.Events = eventSet(w.Events)
	return w, WebhookSpec{Name: w.Name, URL: w.URL, Events: w.Events}.check()
}

// webhookFamily decides what "auto" means for these credentials.
func (c *Client) webhookFamily(ctx context.Context, wanted WebhookFamily) (WebhookFamily, error) {
	if wanted != FamilyAuto {
		return wanted, nil
	}
	via, err := c.routed.do(ctx, c.findRoute)
	if err != nil {
		return FamilyAuto, err
	}
	if !c.atGateway(via.base) {
		return FamilyAdmin, nil
	}
	bearer, err := sendsBearer(ctx, via)
	switch {
	case err != nil:
		return FamilyAuto, err
	case bearer:
		return FamilyDynamic, nil
	}
	return FamilyAuto, errNotAtGateway
}

// sendsBearer looks at the header that the credentials put on a request, which
// is not sent.
func sendsBearer(ctx context.Context, via *route) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, via.base.String(), nil)
	if err != nil {
		return false, err
	}
	if err := via.auth.Authorize(ctx, r); err != nil {
		return false, err
	}
	scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(scheme, "Bearer"), nil
}

// maxEnsureRounds bounds how often the list is read anew while others change it
// too. Two processes need three: to make one each, to see both, to see one.
const maxEnsureRounds = 6

var errUnsteady = errors.New("the list of webhooks does not come to show what was registered: " +
	"does another installation with the same name or URL register webhooks too?")

var errNoEvents = errors.New("such webhooks know none of the events that are wished for: ask for others")

// sameEvents compares as sets.
func sameEvents(a, b []string) bool {
	return slices.Equal(eventSet(a), eventSet(b))
}

func eventSet(events []string) []string { return slices.Compact(slices.Sorted(slices.Values(events))) }

// lessEvents is events less those of others, sorted.
func lessEvents(events, others []string) []string {
	return slices.DeleteFunc(eventSet(events), func(e string) bool { return slices.Contains(others, e) })
}

// refusedEvents are those of events that Jira's messages refuse: of each message
// the first that it names, for it may go on to name those that would do. Names are
// words of letters, underscores and colons.
func refusedEvents(messages, events []string) []string {
	var refused []string
	for _, m := range messages {
		words := strings.FieldsFunc(m, func(r rune) bool {
			return r != '_' && r != ':' && (r < 'a' || r > 'z')
		})
		named := func(word string) bool { return slices.Contains(events, strings.Trim(word, ":")) }
		if at := slices.IndexFunc(words, named); at >= 0 {
			refused = append(refused, strings.Trim(words[at], ":"))
		}
	}
	return eventSet(refused)
}

// sameAddress compares URLs; scheme and host may be spelt either way, a port that
// goes without saying may be said, and so may the path of none.
func sameAddress(a, b string) bool {
	return tidyAddress(a) == tidyAddress(b)
}

func tidyAddress(text string) string {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil {
		return text
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	u.Path = cmp.Or(u.Path, "/")
	return u.String()
}

// lowerID orders ids, which are digits, as numbers.
func lowerID(a, b Webhook) int {
	if d := len(a.ID) - len(b.ID); d != 0 {
		return d
	}
	return strings.Compare(a.ID, b.ID)
}

// outcomeUnknown reports whether a call that failed may still have been done.
func outcomeUnknown(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == 0 || e.Status >= 500 || e.Status < 300)
}
