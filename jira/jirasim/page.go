package jirasim

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// page is a JSON text being written. Issues are written by appending, not by
// encoding/json: a hundred of them must cost well under a millisecond.
type page struct {
	b     []byte
	s     *Server
	base  string // of the self links
	api   string // /rest/api/3 or /rest/api/2
	cost  int    // what writing it costs in points
	parts *fragments
}

func (s *Server) newPage(r *call) *page {
	p := pages.Get().(*page)
	p.b, p.s, p.base, p.api, p.cost = p.b[:0], s, r.base, r.api, 0
	p.parts = s.parts.of(r.base + r.api)
	return p
}

func (p *page) raw(s string)         { p.b = append(p.b, s...) }
func (p *page) num(n int64)          { p.b = strconv.AppendInt(p.b, n, 10) }
func (p *page) flag(v bool)          { p.b = strconv.AppendBool(p.b, v) }
func (p *page) quotedNum(n int64)    { p.raw(`"`); p.num(n); p.raw(`"`) }
func (p *page) str(s string)         { p.b = appendString(p.b, s) }
func (p *page) link(path ...string)  { p.raw(`"`); p.url(path...); p.raw(`"`) }
func (p *page) instant(at time.Time) { p.b = appendTime(p.b, at.In(p.s.config.Zone)) }

// url writes the base and the parts, which must need no escaping.
func (p *page) url(path ...string) {
	p.raw(p.base)
	for _, part := range path {
		p.raw(part)
	}
}

func (p *page) comma(i int) {
	if i > 0 {
		p.raw(",")
	}
}

// appendTime writes Jira's form of a time, 2026-01-26T01:39:15.510+0200.
func appendTime(b []byte, at time.Time) []byte {
	return at.AppendFormat(b, `"2006-01-02T15:04:05.000-0700"`)
}

// appendString writes a JSON string. Like Jira it leaves <, > and & alone.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		b = append(b, s[start:i]...)
		b = appendEscaped(b, c)
		i += size
		start = i
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscaped(b []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c == '\n':
		return append(b, `\n`...)
	case c == '\t':
		return append(b, `\t`...)
	case c == '\r':
		return append(b, `\r`...)
	case c >= utf8.RuneSelf: // a byte that is no UTF-8
		return append(b, `\ufffd`...)
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
