package company

import (
	"bufio"
	"embed"
	"math/rand/v2"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

//go:embed words
var wordFiles embed.FS

// A grammar gives each symbol its alternatives.
type grammar map[string][]phrase

type phrase []piece

// piece is text as it stands, or the symbol whose alternatives stand there.
type piece struct {
	text   string
	symbol bool
}

// A theme is what a part of a project is about. Its name is the component in Jira.
type theme struct {
	name  string
	voice voice
}

// A voice is a row of grammars, of which the first that knows a symbol speaks: the
// theme's, its project's, and the one that all share.
type voice []grammar

func (v voice) alternatives(symbol string) []phrase {
	for _, g := range v {
		if alternatives := g[symbol]; len(alternatives) > 0 {
			return alternatives
		}
	}
	return nil
}

func (v voice) say(r *rand.Rand, symbol string) string {
	var b strings.Builder
	v.write(&b, r, symbol)
	first, size := utf8.DecodeRuneInString(b.String())
	return string(unicode.ToUpper(first)) + b.String()[size:]
}

func (v voice) write(b *strings.Builder, r *rand.Rand, symbol string) {
	for _, p := range pick(r, v.alternatives(symbol)) {
		if p.symbol {
			v.write(b, r, p.text)
			continue
		}
		b.WriteString(p.text)
	}
}

// text says several sentences, each beginning with a capital letter.
func (v voice) text(r *rand.Rand, symbol string) string {
	sentences := strings.SplitAfter(v.say(r, symbol), ". ")
	for i, s := range sentences {
		first, size := utf8.DecodeRuneInString(s)
		sentences[i] = string(unicode.ToUpper(first)) + s[size:]
	}
	return strings.Join(sentences, "")
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// lexicon is the word file of one project, split into its themes.
type lexicon struct {
	own    grammar
	themes []theme
}

var shared = sync.OnceValue(func() grammar { return readWords("shared").own })

// readWords reads an embedded file. A file that is missing or malformed is a fault
// of this package, which its tests find; so this panics.
func readWords(name string) lexicon {
	text, err := wordFiles.ReadFile("words/" + name + ".txt")
	if err != nil {
		panic("company: " + err.Error()) // unreachable: the files are embedded
	}
	l := lexicon{own: grammar{}}
	current := l.own
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if topic, ok := strings.CutPrefix(line, "["); ok {
			topic = strings.TrimSuffix(topic, "]")
			current = grammar{"topic": {{{text: topic}}}}
			l.themes = append(l.themes, theme{name: topic, voice: voice{current, l.own}})
			continue
		}
		symbol, alternatives, _ := strings.Cut(line, ": ")
		for a := range strings.SplitSeq(alternatives, " | ") {
			current[symbol] = append(current[symbol], parsePhrase(a))
		}
	}
	return l
}

func parsePhrase(text string) phrase {
	var p phrase
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if before != "" {
			p = append(p, piece{text: before})
		}
		if !found {
			break
		}
		symbol, after, _ := strings.Cut(rest, "}")
		p = append(p, piece{text: symbol, symbol: true})
		text = after
	}
	return p
}
