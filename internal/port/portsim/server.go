// Package portsim is a simulated Port: its API for tokens, the integration, blueprints and entities, as strict as the
// real one is documented to be, and able to fail on demand. It lives in memory and starts no goroutine.
//
// Where Port's documents leave a question open, the simulation takes the less convenient answer, and says so.
package portsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Config says what kind of Port this is. The zero value is usable: any client id and secret are accepted.
type Config struct {
	ClientID, ClientSecret string           // empty: any is accepted
	TokenLife              time.Duration    // 0: three hours, as Port's
	Latency                time.Duration    // before every answer
	Clock                  func() time.Time // nil: time.Now
	Log                    bool             // keep every request with its body, for Requests
	RefuseWhole            bool             // one malformed identifier refuses its whole bulk with 422, not only itself
	Organization           string           // the organisation's id, empty: org_simulated
	Flags                  []string         // its feature flags
	KafkaUsername          string           // empty: the organisation has no Kafka
	KafkaPassword          string
	Provisioned            map[string]json.RawMessage // by integration type: the mapping that Port installs itself
}

// A Server is one simulated Port. It is an http.Handler, safe for concurrent use.
type Server struct {
	config Config
	mux    *http.ServeMux

	mu           sync.Mutex
	tokens       map[string]time.Time // when each ends
	issued       int
	integrations map[string]record
	blueprints   map[string]*blueprint
	faults       []*armed
	requests     []Request
	counts       map[string]int // by method and path
	upserted     int
	deleted      int
}

// New makes an empty Port.
func New(config Config) *Server {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	if config.TokenLife == 0 {
		config.TokenLife = 3 * time.Hour
	}
	s := &Server{
		config: config, mux: http.NewServeMux(),
		tokens: map[string]time.Time{}, integrations: map[string]record{},
		blueprints: map[string]*blueprint{}, counts: map[string]int{},
	}
	s.routes()
	return s
}

func (s *Server) routes() {
	s.mux.HandleFunc("POST /v1/auth/access_token", answering(s.accessToken))
	for pattern, endpoint := range map[string]func(*http.Request, []byte) answer{
		"GET /v1/organization":                                 s.organization,
		"GET /v1/kafka-credentials":                            s.kafkaCredentials,
		"GET /v1/integration/provision-enabled":                s.provisionEnabled,
		"POST /v1/integration":                                 s.createIntegration,
		"GET /v1/integration/{id}":                             s.getIntegration,
		"PATCH /v1/integration/{id}":                           s.patchIntegration,
		"DELETE /v1/integration/{id}":                          s.deleteIntegration,
		"PATCH /v1/integration/{id}/config":                    s.patchConfig,
		"PATCH /v1/integration/{id}/resync-state":              s.patchResyncState,
		"GET /v1/integration/{id}/resync-request":              s.getResyncRequest,
		"POST /v1/integration/{id}/kinds/{kind}/examples":      s.postExamples,
		"POST /v1/blueprints":                                  s.createBlueprint,
		"GET /v1/blueprints/{blueprint}":                       s.getBlueprint,
		"PATCH /v1/blueprints/{blueprint}":                     s.patchBlueprint,
		"DELETE /v1/blueprints/{blueprint}":                    s.deleteBlueprint,
		"GET /v1/blueprints/{blueprint}/entities-count":        s.countEntities,
		"POST /v1/blueprints/{blueprint}/entities/bulk":        s.bulkUpsert,
		"POST /v1/blueprints/{blueprint}/entities":             s.singleUpsert,
		"GET /v1/blueprints/{blueprint}/entities/{entity}":     s.getEntity,
		"POST /v1/blueprints/{blueprint}/bulk/entities/delete": s.bulkDelete,
		"POST /v1/entities/search":                             s.searchEntities,
		"POST /v1/blueprints/entities/datasource-entities":     s.datasourceEntities,
	} {
		s.mux.HandleFunc(pattern, s.signedIn(endpoint))
	}
	s.mux.HandleFunc("/", answering(func(r *http.Request, _ []byte) answer {
		return refuse(http.StatusNotFound, "not_found", "Route %s:%s not found", r.Method, r.URL.Path)
	}))
}

