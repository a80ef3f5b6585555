package mapping

import "strings"

// lint warns of what an expression asks for in vain, or must not ask for.
func (a at) lint(p *program) {
	for _, x := range []struct{ word, sentence string }{
		{"$ENV", "$ENV is empty here: a mapping cannot read the environment"},
		{"env", "env is empty here: a mapping cannot read the environment"},
		{"now", "now is another value at every reading, so the entity is written to Port again and again"},
		{"input", "input has nothing to give here"},
		{"inputs", "inputs has nothing to give here"},
	} {
		if p.calls(x.word) {
			a.warn("%s", x.sentence)
		}
	}
}

// calls tells whether the expression's text holds a word, outside of texts and
// not as a key. It is for warnings only, and exact enough for them.
func (p *program) calls(word string) bool {
	text := p.query.String()
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		from = i + len(word)
		if strings.Count(text[:i], `"`)%2 == 0 && !partOfName(text, i-1) && !partOfName(text, from) && (i == 0 || !strings.ContainsRune(".$", rune(text[i-1]))) {
			return true
		}
	}
}

func partOfName(text string, i int) bool {
	if i < 0 || i >= len(text) {
		return false
	}
	c := text[i]
	return c == '_' || c == ':' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
