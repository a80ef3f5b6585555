package hooks

import (
	"context"
	"errors"
	"slices"
	"time"

	"ferry/internal/source"
	"ferry/jira"
)

var (
	errNoProof = errors.New("there is nothing that could prove a delivery to be Jira's: set FERRY_WEBHOOK_SECRET, " +
		"or Port's client secret, of which one is made")
	errNoPath = errors.New("this Jira does not sign what it delivers in a way that could be checked, and there is no secret path: " +
		"set the client secret of the OAuth app, or FERRY_WEBHOOK_SECRET, of which a secret path is made")
)

// Ensure makes Jira's registration right, and tells what it did. Beside an error the outcome tells
// what had been done before it.
func (r *Registrar) Ensure(ctx context.Context) (jira.WebhookOutcome, error) {
	if _, err := r.url(""); err != nil {
		return jira.WebhookOutcome{}, err
	}
	if err := r.choose(ctx); err != nil {
		return jira.WebhookOutcome{}, err
	}
	outcome, err := r.ensure(ctx)
	switch {
	case err != nil, r.onPath, r.provable(outcome):
		return outcome, err
	case r.config.Trust.Token == "" && r.config.Trust.Unsigned:
		return outcome, nil
	case r.config.Trust.Token == "":
		return outcome, errNoPath
	}
	r.onPath = true
	moved, err := r.ensure(ctx)
	return after(outcome, moved), err
}

// choose settles whether the secret path is to be used: where there is no secret, and where the
// webhook is already there. Otherwise each start would first move it away, and lose what Jira
// delivers meanwhile.
func (r *Registrar) choose(ctx context.Context) error {
	trust := r.config.Trust
	signs := trust.secret() != "" || trust.knowsApp()
	switch {
	case !signs && trust.Token == "" && !trust.Unsigned:
		return errNoProof
	case r.settled, trust.Token == "":
		return nil
	case !signs:
		r.onPath = true
		return nil
	}
	hooks, err := r.List(ctx)
	if err != nil {
		return nil // what is amiss, the call that is to follow says better
	}
	r.onPath = slices.ContainsFunc(hooks, func(w Registered) bool { return w.secretPath })
	return nil
}

// provable tells whether what the webhook delivers can be checked without the secret path.
func (r *Registrar) provable(o jira.WebhookOutcome) bool {
	if o.Family == jira.FamilyDynamic {
		return r.config.Trust.knowsApp()
	}
	return r.config.Trust.secret() != "" && !slices.Contains(o.Unsettled, "secret")
}

func (r *Registrar) url(token string) (string, error) {
	return webhookURL(r.config.BaseURL, r.config.PathPrefix, token)
}

// wish is the webhook as it should be, at the secret path or without.
func (r *Registrar) wish(onPath bool) (jira.WebhookWish, error) {
	wish := jira.WebhookWish{
		Identifier: r.config.Identifier,
		Events: slices.DeleteFunc(source.Events(r.config.Family == jira.FamilyDynamic), func(name string) bool {
			return slices.Contains(r.unavailable, name)
		}),
		Family:  r.config.Family,
		Replace: r.config.Replace,
	}
	var err error
	if onPath {
		wish.URL, err = r.url(r.config.Trust.Token)
		return wish, err
	}
	wish.URL, err = r.url("")
	wish.Secret, wish.SecretVerified = jira.WebhookSecret(r.config.Trust.secret()), r.secretVerified()
	return wish, err
}

// putAgain is how often a secret is put that Jira seems not to have: so seldom that a forger, whose
// deliveries look as if Jira had another, does no harm.
const putAgain = time.Hour

// secretVerified tells whether Jira is known to hold the secret: it was put, or has signed a
// delivery, and none has come since that was signed with a secret that is not ours.
func (r *Registrar) secretVerified() bool {
	var signed signatures
	if r.receiver != nil {
		signed = r.receiver.signatures()
	}
	known := r.put
	if signed.right.After(known) {
		known = signed.right
	}
	doubted := signed.wrong.After(known) && time.Since(r.put) >= putAgain
	return !known.IsZero() && !doubted
}

// ensure brings the registration to the present wish.
func (r *Registrar) ensure(ctx context.Context) (jira.WebhookOutcome, error) {
	wish, err := r.wish(r.onPath)
	if err != nil {
		return jira.WebhookOutcome{}, err
	}
	began := time.Now()
	outcome, err := r.client.EnsureWebhook(ctx, wish)
	if err != nil {
		return outcome, err
	}
	if wish.Secret != "" && !wish.SecretVerified {
		r.put = began
	}
	r.settled = true
	for _, event := range outcome.Unavailable {
		if !slices.Contains(r.unavailable, event) {
			r.unavailable = append(r.unavailable, event)
		}
	}
	return outcome, nil
}

// after is what two calls did together, and what the second found.
func after(first, second jira.WebhookOutcome) jira.WebhookOutcome {
	second.Created = slices.Concat(first.Created, second.Created)
	second.Repaired = slices.Concat(first.Repaired, second.Repaired)
	second.Removed = slices.Concat(first.Removed, second.Removed)
	second.Unavailable = slices.Concat(first.Unavailable, second.Unavailable)
	return second
}
