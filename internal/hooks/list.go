package hooks

import (
	"context"
	"errors"

	"ferry/jira"
)

// Registered is a webhook that Jira has.
type Registered struct {
	jira.Webhook
	Family jira.WebhookFamily
	Ours   bool     // Ferry keeps, repairs and removes it
	Wrong  []string // of one that is ours, what is not as it should be, in the words of [jira.WebhookRepair]

	secretPath bool // it delivers to our secret path
}

// List is every webhook that our account may see, in Jira's order: an administrator's are those of
// the site, an OAuth app's its own.
func (r *Registrar) List(ctx context.Context) ([]Registered, error) {
	family, hooks, err := r.registered(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]Registered, 0, len(hooks))
	for _, w := range hooks {
		list = append(list, r.compare(family, w))
	}
	return list, nil
}

// compare holds a webhook against what there should be. Without a base URL ours are known by name.
func (r *Registrar) compare(family jira.WebhookFamily, w jira.Webhook) Registered {
	one := Registered{Webhook: w, Family: family}
	wish, _ := r.wish(false)
	path, _ := r.wish(true)
	if r.config.Trust.Token != "" && path.At(w) {
		one.secretPath, wish = true, path
	}
	if one.Ours = wish.Ours(family, w); one.Ours {
		one.Wrong = wish.Wrong(family, w)
	}
	return one
}

// Remove removes the webhooks that are ours, and returns their ids.
func (r *Registrar) Remove(ctx context.Context) ([]string, error) {
	list, err := r.List(ctx)
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, w := range list {
		if !w.Ours {
			continue
		}
		if err := r.remove(ctx, w); err != nil {
			return removed, err
		}
		removed = append(removed, w.ID)
	}
	return removed, nil
}

// remove takes one that somebody removed meanwhile for removed.
func (r *Registrar) remove(ctx context.Context, w Registered) error {
	if w.Family == jira.FamilyDynamic {
		return r.client.DeleteDynamicWebhooks(ctx, w.ID)
	}
	err := r.client.DeleteWebhook(ctx, w.ID)
	if errors.Is(err, jira.ErrNotFound) {
		return nil
	}
	return err
}

// registered are Jira's webhooks, and of which family they are.
func (r *Registrar) registered(ctx context.Context) (jira.WebhookFamily, []jira.Webhook, error) {
	if r.config.Family != jira.FamilyDynamic {
		hooks, err := r.client.Webhooks(ctx)
		if r.config.Family == jira.FamilyAdmin || !errors.Is(err, jira.ErrNoWebhooks) {
			return jira.FamilyAdmin, hooks, err
		}
	}
	hooks, err := r.client.DynamicWebhooks(ctx)
	return jira.FamilyDynamic, hooks, err
}
