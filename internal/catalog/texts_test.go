package catalog

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestAnyTextComesBackAsItWas(t *testing.T) {
	part := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\x00", "\x01", "\x010", "\x0100", "\xff", "\xed\xa0\x80"}))
	texts := rapid.Map(rapid.SliceOfN(part, 0, 5), func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(rt *rapid.T) {
		a, b := texts.Draw(rt, "a"), texts.Draw(rt, "b")
		x, y := escape(a), escape(b)
		if strings.Contains(x, "\x00") || !utf8.ValidString(x) {
			rt.Fatalf("%q is kept as %q, which PostgreSQL does not take", a, x)
		}
		if (a == b) != (x == y) {
			rt.Fatalf("%q and %q are kept as %q and %q", a, b, x, y)
		}
		if strings.HasPrefix(x, string(mark)+"L") {
			rt.Fatalf("%q is kept as %q, which stands for a long key", a, x)
		}
		if back, err := unescape(x); err != nil || back != a {
			rt.Fatalf("%q came back as %q, %v", a, back, err)
		}
	})
}

func TestArgumentsAreNumberedOutsideOfLiterals(t *testing.T) {
	for text, want := range map[string]string{
		`SELECT ?, '?', ?`:            `SELECT $1, '?', $2`,
		`'it''s ?' = ?`:               `'it''s ?' = $1`,
		`a IN (?, ?) AND b = ''`:      `a IN ($1, $2) AND b = ''`,
		`SELECT 'ü?' || ? || '?ü', 1`: `SELECT 'ü?' || $1 || '?ü', 1`,
	} {
		if got := numbered(text); got != want {
			t.Errorf("numbered(%s) = %s, want %s", text, got, want)
		}
	}
}
