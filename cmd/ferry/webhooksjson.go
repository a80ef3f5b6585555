package main

import (
	"time"

	"ferry/internal/hooks"
	"ferry/jira"
)

// What ferry webhooks prints for programs. The keys are a promise, so that they are spelled here. No URL has its secret.

type registeredJSON struct {
	ID      string    `json:"id"`
	Family  string    `json:"family"` // admin, dynamic
	Name    string    `json:"name"`   // of an administrator's
	URL     string    `json:"url"`
	Events  []string  `json:"events"`
	JQL     string    `json:"jql"`
	Enabled bool      `json:"enabled"`
	Signed  bool      `json:"signed"`
	Expires time.Time `json:"expires,omitzero"`
	Ours    bool      `json:"ours"`
	Wrong   []string  `json:"wrong"` // of ours: url, events, filter, fields, enabled, body, secret, ended
}

func registeredJSONs(list []hooks.Registered) []registeredJSON {
	out := make([]registeredJSON, 0, len(list))
	for _, r := range list {
		out = append(out, registeredJSON{
			r.ID, r.Family.String(), r.Name, shownURL(r.URL), append([]string{}, r.Events...), r.JQL,
			r.Enabled, r.Signed, r.Expires.UTC(), r.Ours, append([]string{}, r.Wrong...),
		})
	}
	return out
}

type outcomeJSON struct {
	Family      string       `json:"family"`
	Webhooks    []string     `json:"webhooks"` // ids
	URL         string       `json:"url"`
	Created     []string     `json:"created"`
	Adopted     []string     `json:"adopted"`
	Repaired    []repairJSON `json:"repaired"`
	Removed     []string     `json:"removed"`
	Refreshed   []string     `json:"refreshed"`
	Unavailable []string     `json:"unavailable"` // events that Jira does not offer
	Unsettled   []string     `json:"unsettled"`   // what Jira keeps otherwise
	Expires     time.Time    `json:"expires,omitzero"`
}

type repairJSON struct {
	ID   string   `json:"id"`
	What []string `json:"what"`
}

func outcomeJSONOf(o jira.WebhookOutcome) outcomeJSON {
	list := func(ids []string) []string { return append([]string{}, ids...) }
	out := outcomeJSON{
		Family: o.Family.String(), Webhooks: []string{}, Created: list(o.Created), Adopted: list(o.Adopted), Repaired: []repairJSON{},
		Removed: list(o.Removed), Refreshed: list(o.Refreshed), Unavailable: list(o.Unavailable), Unsettled: list(o.Unsettled),
		Expires: o.Expires().UTC(),
	}
	for _, hook := range o.Webhooks {
		out.Webhooks, out.URL = append(out.Webhooks, hook.ID), shownURL(hook.URL)
	}
	for _, r := range o.Repaired {
		out.Repaired = append(out.Repaired, repairJSON{r.ID, list(r.What)})
	}
	return out
}

type removedJSON struct {
	Removed []string `json:"removed"` // ids
}
