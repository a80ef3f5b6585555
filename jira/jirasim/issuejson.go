package jirasim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// expandable is what a whole issue says could be expanded.
const expandable = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"

// issue writes what was selected of an issue.
func (p *page) issue(r *record, want selection) {
	p.cost++
	if want.envelope == idOnly {
		p.raw(`{"id":`)
		p.quotedNum(r.ID)
		p.raw(`}`)
		return
	}
	if r.Raw != nil {
		p.rawIssue(r.Raw, want)
		return
	}
	p.raw(`{"expand":"` + expandable + `","id":`)
	p.quotedNum(r.ID)
	p.raw(`,"self":"`)
	p.url(p.api, "/issue/")
	p.num(r.ID)
	p.raw(`","key":`)
	p.str(r.Key)
	if want.envelope == withField {
		p.raw(`,"fields":`)
		p.fields(r, want)
	}
	p.raw(`}`)
}

func (p *page) fields(r *record, want selection) {
	p.raw(`{`)
	written := 0
	for _, at := range want.known {
		f := &issueFields[at]
		if f.lacks(p, r) {
			continue
		}
		p.comma(written)
		written++
		p.raw(`"`)
		p.raw(f.name)
		p.raw(`":`)
		if value, ok := r.Custom[f.name]; ok {
			p.b = append(p.b, value...)
			continue
		}
		f.write(p, r)
	}
	p.customFields(r, want, written)
	p.raw(`}`)
}

// customFields writes those that not every issue has.
func (p *page) customFields(r *record, want selection, written int) {
	for _, name := range slices.Sorted(maps.Keys(r.Custom)) {
		if !fieldKnown[name] && want.wants(name) {
			p.comma(written)
			written++
			p.str(name)
			p.raw(`:`)
			p.b = append(p.b, r.Custom[name]...)
		}
	}
}

// rawIssue writes a real payload: its very bytes where everything is wanted, else
// those of its members and fields that are.
func (p *page) rawIssue(raw json.RawMessage, want selection) {
	if want.everything() {
		p.b = append(p.b, raw...)
		return
	}
	p.members(raw, func(name string, value json.RawMessage) bool {
		if name != "fields" {
			return false
		}
		if want.envelope == withField {
			p.str(name)
			p.raw(`:`)
			p.members(value, func(field string, _ json.RawMessage) bool { return !want.wants(field) })
		}
		return true
	})
}

// members copies an object member by member. A member for which handle returns
// true is not copied: handle wrote it, or it is left out.
func (p *page) members(raw json.RawMessage, handle func(name string, value json.RawMessage) bool) {
	p.raw(`{`)
	empty := len(p.b)
	for name, value := range objectMembers(raw) {
		start := len(p.b)
		if start > empty {
			p.raw(`,`)
		}
		before := len(p.b)
		if handle(name, value) {
			if len(p.b) == before {
				p.b = p.b[:start]
			}
			continue
		}
		p.str(name)
		p.raw(`:`)
		p.b = append(p.b, value...)
	}
	p.raw(`}`)
}

// objectMembers yields the members of an object in their order. It stops at what is
// not JSON, which readIssue has refused before.
func objectMembers(raw json.RawMessage) func(yield func(string, json.RawMessage) bool) {
	return func(yield func(string, json.RawMessage) bool) {
		d := json.NewDecoder(bytes.NewReader(raw))
		if t, err := d.Token(); err != nil || t != json.Delim('{') {
			return
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return
			}
			var value json.RawMessage
			if d.Decode(&value) != nil || !yield(fmt.Sprint(name), value) {
				return
			}
		}
	}
}
