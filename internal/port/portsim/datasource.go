package portsim

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

const maxPage = 5000

// datasourceEntities lists what exporters with the prefix and suffix wrote, in pages. The token is the last key of the
// page before. Of `before` Port says only that it exists; here it is compared with the moment of the last write.
func (s *Server) datasourceEntities(_ *http.Request, body []byte) answer {
	var asked struct {
		Prefix string `json:"datasource_prefix"`
		Suffix string `json:"datasource_suffix"`
		Limit  int    `json:"limit"`
		Before string `json:"before"`
		From   string `json:"from"`
	}
	if err := json.Unmarshal(body, &asked); err != nil || asked.Prefix == "" || asked.Suffix == "" {
		return invalid("body must have datasource_prefix and datasource_suffix: %v", err)
	}
	if asked.Limit < 1 || asked.Limit > maxPage {
		return invalid("body/limit must be 1 to %d", maxPage)
	}
	before, err := until(asked.Before)
	if err != nil {
		return invalid("body/before must be a date-time")
	}
	from, err := readToken(asked.From)
	if err != nil {
		return invalid("body/from is not a page token")
	}
	keys := s.keys(func(e *entity) bool {
		return strings.HasPrefix(e.datasource, asked.Prefix) && strings.HasSuffix(e.datasource, asked.Suffix) && e.updated < before
	}, from)
	var next any
	if len(keys) > asked.Limit {
		keys = keys[:asked.Limit]
		next = keys[asked.Limit-1].token()
	}
	return answer{http.StatusOK, fields{"ok": true, "entities": keys, "next": next}}
}

// keys lists the entities that match and come after the given one, in order.
func (s *Server) keys(match func(*entity) bool, after pageKey) []pageKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := []pageKey{}
	for id, b := range s.blueprints {
		for _, e := range b.entities {
			key := pageKey{e.identifier, id}
			if match(e) && key.compare(after) > 0 {
				keys = append(keys, key)
			}
		}
	}
	slices.SortFunc(keys, pageKey.compare)
	return keys
}

// until is the moment in Unix nanoseconds, the end of time for none.
func until(before string) (int64, error) {
	if before == "" {
		return math.MaxInt64, nil
	}
	at, err := time.Parse(time.RFC3339Nano, before)
	return at.UnixNano(), err
}

// A pageKey is an entity of a page. The token for the page after it is the key itself.
type pageKey struct {
	Identifier string `json:"identifier"`
	Blueprint  string `json:"blueprint"`
}

func (k pageKey) compare(other pageKey) int {
	return cmp.Or(strings.Compare(k.Blueprint, other.Blueprint), strings.Compare(k.Identifier, other.Identifier))
}

func (k pageKey) token() string {
	return hex.EncodeToString([]byte(k.Blueprint + "\x00" + k.Identifier))
}

func readToken(token string) (pageKey, error) {
	text, err := hex.DecodeString(token)
	blueprint, identifier, _ := strings.Cut(string(text), "\x00")
	return pageKey{identifier, blueprint}, err
}
