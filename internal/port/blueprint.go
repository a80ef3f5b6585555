package port

import (
	"context"
	"encoding/json"
	"net/http"
)

// A Blueprint is a type of entity.
type Blueprint struct {
	Identifier string
	Properties map[string]json.RawMessage // by name, each a JSON schema
	Required   []string                   // names of properties
	Relations  map[string]Relation
	Raw        json.RawMessage // the whole blueprint
}

// A Relation is from entities of its blueprint to entities of Target.
type Relation struct {
	Target   string `json:"target"`
	Many     bool   `json:"many"`
	Required bool   `json:"required"`
}

// Blueprint reads one. ErrNotFound when there is none.
func (c *Client) Blueprint(ctx context.Context, id string) (Blueprint, error) {
	return c.blueprint(ctx, call{method: http.MethodGet, path: []string{"blueprints", id}})
}

// CreateBlueprint makes one. It is sent once; ErrConflict when the identifier is taken.
func (c *Client) CreateBlueprint(ctx context.Context, body json.RawMessage) (Blueprint, error) {
	return c.blueprint(ctx, call{method: http.MethodPost, path: []string{"blueprints"}, body: body, exporter: true, once: true})
}

// PatchBlueprint changes what body names of it.
func (c *Client) PatchBlueprint(ctx context.Context, id string, body json.RawMessage) (Blueprint, error) {
	return c.blueprint(ctx, call{method: http.MethodPatch, path: []string{"blueprints", id}, body: body, exporter: true})
}

// DeleteBlueprint removes one that has no entities.
func (c *Client) DeleteBlueprint(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: []string{"blueprints", id}, exporter: true}, nil)
}

func (c *Client) blueprint(ctx context.Context, call call) (Blueprint, error) {
	var answer struct {
		Blueprint json.RawMessage `json:"blueprint"`
	}
	if err := c.do(ctx, call, &answer); err != nil {
		return Blueprint{}, err
	}
	var fields struct {
		Identifier string `json:"identifier"`
		Schema     struct {
			Properties map[string]json.RawMessage `json:"properties"`
			Required   json.RawMessage            `json:"required"` // a list, or an expression for some blueprints
		} `json:"schema"`
		Relations map[string]Relation `json:"relations"`
	}
	if len(answer.Blueprint) == 0 {
		return Blueprint{}, nil
	}
	if err := json.Unmarshal(answer.Blueprint, &fields); err != nil {
		return Blueprint{}, &Error{Method: call.method, Path: "/v1/blueprints", Status: http.StatusOK, Code: codeNotJSON, Err: err}
	}
	b := Blueprint{Identifier: fields.Identifier, Properties: fields.Schema.Properties, Relations: fields.Relations, Raw: answer.Blueprint}
	_ = json.Unmarshal(fields.Schema.Required, &b.Required) // an expression is no list: then nothing is known to be required
	return b, nil
}
