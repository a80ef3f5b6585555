package jira

import (
	"fmt"
	"strings"
	"unicode"
)

// Quote writes s as a JQL string literal, in double quotes, whatever s holds:
// nothing in it can end the literal or be read as JQL. Invalid UTF-8 becomes
// U+FFFD.
//
// Jira's grammar knows the escapes \" \' \\ \n \r \t and \uXXXX, and refuses
// control characters and the non-characters of Unicode when they stand bare.
func Quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsControl(r), r >= 0xfdd0 && r <= 0xfdef, r == 0xfffe, r == 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
