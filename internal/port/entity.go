package port

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// Port's limits for one request; see its API reference.
const (
	MaxUpsert = 20      // entities of a bulk upsert
	MaxDelete = 100     // entities of a bulk delete
	MaxBody   = 1 << 20 // bytes of any body
)

// Upsert says how entities are written.
type Upsert struct {
	Merge         bool   // keys that are not sent stay as they are; else the entity is replaced whole
	CreateMissing bool   // Port makes the entities that these relate to and that it does not have
	Event         string // what made us write: "resync", "http_request"…
	ResyncID      string // the run's, for the event "resync"
}

// An Outcome is what became of one entity of a bulk.
type Outcome struct {
	Identifier string // as Port knows it; for a search object, of the entity that matched
	Created    bool
	Err        *EntityError // nil: it is in Port
}

// occasion is the query that names why something is written.
func occasion(event, resyncID string) url.Values {
	query := url.Values{}
	if event != "" {
		query.Set("ocean_info_event_type", event)
	}
	if resyncID != "" {
		query.Set("ocean_info_resync_id", resyncID)
	}
	return query
}

// Upsert writes up to [MaxUpsert] entities of one blueprint, each body a JSON object as Port takes it, and returns one
// outcome for each, in their order. The error is for the request as a whole: then nothing is known of any of them
// (ErrTooLarge: send fewer).
func (c *Client) Upsert(ctx context.Context, blueprint string, bodies []json.RawMessage, how Upsert) ([]Outcome, error) {
	if len(bodies) == 0 {
		return nil, nil
	}
	if len(bodies) > MaxUpsert {
		return nil, fmt.Errorf("bulk upsert of %d entities: Port takes %d", len(bodies), MaxUpsert)
	}
	query := occasion(how.Event, how.ResyncID)
	query.Set("upsert", "true")
	query.Set("merge", strconv.FormatBool(how.Merge))
	query.Set("create_missing_related_entities", strconv.FormatBool(how.CreateMissing))
	query.Set("validation_only", "false")
	var answer bulkAnswer
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"blueprints", blueprint, "entities", "bulk"},
		query: query, body: bulk(bodies), exporter: true}, &answer)
	if err != nil {
		return nil, err
	}
	return c.outcomes(answer, len(bodies)), nil
}

// bulk joins the bodies without looking into them: they are the bulk of our bytes, and already as they should be.
func bulk(bodies []json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	b.WriteString(`{"entities":[`)
	for i, body := range bodies {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(body)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

type bulkAnswer struct {
	Entities []struct {
		Index      int             `json:"index"`
		Identifier json.RawMessage `json:"identifier"`
		Created    bool            `json:"created"`
	} `json:"entities"`
	Errors []struct {
		Index      int             `json:"index"`
		Identifier json.RawMessage `json:"identifier"`
		StatusCode int             `json:"statusCode"`
		Error      json.RawMessage `json:"error"`
		Message    json.RawMessage `json:"message"`
	} `json:"errors"`
}

// outcomes puts Port's answer in order. An entity it does not mention counts as refused, and one it both took and
// refused as refused: either is written again, which does no harm.
func (c *Client) outcomes(answer bulkAnswer, n int) []Outcome {
	outcomes := make([]Outcome, n)
	for i := range outcomes {
		outcomes[i].Err = &EntityError{Code: codeNoOutcome, Message: "Port's answer does not say what became of this entity"}
	}
	for _, taken := range answer.Entities {
		if taken.Index >= 0 && taken.Index < n {
			outcomes[taken.Index] = Outcome{Identifier: text(taken.Identifier), Created: taken.Created}
		}
	}
	for _, refused := range answer.Errors {
		if refused.Index >= 0 && refused.Index < n {
			identifier := text(refused.Identifier)
			outcomes[refused.Index] = Outcome{Identifier: identifier, Err: &EntityError{
				Status: refused.StatusCode, Code: c.sentence(refused.Error), Message: c.sentence(refused.Message), Identifier: identifier,
			}}
		}
	}
	return outcomes
}

// text is a JSON string's text, and the JSON of anything else: an identifier may be a search object.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// Delete removes up to [MaxDelete] entities of one blueprint, with everything that relates to them when dependents is
// set; without it, Port refuses the whole request when something does. It returns the identifiers Port says it removed.
func (c *Client) Delete(ctx context.Context, blueprint string, ids []string, dependents bool, event, resyncID string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(ids) > MaxDelete {
		return nil, fmt.Errorf("bulk delete of %d entities: Port takes %d", len(ids), MaxDelete)
	}
	query := occasion(event, resyncID)
	query.Set("delete_dependents", strconv.FormatBool(dependents))
	var answer struct {
		Deleted []string `json:"deletedEntities"`
	}
	err := c.do(ctx, call{method: http.MethodPost, path: []string{"blueprints", blueprint, "bulk", "entities", "delete"},
		query: query, body: map[string]any{"entities": ids}, exporter: true}, &answer)
	return answer.Deleted, err
}
