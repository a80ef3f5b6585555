package jirasim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"ferry/jira/jirasim/jql"
)

// happening is something that webhooks may be told of.
type happening struct {
	event     string
	secondary bool     // follows from another happening: Jira takes its time with it
	about     *record  // the issue that filters are asked about, if any
	changed   []string // ids of the fields, of jira:issue_updated
	property  string   // the key, of issue_property_set and issue_property_deleted
	// write writes the members of the payload, each with a comma before it. Timestamp
	// and webhookEvent come first, but for those that it has of its own.
	write func(*page)
	own   map[string]any
}

// Emit tells the webhooks of an event about something that the site does not keep: a
// sprint, a board, a version, a comment, a worklog. The payload is an object, such as
// map[string]any{"sprint": …}; timestamp and webhookEvent are added unless it has
// them. A payload that is no object is a mistake of the caller and panics.
//
// A JQL filter is asked about the issue that issue.id, issue.key or worklog.issueId
// name. Where an event of that family names none, only webhooks without a filter are
// told.
func (s *Server) Emit(event string, payload any) {
	raw, err := json.Marshal(payload)
	if err != nil || len(raw) == 0 || raw[0] != '{' {
		panic(fmt.Sprintf("jirasim: the payload of %s is no object: %.100s (%v)", event, raw, err))
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.listened() {
		return
	}
	members := payloadMembers(raw)
	property := textAt(members, []string{"property", "key"})
	s.tell(happening{event: event, about: s.subject(members), property: property, own: members, write: func(p *page) {
		for name, value := range objectMembers(raw) {
			p.raw(`,`)
			p.str(name)
			p.raw(`:`)
			p.b = append(p.b, value...)
		}
	}})
}

// subject is the issue that a payload is about, or nil.
func (s *site) subject(payload map[string]any) *record {
	for _, path := range []string{"issue.id", "issue.key", "worklog.issueId"} {
		if name := textAt(payload, strings.Split(path, ".")); name != "" {
			if r := s.find(name); r != nil {
				return r
			}
		}
	}
	return nil
}

func payloadMembers(raw []byte) map[string]any {
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&members) // what cannot be read has no members
	return members
}

// textAt reads a text or a number of a payload. The project of an issue is within it.
func textAt(payload map[string]any, path []string) string {
	var value any = payload
	for _, name := range path {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	}
	if path[0] == "project" {
		return textAt(payload, append([]string{"issue", "fields"}, path...))
	}
	return ""
}

// listened tells whether there is a webhook at all. What tells of a change asks it
// first, so that a site without webhooks pays nothing.
func (s *Server) listened() bool { return s.hooks.active.Load() > 0 }

// tell queues a happening for every webhook that wants it; called with the site
// locked, before what is deleted is gone and after what is changed has changed.
func (s *Server) tell(h happening) {
	if !s.listened() {
		return
	}
	now := s.now()
	var body []byte
	for _, hook := range s.hooks.live(now) {
		if !s.wants(hook, h, now) {
			continue
		}
		if body == nil {
			body = s.payload(h, now)
		}
		s.queue.add(hook, h, body, now)
	}
}

// wants tells whether a webhook is told of a happening. A dynamic one is not told of
// an issue that the person may not see; an administrator's is told of all.
func (s *Server) wants(hook *hook, h happening, now time.Time) bool {
	switch {
	case hook.Disabled, !slices.Contains(hook.Events, h.event):
		return false
	case !aboutIssue(h.event):
		return true
	case hook.dynamic() && h.about != nil && !h.about.visible():
		return false
	case h.event == "jira:issue_updated" && !overlap(hook.FieldIDs, h.changed):
		return false
	case strings.HasPrefix(h.event, "issue_property_") && !overlap(hook.PropertyKeys, []string{h.property}):
		return false
	case hook.query == nil:
		return true
	case h.about == nil:
		return false
	}
	looking := &view{s: &s.site}
	return hook.query.Match(looking.on(h.about), jql.Env{Now: now, Zone: s.config.Zone, User: hook.account})
}

// overlap tells whether any of what was asked for occurs; asking for nothing is
// asking for all.
func overlap(asked, occurring []string) bool {
	return len(asked) == 0 || slices.ContainsFunc(asked, func(name string) bool { return slices.Contains(occurring, name) })
}

// payload writes the whole body. Links and issues have the form of the API's version
// 2, in which a description is text.
func (s *Server) payload(h happening, now time.Time) []byte {
	p := s.newPage(&call{base: s.eventBase(), api: apiV2})
	defer pages.Put(p)
	p.raw(`{`)
	if _, ok := h.own["timestamp"]; !ok {
		p.raw(`,"timestamp":`)
		p.num(now.UnixMilli())
	}
	if _, ok := h.own["webhookEvent"]; !ok {
		p.raw(`,"webhookEvent":`)
		p.str(h.event)
	}
	h.write(p)
	p.raw(`}`)
	p.b[1] = '{' // in the place of the comma before the first member
	return bytes.Clone(p.b[1:])
}
