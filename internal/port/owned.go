package port

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unicode/utf8"
)

const (
	idsPerCall    = 50   // ids of one search
	heldPerPage   = 5000 // entities of one page of the datasource
	maxIdentifier = 1000 // characters; Port has no entity with a longer one
)

// A Key names an entity.
type Key struct {
	Blueprint  string `json:"blueprint"`
	Identifier string `json:"identifier"`
}

// prefix and suffix are what of a User-Agent makes an entity ours: type and identifier, whatever the version.
func (c *Client) prefix() string { return "port-ocean/" + c.config.Type + "/" }
func (c *Client) suffix() string { return "/" + c.config.Identifier + "/exporter" }

type rule struct {
	Property string `json:"property"`
	Operator string `json:"operator"`
	Value    any    `json:"value"`
}

// Owned returns those of ids, in their order, that exist under the blueprint and were last written by this integration.
func (c *Client) Owned(ctx context.Context, blueprint string, ids []string) ([]string, error) {
	return c.among(ctx, blueprint, ids,
		rule{"$datasource", "contains", c.prefix()},
		rule{"$datasource", "contains", c.suffix()})
}

// Existing returns those of ids, in their order, that exist under the blueprint, whoever wrote them.
func (c *Client) Existing(ctx context.Context, blueprint string, ids []string) ([]string, error) {
	return c.among(ctx, blueprint, ids)
}

// among returns those of ids, in their order, that exist under the blueprint and match the rules.
func (c *Client) among(ctx context.Context, blueprint string, ids []string, rules ...rule) ([]string, error) {
	possible := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return utf8.RuneCountInString(id) > maxIdentifier })
	found := map[string]bool{}
	for some := range slices.Chunk(possible, idsPerCall) {
		if err := c.find(ctx, blueprint, some, rules, found); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(possible, func(id string) bool { return !found[id] }), nil
}

func (c *Client) find(ctx context.Context, blueprint string, ids []string, rules []rule, found map[string]bool) error {
	body := map[string]any{"combinator": "and", "rules": append([]rule{
		{"$identifier", "in", ids},
		{"$blueprint", "=", blueprint},
	}, rules...)}
	query := url.Values{"exclude_calculated_properties": {"true"}, "include": {"blueprint", "identifier"}}
	var answer struct {
		Entities []struct {
			Blueprint  string          `json:"blueprint"`
			Identifier json.RawMessage `json:"identifier"`
		} `json:"entities"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"entities", "search"}, query: query, body: body, exporter: true}, &answer)
	for _, entity := range answer.Entities {
		if entity.Blueprint == blueprint {
			found[text(entity.Identifier)] = true
		}
	}
	return err
}

// Count is how many entities the blueprint has, whoever wrote them. ErrNotFound when there is no such blueprint.
func (c *Client) Count(ctx context.Context, blueprint string) (int, error) {
	var answer struct {
		Count *int `json:"count"`
	}
	call := call{method: http.MethodGet, path: []string{"blueprints", blueprint, "entities-count"}}
	if err := c.do(ctx, call, &answer); err != nil {
		return 0, err
	}
	if answer.Count == nil {
		return 0, &Error{Method: call.method, Path: "/v1/blueprints/" + blueprint + "/entities-count", Status: http.StatusOK, Code: codeNoCount,
			Message: "Port's answer does not say how many entities there are"}
	}
	return *answer.Count, nil
}

// Held pages through all that Port holds under this integration's datasource and last saw before the given moment, by
// Port's clock; a zero moment means all. The sequence can be used once. An error comes last: what came before it is
// then not all there is.
func (c *Client) Held(ctx context.Context, before time.Time) iter.Seq2[[]Key, error] {
	return func(yield func([]Key, error) bool) {
		body := map[string]any{"datasource_prefix": c.prefix(), "datasource_suffix": c.suffix(), "limit": heldPerPage}
		if !before.IsZero() {
			body["before"] = stamp(before)
		}
		seen := map[string]bool{}
		for {
			page, next, err := c.held(ctx, body)
			if err == nil && seen[next] {
				err = repeatedPage(next)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || next == "" {
				return
			}
			seen[next] = true
			body["from"] = next
		}
	}
}

func (c *Client) held(ctx context.Context, body map[string]any) ([]Key, string, error) {
	var answer struct {
		Entities []Key   `json:"entities"`
		Next     *string `json:"next"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"blueprints", "entities", "datasource-entities"}, body: body, exporter: true}, &answer)
	if err != nil || answer.Next == nil {
		return answer.Entities, "", err
	}
	return answer.Entities, *answer.Next, nil
}

// repeatedPage is an error because a listing that turns in a circle would pass for a complete one.
func repeatedPage(next string) error {
	return &Error{Method: http.MethodPost, Path: "/v1/blueprints/entities/datasource-entities", Status: http.StatusOK, Code: codeNotJSON,
		Message: "Port repeats the page token " + next + ": the listing is not complete"}
}
