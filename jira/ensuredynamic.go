package jira

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"
)

var errURLTaken = errors.New("this OAuth 2.0 app has webhooks at another URL on the site, and may have one URL only: " +
	"use an app for each installation, or allow to replace them")

// dynamicEnsurer carries a wish from look to look.
type dynamicEnsurer struct {
	c    *Client
	wish WebhookWish

	events  []string            // of the wish, those that a dynamic webhook may ask for
	filters []filterChoice      // what is left to try
	refused error               // why the filter before was given up
	asked   map[string][]string // by id: the events that it was made with, until the next look
	made    bool                // all that is wished for was made, and the next look must show it
	lost    bool                // the answer to a creation was lost
	out     WebhookOutcome
}

// ensureDynamic looks, does the next thing that is missing, and looks again. A
// dynamic webhook cannot be changed: what is wrong is made anew and then
// removed, so that deliveries go on meanwhile.
func (c *Client) ensureDynamic(ctx context.Context, wish WebhookWish) (WebhookOutcome, error) {
	e := &dynamicEnsurer{c: c, wish: wish, filters: filterChoices(wish), asked: map[string][]string{}}
	e.out.Unavailable = lessEvents(wish.Events, DynamicEvents())
	e.events = lessEvents(wish.Events, e.out.Unavailable)
	if len(e.events) == 0 {
		return e.out, errNoEvents
	}
	for range maxEnsureRounds + len(e.events) { // each look may teach of an event to leave out
		settled, err := e.round(ctx)
		if settled || err != nil {
			return e.out, err
		}
	}
	return e.out, errUnsteady
}

func (e *dynamicEnsurer) round(ctx context.Context) (settled bool, err error) {
	hooks, err := e.c.DynamicWebhooks(ctx)
	if err != nil {
		return false, err
	}
	slices.SortFunc(hooks, lowerID)
	if e.learn(hooks); len(e.events) == 0 {
		return false, errNoEvents
	}
	keep, err := e.right(ctx, hooks)
	if err != nil {
		return false, err
	}
	if keep == nil {
		return false, e.create(ctx, hooks)
	}
	if err := e.refresh(ctx, keep); err != nil {
		return false, err
	}
	e.out.Webhooks = keep
	if err := e.remove(ctx, e.strays(hooks, keep)); err != nil {
		return false, err
	}
	if e.lost && len(e.out.Created) == 0 {
		e.out.Created = webhookIDs(keep)
	}
	return true, nil
}

// right are webhooks of the list that together are as wished, nil if there are
// none.
func (e *dynamicEnsurer) right(ctx context.Context, hooks []Webhook) ([]Webhook, error) {
	good := slices.DeleteFunc(slices.Clone(hooks), func(w Webhook) bool { return !e.fits(w) })
	for _, choice := range filterChoices(e.wish) {
		keep, err := choice.found(ctx, e.c, good)
		if keep != nil || err != nil {
			return keep, err
		}
	}
	return nil, nil
}

// fits judges all but the filter.
func (e *dynamicEnsurer) fits(w Webhook) bool {
	alive := w.Expires.IsZero() || time.Now().Before(w.Expires)
	return alive && sameAddress(w.URL, e.wish.URL) && sameEvents(w.Events, e.events) &&
		len(w.Fields) == 0 && len(w.PropertyKeys) == 0
}

// ours are the webhooks that may be removed: at the URL, or marked.
func (e *dynamicEnsurer) ours(w Webhook) bool {
	return sameAddress(w.URL, e.wish.URL) || sameFilter(w.JQL, allProjects(e.wish.Name))
}

func (e *dynamicEnsurer) strays(hooks, keep []Webhook) []Webhook {
	kept := webhookIDs(keep)
	return slices.DeleteFunc(slices.Clone(hooks), func(w Webhook) bool {
		return slices.Contains(kept, w.ID) || !e.ours(w)
	})
}

// learn takes from those that were made which events Jira left out without a
// word.
func (e *dynamicEnsurer) learn(hooks []Webhook) {
	for _, w := range hooks {
		if missing := lessEvents(e.asked[w.ID], w.Events); len(missing) > 0 {
			e.leaveOut(missing)
		}
	}
	clear(e.asked)
}

// create registers what is missing by the first of the filters that are left. A
// refusal of events leaves those out, any other the filter.
func (e *dynamicEnsurer) create(ctx context.Context, hooks []Webhook) error {
	if e.made {
		return errUnsteady
	}
	jql, err := e.filters[0].make(ctx, e.c)
	switch {
	case err != nil && e.refused != nil:
		return fmt.Errorf("%w; %w", e.refused, err)
	case err != nil:
		return err
	}
	if err := e.makeRoom(ctx, hooks, len(jql)); err != nil {
		return err
	}
	refused, err := e.register(ctx, jql)
	switch {
	case err != nil:
		return e.createFailed(ctx, hooks, err)
	case refused == nil:
		e.made = true
		return nil
	case e.drop(refused.Messages):
		return nil
	}
	return e.nextFilter(refused)
}

