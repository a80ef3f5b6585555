package jira

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxEventText is how long a text of a delivery may be, in bytes as it stands
// there in its quotes. Names, keys and links are far shorter; a longer one is
// taken as absent, so that nothing large is ever copied out of a body.
const maxEventText = 1 << 10

// What ids look like. Whatever does not match is taken as absent, so that no
// text of a delivery can change a path or a query that is made of it.
var (
	// At most 18 digits, which fit into an int64.
	idPattern = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)

	// Data Center lets an administrator choose another pattern; capitals first
	// and a limit of 255 remain (https://confluence.atlassian.com/adminjiraserver/changing-the-project-key-format-938847081.html).
	projectKeyPattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	issueKeyPattern   = regexp.MustCompile(`^[A-Z][A-Z0-9_]*-[1-9][0-9]{0,17}$`)

	// "5b10ac8d82e05b22cc7d4ef5", "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077",
	// "qm:…": at most 128 characters, says the OpenAPI file.
	accountIDPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z:_-]{0,127}$`)

	// Names and keys of users at Data Center: "fred", "fred@acme.example",
	// "JIRAUSER10100". They hold nothing that means something in a path or in
	// JQL beyond what an escape takes care of.
	userNamePattern = regexp.MustCompile(`^[\pL\pN_][\pL\pN_.@+-]*$`)

	// The links of comments and worklogs name their issue.
	issueInLink = regexp.MustCompile(`/issue/([1-9][0-9]{0,17})/(?:comment|worklog)/`)
)

// maxIdentifier is the longest that anything of these forms may be: the key of
// an issue in a project with the longest key.
const maxIdentifier = 255 + len("-") + 18

// members are some of a JSON object's members by name, as they stand in the
// text. What is absent is nil.
type members map[string][]byte

// pick finds members of a JSON object in one pass, without decoding or copying
// anything. Of a name that stands twice the last counts, as in encoding/json,
// and wholly: nothing of the earlier one remains. Names differ by case. What is
// not an object has no members. The text is valid JSON.
func pick(text []byte, names ...string) members {
	s := scanner{text: text}
	if s.peek() != '{' {
		return nil
	}
	found := make(members, len(names))
	err := s.object(func(quoted []byte) error {
		from := s.at
		if err := s.value(); err != nil {
			return err
		}
		if name := nameAmong(quoted, names); name != "" {
			found[name] = text[from:s.at]
		}
		return nil
	})
	if err != nil {
		return nil // unreachable unless the scanner refuses what encoding/json accepts
	}
	return found
}

// nameAmong returns which of names a quoted name spells, or "".
func nameAmong(quoted []byte, names []string) string {
	for _, name := range names {
		if spells(quoted[1:len(quoted)-1], name) {
			return name
		}
	}
	return ""
}

// spells compares what stands between the quotes of a JSON string with a name of
// letters. It decodes in place, for a body may be nothing but escaped names.
func spells(text []byte, name string) bool {
	for i := range len(name) {
		switch {
		case len(text) == 0:
			return false
		case text[0] == name[i]:
			text = text[1:]
		case bytes.HasPrefix(text, []byte(`\u`)) && codeUnit(text[2:6]) == uint16(name[i]):
			text = text[6:]
		default:
			return false // other escapes spell no letter
		}
	}
	return len(text) == 0
}

// codeUnit reads the four hexadecimal digits of a \u escape.
func codeUnit(digits []byte) uint16 {
	var unit [2]byte
	if _, err := hex.Decode(unit[:], digits); err != nil {
		return 0 // unreachable in valid JSON
	}
	return binary.BigEndian.Uint16(unit[:])
}

// textOf reads a JSON string; "" if it is none or too long.
func textOf(raw []byte) string {
	var text string
	if len(raw) > maxEventText || len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return text
}

// idOf reads a numeric id, which Jira writes as a number here and as a string
// there; "" if it is neither.
func idOf(raw []byte) string {
	text := textOf(raw)
	if text == "" && len(raw) <= maxEventText {
		text = string(raw)
	}
	return matching(idPattern, text)
}

// matching returns text if it has the form that pattern tells, else "".
func matching(pattern *regexp.Regexp, text string) string {
	if len(text) > maxIdentifier || !pattern.MatchString(text) {
		return ""
	}
	return text
}

func projectKeyOf(raw []byte) string { return matching(projectKeyPattern, textOf(raw)) }
func issueKeyOf(raw []byte) string   { return matching(issueKeyPattern, textOf(raw)) }

// idsOf reads a list of ids as the changelog writes it, "3, 4"; nil if anything
// in it is not an id.
func idsOf(raw []byte) []string {
	if id := idOf(raw); id != "" {
		return []string{id}
	}
	var ids []string
	for part := range strings.SplitSeq(textOf(raw), ",") {
		id := matching(idPattern, strings.TrimSpace(part))
		if id == "" {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// maxMillis is the end of the year 9999, the last that RFC 3339 can write.
const maxMillis = 253402300799999

// timeOf reads milliseconds since 1970; the zero time if they are nonsense.
func timeOf(raw []byte) time.Time {
	ms, err := strconv.ParseInt(idOf(raw), 10, 64)
	if err != nil || ms > maxMillis {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// dateTimeLayouts are how Jira writes a time in an issue's fields: with the
// offset of a zone as "+0200", and with the colon that RFC 3339 wants or as
// "Z". Either may have a fraction of the second.
var dateTimeLayouts = []string{"2006-01-02T15:04:05-0700", time.RFC3339}

// dateTimeOf reads a time of an issue's field; the zero time if it is none, or
// none since 1970.
func dateTimeOf(raw []byte) time.Time {
	text := textOf(raw)
	for _, layout := range dateTimeLayouts {
		at, err := time.Parse(layout, text)
		if ms := at.UnixMilli(); err == nil && ms > 0 && ms <= maxMillis {
			return time.UnixMilli(ms).UTC()
		}
	}
	return time.Time{}
}
