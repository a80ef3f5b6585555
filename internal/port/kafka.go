package port

import (
	"context"
	"errors"
	"net/http"
)

// KafkaCredentials are what Port's Kafka takes to sign in. They are the organisation's own, and Port may replace them.
type KafkaCredentials struct {
	Username string
	Password Secret
}

// noKafka is said where Port has a Kafka for others, and not for this organisation.
const noKafka = "Port has no Kafka credentials for this organization: ask Port for a Kafka topic, or set OCEAN__EVENT_LISTENER__TYPE=POLLING"

// KafkaCredentials reads them. The error says what to do where the organisation has none.
func (c *Client) KafkaCredentials(ctx context.Context) (KafkaCredentials, error) {
	var answer struct {
		Credentials struct{ Username, Password string } `json:"credentials"`
	}
	call := call{method: http.MethodGet, path: []string{"kafka-credentials"}}
	err := c.do(ctx, call, &answer)
	if e, answered := errors.AsType[*Error](err); answered && e.Status == http.StatusNotFound {
		e.Message = noKafka
	}
	if err != nil {
		return KafkaCredentials{}, err
	}
	got := answer.Credentials
	if got.Username == "" || got.Password == "" {
		return KafkaCredentials{}, &Error{Method: call.method, Path: "/v1/kafka-credentials", Status: http.StatusOK, Code: codeNoKafka, Message: noKafka}
	}
	return KafkaCredentials{Username: got.Username, Password: NewSecret(got.Password)}, nil
}