// maxBody is Port's limit for a request body, everywhere.
const maxBody = 1 << 20

// An answer is a status and what is written as JSON.
type answer struct {
	status int
	body   any
}

type fields = map[string]any

func ok(key string, value any) answer {
	return answer{http.StatusOK, fields{"ok": true, key: value}}
}

// refuse is Port's shape of an error.
func refuse(status int, code, message string, args ...any) answer {
	return answer{status, fields{"ok": false, "error": code, "message": fmt.Sprintf(message, args...)}}
}

func invalid(message string, args ...any) answer {
	return refuse(http.StatusUnprocessableEntity, "invalid_request", message, args...)
}

func answering(endpoint func(*http.Request, []byte) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // from memory: ServeHTTP has read it
		answer := endpoint(r, body)
		text, err := json.Marshal(answer.body)
		if err != nil {
			panic(err) // unreachable: answers are made of maps, texts and JSON that was parsed before
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(answer.status)
		_, _ = w.Write(text)
	}
}

// ServeHTTP reads the whole request, waits the latency, and answers, unless an injected fault does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	fault := s.note(r, body)
	if !pause(r, s.config.Latency) {
		return
	}
	if fault != nil && !fault.Late {
		fault.strike(w, r)
		return
	}
	answered := newRecorder()
	switch {
	case err == nil:
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		s.mux.ServeHTTP(answered, again)
	case strings.Contains(err.Error(), "too large"):
		answering(func(*http.Request, []byte) answer {
			return refuse(http.StatusRequestEntityTooLarge, "payload_too_large", "Request body is too large")
		})(answered, &http.Request{Body: http.NoBody})
	default:
		return // the client went away
	}
	if fault != nil {
		fault.strike(w, r)
		return
	}
	answered.replay(w)
}

func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (s *Server) accessToken(_ *http.Request, body []byte) answer {
	var asked struct {
		ClientID     string `json:"clientId"`
		ClientSecret string `json:"clientSecret"`
	}
	if json.Unmarshal(body, &asked) != nil || asked.ClientID == "" || asked.ClientSecret == "" {
		return invalid("body must have required properties clientId and clientSecret")
	}
	if differs(s.config.ClientID, asked.ClientID) || differs(s.config.ClientSecret, asked.ClientSecret) {
		return refuse(http.StatusUnauthorized, "invalid_credentials", "Invalid client id or secret")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	token := fmt.Sprintf("sim-token-%d", s.issued)
	s.tokens[token] = s.config.Clock().Add(s.config.TokenLife)
	return answer{http.StatusOK, fields{"ok": true, "accessToken": token, "tokenType": "Bearer", "expiresIn": s.config.TokenLife.Seconds()}}
}

func differs(want, got string) bool { return want != "" && want != got }

func (s *Server) signedIn(endpoint func(*http.Request, []byte) answer) http.HandlerFunc {
	return answering(func(r *http.Request, body []byte) answer {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		s.mu.Lock()
		ends, known := s.tokens[token]
		s.mu.Unlock()
		if !bearer || !known || !s.config.Clock().Before(ends) {
			return refuse(http.StatusUnauthorized, "unauthorized", "The access token is missing, unknown or expired")
		}
		return endpoint(r, body)
	})
}

func (s *Server) organization(*http.Request, []byte) answer {
	flags := s.config.Flags
	if flags == nil {
		flags = []string{}
	}
	return ok("organization", fields{"id": cmp.Or(s.config.Organization, "org_simulated"), "name": "Simulated", "featureFlags": flags})
}

// kafkaCredentials refuses an organisation that has no Kafka. How the real Port answers then is not documented.
func (s *Server) kafkaCredentials(*http.Request, []byte) answer {
	if s.config.KafkaUsername == "" {
		return refuse(http.StatusNotFound, "not_found", "The organization has no Kafka credentials")
	}
	return ok("credentials", fields{"username": s.config.KafkaUsername, "password": s.config.KafkaPassword})
}
