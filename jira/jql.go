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

// CutOrderBy cuts JQL in two: what it restricts, and its ORDER BY clause with
// all that follows. Either may be empty; together they are the text. A
// restriction that is put in parentheses can be combined with others; a space
// at its end stays, since it may be part of an escape. Blanks alone restrict
// nothing: they go with the order.
//
// The two words count only outside of quotes, and where a word can begin.
func CutOrderBy(jql string) (restriction, order string) {
	i := orderBy(jql)
	if strings.TrimSpace(jql[:i]) == "" {
		i = 0
	}
	return jql[:i], jql[i:]
}

// orderBy is where the ORDER BY clause begins, len(jql) where there is none.
func orderBy(jql string) int {
	var quote byte
	for i := 0; i < len(jql); i++ {
		c := jql[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote == 0 && isOrderBy(jql, i):
			return i
		}
	}
	return len(jql)
}

func isOrderBy(jql string, i int) bool {
	if i > 0 && !strings.ContainsRune(" \t\r\n)]\"'", rune(jql[i-1])) {
		return false
	}
	words := strings.Fields(jql[i:min(len(jql), i+64)])
	return len(words) >= 2 && strings.EqualFold(words[0], "order") && strings.EqualFold(words[1], "by") &&
		strings.ContainsRune("oO", rune(jql[i]))
}
