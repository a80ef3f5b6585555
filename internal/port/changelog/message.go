package changelog

import (
	"encoding/json"
	"errors"
	"fmt"
)

// maxMessage is the largest message that is looked into, in bytes. Port's are as large as what was changed, before and
// after, and a body of Port's API is at most 1 MiB.
const maxMessage = 8 << 20

// A message is what is read of one, of either topic. What has another type than here counts as not there, since most
// messages of the log are about other things.
type message struct {
	Action  string `json:"action"`
	Context struct {
		Integration string `json:"integrationId"` // the identifier, in spite of the name
	} `json:"context"`
	Diff struct {
		After struct {
			Identifier  string `json:"identifier"`
			UpdatedAt   string `json:"updatedAt"`
			ResyncState struct {
				UpdatedAt string `json:"updatedAt"`
			} `json:"resyncState"`
		} `json:"after"` // null for what was deleted
	} `json:"diff"`
	Destination struct {
		Type string `json:"type"`
	} `json:"changelogDestination"`
}

// readMessage takes JSON of any object. An empty value is a message that says nothing, as Kafka's deletions are.
func readMessage(value []byte) (m message, err error) {
	if len(value) == 0 {
		return m, nil
	}
	if len(value) > maxMessage {
		return m, fmt.Errorf("it has %d bytes, and at most %d are read", len(value), maxMessage)
	}
	err = json.Unmarshal(value, &m)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); other {
		err = nil
	}
	return m, err
}

// asks reports whether a message of the topic for requests is one for the integration.
func (m message) asks(identifier string) bool { return m.Context.Integration == identifier }

// asksInLog reports the same of a message of the log of all changes. There a request is also that the integration
// itself was changed; but not by us, who tell Port how a resync went, and by that the times become equal.
func (m message) asksInLog(identifier string) bool {
	if m.asks(identifier) && m.Action == "RESYNC" {
		return true
	}
	after := m.Diff.After
	return after.Identifier == identifier && after.UpdatedAt != after.ResyncState.UpdatedAt && m.Destination.Type == "KAFKA"
}