// nextFilter gives up the filter that was refused, or returns why there is no other.
func (e *dynamicEnsurer) nextFilter(refused error) error {
	if e.filters = e.filters[1:]; len(e.filters) == 0 {
		return refused
	}
	e.refused = refused
	return nil
}

// register asks for a webhook for each of the filters, and notes those that were
// made. It returns the first refusal.
func (e *dynamicEnsurer) register(ctx context.Context, jql []string) (*WebhookRegistrationError, error) {
	var specs []DynamicSpec
	for _, filter := range jql {
		specs = append(specs, DynamicSpec{Events: e.events, JQL: filter})
	}
	results, err := e.c.CreateDynamicWebhooks(ctx, e.wish.URL, specs)
	var refused *WebhookRegistrationError
	for _, r := range results {
		switch {
		case r.ID != "":
			e.out.Created = append(e.out.Created, r.ID)
			e.asked[r.ID] = e.events
		case refused == nil:
			refused = r.Err
		}
	}
	return refused, err
}

// drop gives up the events that a refusal names, unless that leaves none.
func (e *dynamicEnsurer) drop(messages []string) bool {
	unknown := refusedEvents(messages, e.events)
	if len(unknown) == 0 || len(unknown) == len(e.events) {
		return false
	}
	e.leaveOut(unknown)
	return true
}

func (e *dynamicEnsurer) leaveOut(events []string) {
	e.out.Unavailable = eventSet(append(e.out.Unavailable, events...))
	e.events = lessEvents(e.events, events)
	e.made = false
}

// sayOneURL are Jira's words where an app has webhooks at another URL: "Only a
// single URL per app is allowed to be registered". Any other refusal must not
// cost the webhooks that are there.
var sayOneURL = regexp.MustCompile(`(?i)\b(only|single|one|another|different)\b.*\burl|\burl\b.*\b(already|currently|another|different)\b`)

// createFailed decides what a refusal of the whole request means. nil: look
// again.
func (e *dynamicEnsurer) createFailed(ctx context.Context, hooks []Webhook, err error) error {
	if outcomeUnknown(err) && !e.lost {
		e.lost = true
		return nil
	}
	refused, ok := errors.AsType[*Error](err)
	if !ok || refused.Status != http.StatusBadRequest {
		return err
	}
	switch {
	case e.drop(refused.Messages):
		return nil
	case !slices.ContainsFunc(refused.Messages, sayOneURL.MatchString):
		return e.nextFilter(err)
	}
	elsewhere := slices.DeleteFunc(slices.Clone(hooks), func(w Webhook) bool { return sameAddress(w.URL, e.wish.URL) })
	foreign := slices.DeleteFunc(slices.Clone(elsewhere), e.ours)
	switch {
	case len(elsewhere) == 0:
		return err
	case len(foreign) > 0 && !e.wish.Replace:
		return fmt.Errorf("%w: %w", errURLTaken, err)
	}
	return e.remove(ctx, elsewhere)
}

// makeRoom removes wrong webhooks of ours where the limit leaves no place for n
// more.
func (e *dynamicEnsurer) makeRoom(ctx context.Context, hooks []Webhook, n int) error {
	tooMany := len(hooks) + n - MaxDynamicWebhooks
	if tooMany <= 0 {
		return nil
	}
	ours := e.strays(hooks, nil)
	return e.remove(ctx, ours[:min(tooMany, len(ours))])
}

func (e *dynamicEnsurer) remove(ctx context.Context, hooks []Webhook) error {
	ids := webhookIDs(hooks)
	if err := e.c.DeleteDynamicWebhooks(ctx, ids...); err != nil {
		return err
	}
	e.out.Removed = append(e.out.Removed, ids...)
	return nil
}

// refresh lets those live on that end soon, or of which nobody knows when, and
// writes their new end into keep.
func (e *dynamicEnsurer) refresh(ctx context.Context, keep []Webhook) error {
	var ids []string
	for _, w := range keep {
		if w.Expires.IsZero() || time.Until(w.Expires) < e.wish.RefreshWithin {
			ids = append(ids, w.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	expires, err := e.c.RefreshDynamicWebhooks(ctx, ids...)
	if err != nil {
		return err
	}
	e.out.Refreshed = ids
	for i := range keep {
		if slices.Contains(ids, keep[i].ID) && !expires.IsZero() {
			keep[i].Expires = expires
		}
	}
	return nil
}
