package jira

import "time"

// At reports whether a webhook delivers to the URL of the wish.
func (w WebhookWish) At(hook Webhook) bool { return sameAddress(hook.URL, w.URL) }

// Ours reports whether a webhook of the family is one that [Client.EnsureWebhook]
// would keep, change or remove for the wish.
func (w WebhookWish) Ours(family WebhookFamily, hook Webhook) bool {
	if w.Name == "" {
		w.Name = DefaultWebhookName(w.Identifier)
	}
	if family == FamilyDynamic {
		return (&dynamicEnsurer{wish: w}).ours(hook)
	}
	return w.At(hook) || hook.Name == w.Name
}

// Wrong names what of a webhook that is ours is not as wished, in the words of
// [WebhookRepair]; of a dynamic one also "fields", to which it is narrowed, and
// "ended". Whether Jira holds the secret of the wish does not show, only that it
// holds none. Of two dynamic webhooks that share the projects each is right.
func (w WebhookWish) Wrong(family WebhookFamily, hook Webhook) []string {
	w.Events, w.SecretVerified = eventSet(w.Events), true
	if family != FamilyDynamic {
		return (&adminEnsurer{wish: w, events: w.Events}).wrong(hook)
	}
	dynamic := lessEvents(w.Events, lessEvents(w.Events, DynamicEvents()))
	var wrong []string
	for _, check := range []struct {
		what string
		bad  bool
	}{
		{"url", !w.At(hook)},
		{"events", !sameEvents(hook.Events, dynamic)},
		{"filter", !w.filters(hook.JQL)},
		{"fields", len(hook.Fields)+len(hook.PropertyKeys) > 0},
		{"ended", !hook.Expires.IsZero() && !time.Now().Before(hook.Expires)},
	} {
		if check.bad {
			wrong = append(wrong, check.what)
		}
	}
	return wrong
}

// filters reports whether a dynamic webhook's filter is one of those that serve.
func (w WebhookWish) filters(jql string) bool {
	if w.JQL != "" {
		return sameFilter(jql, w.JQL)
	}
	return excludesUUID.MatchString(jql) || isOnlyProject.MatchString(jql) || isExceptProject.MatchString(jql)
}
