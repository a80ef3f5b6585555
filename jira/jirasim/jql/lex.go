package jql

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // unquoted
	tokenString           // quoted or escaped; never a keyword
	tokenSign             // an operator or a bracket, in text
)

type token struct {
	kind tokenKind
	text string // escapes resolved, quotes removed
	at   int    // offset in bytes
}

// is reports whether t is one of the given keywords or signs. A quoted string is
// neither.
func (t token) is(words ...string) bool {
	if t.kind != tokenWord && t.kind != tokenSign {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

// signs in the order in which they are tried: the longer first.
var signs = []string{"!=", "!~", "<=", ">=", "&&", "||", "=", "<", ">", "~", "!", "&", "|", "(", ")", ","}

type lexer struct {
	text   string
	at     int
	tokens []token
}

func lex(text string) ([]token, error) {
	l := &lexer{text: text}
	for {
		l.at += len(l.rest()) - len(strings.TrimLeftFunc(l.rest(), unicode.IsSpace))
		if l.at == len(text) {
			l.tokens = append(l.tokens, token{kind: tokenEnd, at: l.at})
			return l.tokens, nil
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
}

func (l *lexer) rest() string { return l.text[l.at:] }

func (l *lexer) next() error {
	if c := l.text[l.at]; c == '"' || c == '\'' {
		return l.quoted(c)
	}
	for _, s := range signs {
		if strings.HasPrefix(l.rest(), s) {
			l.tokens = append(l.tokens, token{kind: tokenSign, text: s, at: l.at})
			l.at += len(s)
			return nil
		}
	}
	return l.word()
}

func (l *lexer) quoted(quote byte) error {
	start := l.at
	var out strings.Builder
	for l.at++; l.at < len(l.text); {
		switch c := l.text[l.at]; c {
		case quote:
			l.at++
			l.tokens = append(l.tokens, token{kind: tokenString, text: out.String(), at: start})
			return nil
		case '\\':
			if err := l.escape(&out); err != nil {
				return err
			}
		default:
			out.WriteByte(c)
			l.at++
		}
	}
	return syntaxError(l.text, start, "The quoted string '%s' has not been completed.", cut(out.String()))
}

func (l *lexer) word() error {
	start, kind := l.at, tokenWord
	var out strings.Builder
	for l.at < len(l.text) {
		r, size := utf8.DecodeRuneInString(l.rest())
		if r == '\\' {
			if err := l.escape(&out); err != nil {
				return err
			}
			kind = tokenString // what is escaped is meant literally
			continue
		}
		if !l.inWord(r, start) {
			break
		}
		out.WriteString(l.text[l.at : l.at+size])
		l.at += size
	}
	if l.at == start {
		r, _ := utf8.DecodeRuneInString(l.rest())
		return syntaxError(l.text, start, "The character '%c' is a reserved JQL character. "+
			"You must enclose it in a string or use the escape '\\u%04x' instead.", r, r)
	}
	l.tokens = append(l.tokens, token{kind: kind, text: out.String(), at: start})
	return nil
}

// inWord reports whether r, at the present place, belongs to a word that began at
// start. Three reserved characters are allowed where nothing else can be meant: a
// leading + before a number, the point of a decimal fraction, and the brackets of
// cf[10010].
func (l *lexer) inWord(r rune, start int) bool {
	switch {
	case r == '[' || r == ']':
		return customFieldAhead(l.text[start:], l.at-start)
	case r == '+':
		return l.at == start && digitAt(l.text, l.at+1)
	case r == '.':
		return l.at > start && digitAt(l.text, l.at-1) && digitAt(l.text, l.at+1)
	case r == '-' || r == '_' || r == ':':
		return true
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// customFieldAhead reports whether text begins with cf[digits], and offset lies in it.
func customFieldAhead(text string, offset int) bool {
	if len(text) < 3 || !strings.EqualFold(text[:3], "cf[") {
		return false
	}
	end := strings.IndexByte(text, ']')
	if end < 0 || offset > end {
		return false
	}
	_, err := strconv.ParseUint(text[3:end], 10, 64)
	return err == nil
}

func digitAt(s string, i int) bool { return i < len(s) && s[i] >= '0' && s[i] <= '9' }

var escapes = map[byte]byte{'t': '\t', 'n': '\n', 'r': '\r', '\\': '\\', '\'': '\'', '"': '"', ' ': ' '}

func (l *lexer) escape(out *strings.Builder) error {
	rest := l.rest()
	if len(rest) > 1 {
		if c, ok := escapes[rest[1]]; ok {
			out.WriteByte(c)
			l.at += 2
			return nil
		}
	}
	if len(rest) >= 6 && rest[1] == 'u' {
		if n, err := strconv.ParseUint(rest[2:6], 16, 32); err == nil {
			out.WriteRune(rune(n))
			l.at += 6
			return nil
		}
	}
	shown, size := utf8.DecodeRuneInString(rest[1:])
	if size == 0 {
		shown = ' '
	}
	return syntaxError(l.text, l.at, `'\%c' is an illegal JQL escape sequence. The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX.`, shown)
}

// An Error says what is wrong with a query, in Jira's words.
type Error struct {
	Message string
	// Line and Character say where, from 1. Both are 0 where the query can be
	// read, but asks for something that does not exist.
	Line, Character int
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("Error in the JQL Query: %s (line %d, character %d)", e.Message, e.Line, e.Character)
}

func syntaxError(text string, at int, format string, args ...any) error {
	before := text[:at]
	return &Error{
		Message:   fmt.Sprintf(format, args...),
		Line:      1 + strings.Count(before, "\n"),
		Character: 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]),
	}
}

// cut keeps an error readable when it quotes a very long text.
func cut(s string) string {
	if len(s) <= 100 {
		return s
	}
	return strings.ToValidUTF8(s[:100], "") + "…"
}
