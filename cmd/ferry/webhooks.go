package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"

	"ferry/internal/hooks"
	"ferry/jira"
)

// webhooksCommand looks after Jira's webhooks by hand. ferry run does it by itself.
type webhooksCommand struct {
	List   webhooksList   `cmd:"" help:"Show Jira's webhooks, and what is wrong with ours."`
	Ensure webhooksEnsure `cmd:"" help:"Register our webhook, or make it right."`
	Remove webhooksRemove `cmd:"" help:"Remove ours; a ferry that runs registers it anew."`
}

type webhooksFlags struct {
	settingFlags
	logFlags

	JSON bool `help:"Print it as JSON." name:"json"`
}

// Help is shown below the description.
func (*webhooksFlags) Help() string { return runManual }

type (
	webhooksList   struct{ webhooksFlags }
	webhooksEnsure struct{ webhooksFlags }
	webhooksRemove struct{ webhooksFlags }
)

func (c *webhooksList) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, func(r *hooks.Registrar, set settings) error {
		list, err := r.List(ctx)
		if err != nil {
			return webhooksHinted(err, set)
		}
		if c.JSON {
			return writeJSON(a.stdout, registeredJSONs(list))
		}
		return writeRegistered(a.stdout, list)
	})
}

func (c *webhooksEnsure) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, func(r *hooks.Registrar, set settings) error {
		outcome, err := r.Ensure(ctx)
		if err != nil && len(outcome.Webhooks) == 0 && !outcome.Changed() {
			return hinted(err, set)
		}
		write := writeOutcome
		if c.JSON {
			write = func(w io.Writer, o jira.WebhookOutcome) error { return writeJSON(w, outcomeJSONOf(o)) }
		}
		return errors.Join(hinted(err, set), write(a.stdout, outcome))
	})
}

func (c *webhooksRemove) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, func(r *hooks.Registrar, set settings) error {
		removed, err := r.Remove(ctx)
		err = webhooksHinted(err, set) // some may have been removed before
		switch {
		case c.JSON:
			return errors.Join(err, writeJSON(a.stdout, removedJSON{append([]string{}, removed...)}))
		case len(removed) > 0:
			_, e := fmt.Fprintln(a.stdout, "removed "+strings.Join(removed, ", "))
			return errors.Join(err, e)
		case err == nil:
			_, err = fmt.Fprintln(a.stdout, "none of the webhooks is ours")
		}
		return err
	})
}

// with does something with the webhook that the settings describe.
func (f *webhooksFlags) with(ctx context.Context, a *app, do func(*hooks.Registrar, settings) error) error {
	l, faults := f.settingFlags.layer()
	f.logFlags.put(l)
	set, err := a.settings(l, faults)
	if err != nil {
		return err
	}
	log := logger(a.stderr, set.LogLevel, set.LogFormat)
	client, err := jiraClient(set, log)
	if err != nil {
		return err
	}
	err = do(newRegistrar(set, client, nil, hooks.RegistrarConfig{Trust: trust(set), Logger: log}), set)
	if s, ok := bySignal(ctx); ok {
		return &ending{code: s.code(), text: s.Error()}
	}
	return err
}

// webhooksHinted adds what can be done about an account that may not have webhooks.
func webhooksHinted(err error, set settings) error {
	if errors.Is(err, jira.ErrForbidden) {
		const hint = "let a Jira administrator give the account the global permission Administer Jira, or the app the scope manage:jira-webhook"
		return errors.Join(err, &ending{code: exitFailure, hints: []string{hint}})
	}
	return hinted(err, set)
}

// secretPath is the end of a webhook's URL that only Jira and Ferry are to know, of whatever secret it was made.
var secretPath = regexp.MustCompile(`(/integration/webhook/)[^/?#]+`)

// shownURL is a webhook's URL without its secret.
func shownURL(text string) string { return secretPath.ReplaceAllString(text, "${1}…") }

// writeRegistered writes the table.
func writeRegistered(w io.Writer, list []hooks.Registered) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "Jira has no webhooks that this account may see")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "id\tfamily\twhose\tevents\tstate\turl")
	for _, r := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\n", r.ID, r.Family, whose(r), len(r.Events), oneLine(stateOf(r)), oneLine(shownURL(r.URL)))
	}
	return table.Flush()
}

func whose(r hooks.Registered) string {
	if r.Ours {
		return "ours"
	}
	return "others'"
}

// stateOf is what is wrong with one of ours, and of others whether they are on.
func stateOf(r hooks.Registered) string {
	switch {
	case len(r.Wrong) > 0:
		return wrongs(r)
	case !r.Enabled:
		return "disabled"
	case !r.Expires.IsZero():
		return "right until " + r.Expires.UTC().Format(time.DateOnly)
	case r.Ours:
		return "right"
	}
	return "enabled"
}

// inWords is how what is wrong with a webhook is said to people.
var inWords = map[string]string{
	"url": "another URL", "events": "other events", "filter": "another filter", "fields": "narrowed to fields",
	"enabled": "disabled", "body": "no bodies", "secret": "no secret", "ended": "ended",
}

func wrongs(r hooks.Registered) string {
	var words []string
	for _, what := range r.Wrong {
		words = append(words, cmp.Or(inWords[what], what))
	}
	return strings.Join(words, ", ")
}

func writeOutcome(w io.Writer, o jira.WebhookOutcome) error {
	var b strings.Builder
	b.WriteString(o.String() + "\n")
	for _, hook := range o.Webhooks {
		b.WriteString("Jira delivers to " + shownURL(hook.URL) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
