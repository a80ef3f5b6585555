package hooks

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"ferry/jira"
)

// RegistrarConfig says which webhook Jira is to have.
type RegistrarConfig struct {
	// Identifier of the integration, of which the webhook's name is made.
	Identifier string

	// BaseURL is the address at which Jira reaches Ferry, and PathPrefix what the path has before
	// /integration/webhook. Slashes at their ends do not count.
	BaseURL, PathPrefix string

	Trust Trust // as of the [Receiver]

	// Family of the webhook; the zero value chooses by the credentials.
	Family jira.WebhookFamily

	// Replace allows to remove what the same OAuth app has registered at another address.
	Replace bool

	// Every is how often the webhook is looked at. 0: five minutes.
	Every time.Duration

	// Verified is called after a look that found the webhook there, enabled and right, as the one
	// before did, with the time at which the look began: nothing that happened between the two
	// went unheard for want of a webhook. Mended is called in its place where that cannot be said:
	// after the first look, since nobody listened before, after looks that failed, and after one that
	// had to make or repair the webhook. Some of what happened since either was last called may then
	// not have been heard. Run calls them and waits for them. May be nil.
	Verified, Mended func(ctx context.Context, at time.Time)

	Logger *slog.Logger // nil: nothing is logged
}

// State is how the webhook is.
type State struct {
	Live      bool      // it was there, enabled and right when it was last looked at
	Reason    string    // why it is not, in a sentence that says what to do
	Since     time.Time // since when without a break; a repair is one
	CheckedAt time.Time // when it was last looked at
	Expires   time.Time // when it ends unless it is refreshed; zero if it does not
	Outcome   jira.WebhookOutcome
}

// How long to wait after a look that did not go well.
const (
	firstRetry = 30 * time.Second
	lastRetry  = 10 * time.Minute
	restRetry  = time.Hour // after what only a person can change
)

// Registrar keeps the webhook registered. Of Run, Ensure, List and Remove one may run at a time.
type Registrar struct {
	client   *jira.Client
	receiver *Receiver // may be nil
	config   RegistrarConfig
	log      *slog.Logger
	state    atomic.Pointer[State]

	unsure      bool      // something may have gone unheard since Verified or Mended was last called
	settled     bool      // a registration has succeeded
	onPath      bool      // this Jira signs nothing that we can check, so that the path is the secret
	put         time.Time // when the secret was last put
	unavailable []string  // events that this Jira does not offer
	warned      string    // the reason that was last told
}

// NewRegistrar makes a registrar. receiver is where the deliveries come in, by which it is known
// that Jira holds the secret; nil if they come in elsewhere.
func NewRegistrar(client *jira.Client, receiver *Receiver, config RegistrarConfig) *Registrar {
	config.Every = cmp.Or(config.Every, 5*time.Minute)
	r := &Registrar{
		client: client, receiver: receiver, config: config, unsure: true,
		log: cmp.Or(config.Logger, slog.New(slog.DiscardHandler)),
	}
	r.state.Store(&State{Reason: "the webhook was not looked at yet"})
	return r
}

// State is how the webhook is.
func (r *Registrar) State() State { return *r.state.Load() }

// Run looks after the webhook until ctx ends.
func (r *Registrar) Run(ctx context.Context) {
	for failures := 0; ; {
		err := r.check(ctx)
		if ctx.Err() != nil {
			return
		}
		if failures++; err == nil {
			failures = 0
		}
		wait := time.NewTimer(r.pause(err, failures))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
}

// pause is how long to wait after a look.
func (r *Registrar) pause(err error, failures int) time.Duration {
	switch {
	case err == nil:
		return r.config.Every
	case forPeople(err):
		return restRetry
	}
	return min(firstRetry<<min(failures-1, 10), lastRetry)
}

// forPeople tells whether nothing but a person's doing can help.
func forPeople(err error) bool {
	for _, kind := range []error{jira.ErrForbidden, jira.ErrNoWebhooks, errNoBaseURL, errBadBaseURL, errNoProof, errNoPath} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// check looks once, and lets everybody know how it is.
func (r *Registrar) check(ctx context.Context) error {
	began := time.Now()
	looking, cancel := context.WithTimeout(ctx, r.config.Every)
	defer cancel()
	outcome, err := r.Ensure(looking)
	if ctx.Err() != nil {
		return err
	}
	r.unsure = r.unsure || err != nil || mended(outcome)
	r.settle(began, outcome, err)
	if err != nil {
		return err
	}
	call := r.config.Verified
	if r.unsure {
		call = r.config.Mended
	}
	if r.unsure = false; call != nil {
		call(ctx, began)
	}
	return nil
}

// mended tells whether deliveries were missing before, or were refused.
func mended(o jira.WebhookOutcome) bool { return len(o.Created)+len(o.Repaired) > 0 }

// settle makes the state of what a look found, and tells when it became another.
func (r *Registrar) settle(at time.Time, outcome jira.WebhookOutcome, err error) {
	former := r.State()
	next := State{Live: err == nil, Since: former.Since, CheckedAt: at, Outcome: outcome, Expires: outcome.Expires()}
	if err != nil {
		next.Reason = r.config.Trust.hide(err.Error())
	}
	if next.Live != former.Live || next.Since.IsZero() || mended(outcome) {
		next.Since = time.Now()
	}
	r.state.Store(&next)
	switch {
	case err != nil && next.Reason != r.warned:
		r.warned = next.Reason
		r.log.Warn("changes in Jira are not heard as they happen; Ferry finds them by its schedule", "reason", next.Reason)
	case err == nil && (!former.Live || outcome.Changed()):
		r.warned = ""
		r.log.Info("changes in Jira are heard as they happen", "webhook", outcome.String())
	}
}
