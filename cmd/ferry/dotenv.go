package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/joho/godotenv"
)

// dotenv reads NAME=value lines.
func (s *sources) dotenv(path string) layer {
	l := layer{}
	text := string(s.readIfThere(path))
	values, err := godotenv.Unmarshal(keepDollars(text))
	if err != nil || slices.ContainsFunc(slices.Collect(maps.Keys(values)), spaced) {
		// Neither the parser's own words nor such a name is repeated: they quote the line, which may hold a token.
		s.fault(".env" + atLine(oddLine(text)) + " is not of the form NAME=value: mend it or take it away")
		return l
	}
	lines := linesOf(text)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		upper := strings.ToUpper(name)
		if _, ok := l[upper]; !ok { // of two spellings the one in capitals, as in the environment
			l[upper] = value{strings.TrimSpace(values[name]), name + " in .env" + atLine(lines[name])}
		}
	}
	return l
}

// spaced reports a name that has a space, as the parser makes of NAME secret: more.
func spaced(name string) bool { return strings.ContainsFunc(name, unicode.IsSpace) }

var bareDollar = regexp.MustCompile(`(^|[^\\])\$([A-Z0-9_(])`)

// keepDollars keeps $NAME in a value as it is written: a token may have it by chance. Only ${NAME} refers to another
// value, as it does for the integration that Ferry replaces. Between single quotes everything is kept anyway.
func keepDollars(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if _, value, ok := assignment(line); ok && !strings.HasPrefix(strings.TrimSpace(value), "'") {
			lines[i] = bareDollar.ReplaceAllString(line, `$1\$$$2`)
		}
	}
	return strings.Join(lines, "\n")
}

// linesOf finds the line on which each name is set last.
func linesOf(text string) map[string]int {
	lines := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		if name, _, ok := assignment(line); ok {
			lines[name] = i + 1
		}
	}
	return lines
}

// oddLine is the first line that neither sets a name nor is a comment, 0 if there is none.
func oddLine(text string) int {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if _, _, ok := assignment(line); !ok && line != "" && !strings.HasPrefix(line, "#") {
			return i + 1
		}
	}
	return 0
}

func assignment(line string) (name, text string, ok bool) {
	line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
	at := strings.IndexAny(line, "=:")
	if at <= 0 || strings.HasPrefix(line, "#") {
		return "", "", false
	}
	name = strings.TrimSpace(line[:at])
	return name, line[at+1:], !strings.ContainsAny(name, " \t")
}

// atLine is the tail of a place in a file; line 0 is unknown.
func atLine(line int) string {
	if line == 0 {
		return ""
	}
	return fmt.Sprintf(" line %d", line)
}

// reason is why a file could not be read, without its path, which the sentence around it has.
func reason(err error) string {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}
