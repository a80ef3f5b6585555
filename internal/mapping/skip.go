package mapping

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// skip steps over one value. depth is that of the value, for the same limit as
// when it is built.
func (d *decoder) skip(depth int) error {
	switch d.peek() {
	case '{', '[':
		return d.skipNested(depth)
	case '"':
		return d.skipString()
	}
	start := d.at
	for d.at < len(d.data) && !strings.ContainsRune(",]} \n\t\r", rune(d.data[d.at])) {
		d.at++
	}
	if d.at == start {
		return d.errorf("a value should begin here")
	}
	return nil
}

func (d *decoder) skipNested(depth int) error {
	open := 0
	for d.at < len(d.data) {
		switch d.data[d.at] {
		case '"':
			if err := d.skipString(); err != nil {
				return err
			}
			continue
		case '{', '[':
			if open++; depth+open > maxDepth {
				return d.errorf("nested more than %d deep", maxDepth)
			}
		case '}', ']':
			if open--; open == 0 {
				d.at++
				return nil
			}
		}
		d.at++
	}
	return d.errorf("a bracket without an end")
}

// skipString finds the closing quote: the first one with an even number of
// backslashes before it.
func (d *decoder) skipString() error {
	d.at++
	for {
		n := bytes.IndexByte(d.data[d.at:], '"')
		if n < 0 {
			return d.errorf("a string without an end")
		}
		begin := d.at
		d.at += n + 1
		slashes := 0
		for i := d.at - 2; i >= begin && d.data[i] == '\\'; i-- {
			slashes++
		}
		if slashes%2 == 0 {
			return nil
		}
	}
}

// validText makes a string of bytes, with U+FFFD for what is not UTF-8.
func validText(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	return string([]rune(string(text)))
}

// unquote resolves the escapes of a string that quoted has checked. Half of a
// surrogate pair becomes U+FFFD.
func unquote(text []byte) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c != '\\' && c < utf8.RuneSelf:
			out = append(out, c)
			i++
		case c != '\\':
			r, size := utf8.DecodeRune(text[i:])
			out = utf8.AppendRune(out, r)
			i += size
		case text[i+1] == 'u':
			r, size := escapedRune(text[i:])
			out = utf8.AppendRune(out, r)
			i += size
		default:
			out = append(out, escaped[text[i+1]])
			i += 2
		}
	}
	return string(out)
}

var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escapedRune reads \uXXXX, and a second one where the two are a pair.
func escapedRune(text []byte) (rune, int) {
	first := hexRune(text)
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	if len(text) >= 12 && text[6] == '\\' && text[7] == 'u' {
		if pair := utf16.DecodeRune(first, hexRune(text[6:])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

func hexRune(text []byte) rune {
	n, _ := strconv.ParseUint(string(text[2:6]), 16, 16) // unreachable error: escape has checked it
	return rune(n)
}
