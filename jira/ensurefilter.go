package jira

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A dynamic webhook must have a filter, and of JQL Jira allows it little: no
// query for everything. Two ways select the issues of all projects, those that
// will be made later too:
//
//   - "project not in (<uuid>)", of a project that does not exist. Port's own
//     integration uses it; Atlassian does not promise it. The UUID here is made
//     of the webhook's name, so that it marks the webhook as ours.
//   - Two webhooks, "project = A" and "project != A", of a project that exists.
//     It takes two of the five places, and is right as long as A exists.
//
// A list of all project keys would miss each project that is made later.

// filterChoice is one way to select what is wished for.
type filterChoice interface {
	// make returns the filter of each webhook that it takes.
	make(ctx context.Context, c *Client) ([]string, error)
	// found returns those of the webhooks that are it, nil if they are not
	// all there.
	found(ctx context.Context, c *Client, hooks []Webhook) ([]Webhook, error)
}

// filterChoices are the ways in the order in which they are tried.
func filterChoices(wish WebhookWish) []filterChoice {
	if wish.JQL != "" {
		return []filterChoice{ownFilter(wish.JQL)}
	}
	return []filterChoice{noSuchProject(wish.Name), oneAndTheOthers{}}
}

// ownFilter is the query of the wish.
type ownFilter string

func (f ownFilter) make(context.Context, *Client) ([]string, error) { return []string{string(f)}, nil }

func (f ownFilter) found(_ context.Context, _ *Client, hooks []Webhook) ([]Webhook, error) {
	return firstWebhook(hooks, func(w Webhook) bool { return sameFilter(w.JQL, string(f)) }), nil
}

// firstWebhook is the first that fits, alone, or nil.
func firstWebhook(hooks []Webhook, fits func(Webhook) bool) []Webhook {
	at := slices.IndexFunc(hooks, fits)
	if at < 0 {
		return nil
	}
	return []Webhook{hooks[at]}
}

// noSuchProject excludes a project that does not exist, named after the webhook.
type noSuchProject string

func (f noSuchProject) make(context.Context, *Client) ([]string, error) {
	return []string{allProjects(string(f))}, nil
}

// found takes any UUID: Port's own integration makes a random one.
func (f noSuchProject) found(_ context.Context, _ *Client, hooks []Webhook) ([]Webhook, error) {
	return firstWebhook(hooks, func(w Webhook) bool { return excludesUUID.MatchString(w.JQL) }), nil
}

var excludesUUID = regexp.MustCompile(`(?i)^project\s+not\s+in\s*\(\s*["']?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}["']?\s*\)$`)

// allProjects is the filter that the name marks. The UUID is one of version 8,
// whose content is its maker's own (RFC 9562, section 5.8).
func allProjects(name string) string {
	sum := sha256.Sum256([]byte("webhook " + name))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("project not in (%x-%x-%x-%x-%x)", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// oneAndTheOthers shares the projects between two webhooks.
type oneAndTheOthers struct{}

func (oneAndTheOthers) make(ctx context.Context, c *Client) ([]string, error) {
	key, err := c.firstProject(ctx)
	if err != nil {
		return nil, err
	}
	return []string{onlyProject + Quote(key), exceptProject + Quote(key)}, nil
}

// firstProject is the key of a project that the account sees.
func (c *Client) firstProject(ctx context.Context) (string, error) {
	for page, err := range c.Projects(ctx, ProjectQuery{PageSize: 1}) {
		if err != nil {
			return "", err
		}
		if len(page.Items) == 0 {
			break
		}
		var project Ref
		if err := json.Unmarshal(page.Items[0], &project); err != nil || project.Key == "" {
			return "", notJira("answered a project without a key")
		}
		return project.Key, nil
	}
	return "", errors.New("a webhook for all projects was refused, and the account sees no project to name instead: let it see one")
}

const (
	onlyProject   = "project = "
	exceptProject = "project != "
)

// The two filters as Jira may spell them, and the key in them.
var (
	isOnlyProject   = regexp.MustCompile(`(?i)^project\s*=\s*["']?([a-z][a-z0-9_]*)["']?$`)
	isExceptProject = regexp.MustCompile(`(?i)^project\s*!=\s*["']?([a-z][a-z0-9_]*)["']?$`)
)

func (oneAndTheOthers) found(ctx context.Context, c *Client, hooks []Webhook) ([]Webhook, error) {
	for _, one := range hooks {
		key := matched(isOnlyProject, one.JQL)
		others := firstWebhook(hooks, func(w Webhook) bool { return key != "" && matched(isExceptProject, w.JQL) == key })
		if others == nil {
			continue
		}
		_, err := c.Project(ctx, key)
		if err == nil {
			return slices.SortedFunc(slices.Values(append(others, one)), lowerID), nil
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, err
		}
	}
	return nil, nil
}

// matched is what the expression's group matches of the text, "" if it does not.
func matched(expression *regexp.Regexp, text string) string {
	found := expression.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

// sameFilter compares queries but for spaces, quotes and case, which Jira may
// spell otherwise than it was given them.
func sameFilter(a, b string) bool {
	tidy := strings.NewReplacer(`"`, "", "'", "", "(", " ( ", ")", " ) ")
	words := func(text string) []string { return strings.Fields(strings.ToLower(tidy.Replace(text))) }
	return slices.Equal(words(a), words(b))
}
