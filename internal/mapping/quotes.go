package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// doubleQuotes makes double quotes of the single quotes that people use to
// delimit strings, by the incumbent's rule: a quote opens at the beginning or
// after white space if neither white space nor a double quote follows it, and
// closes before white space or the end if neither precedes it. A quote glued
// to a bracket or a comma stays.
func doubleQuotes(expr string) string {
	if !strings.Contains(expr, "'") {
		return expr
	}
	out := []byte(expr)
	for i := range out {
		if expr[i] != '\'' {
			continue
		}
		before, beforeSize := utf8.DecodeLastRuneInString(expr[:i])
		after, afterSize := utf8.DecodeRuneInString(expr[i+1:])
		atStart, atEnd := beforeSize == 0, afterSize == 0
		spaceBefore := !atStart && unicode.IsSpace(before)
		spaceAfter := !atEnd && unicode.IsSpace(after)
		opens := (atStart || spaceBefore) && !spaceAfter && after != '"'
		closes := !spaceBefore && before != '"' && (atEnd || spaceAfter)
		if opens || closes {
			out[i] = '"'
		}
	}
	return string(out)
}
