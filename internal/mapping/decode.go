package mapping

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Decode reads one Jira object and builds the parts of it that reads names.
// What is not named is stepped over: of it only quotes and brackets are
// looked at, so a fault there may pass; a page's own decoding has found it.
// Integers are exact whatever their size. Of a key given twice the last holds.
// Text that is not JSON, or nested more than 512 deep, is an error with its
// offset.
func Decode(raw json.RawMessage, reads Paths) (Item, error) {
	d := decoder{data: raw}
	d.space()
	v, err := d.value(&reads, 0)
	if err != nil {
		return Item{}, err
	}
	if d.space(); d.at < len(raw) {
		return Item{}, d.errorf("more after the value")
	}
	return Item{v}, nil
}

type decoder struct {
	data []byte
	at   int
}

func (d *decoder) errorf(format string, args ...any) error {
	return fmt.Errorf("json at byte %d: %s", d.at, fmt.Sprintf(format, args...))
}

func (d *decoder) space() {
	for d.at < len(d.data) {
		switch d.data[d.at] {
		case ' ', '\n', '\t', '\r':
			d.at++
		default:
			return
		}
	}
}

// peek gives the next byte, or 0 at the end; a 0 in the text is an error in
// every place where peek decides.
func (d *decoder) peek() byte {
	if d.at < len(d.data) {
		return d.data[d.at]
	}
	return 0
}

// value reads one value of which reads is used. An object or a list is built
// as far as it is read; a scalar, and a list of which no element is read, are
// small or rare and built whole, so that a message about them says what is
// there.
func (d *decoder) value(reads *Paths, depth int) (any, error) {
	if depth > maxDepth {
		return nil, d.errorf("nested more than %d deep", maxDepth)
	}
	switch c := d.peek(); {
	case c == '{':
		return d.object(reads, depth)
	case c == '[':
		return d.list(reads, depth)
	case c == '"':
		return d.string()
	case c == '-' || '0' <= c && c <= '9':
		return d.number()
	case c == 't':
		return true, d.word("true")
	case c == 'f':
		return false, d.word("false")
	case c == 'n':
		return nil, d.word("null")
	}
	return nil, d.errorf("a value should begin here")
}

var whole = Paths{Whole: true}

func (d *decoder) list(reads *Paths, depth int) (any, error) {
	element := &whole
	if p, ok := reads.Keys[Each]; ok && !reads.Whole {
		element = &p
	}
	list := []any{}
	d.at++
	if d.space(); d.peek() == ']' {
		d.at++
		return list, nil
	}
	for {
		d.space()
		v, err := d.value(element, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if more, err := d.next(']'); !more {
			return list, err
		}
	}
}

func (d *decoder) object(reads *Paths, depth int) (any, error) {
	object := make(map[string]any, len(reads.Keys))
	each, iterated := reads.Keys[Each]
	d.at++
	if d.space(); d.peek() == '}' {
		d.at++
		return object, nil
	}
	for {
		key, plain, err := d.key()
		if err != nil {
			return nil, err
		}
		if err := d.member(object, key, plain, reads, each, iterated, depth); err != nil {
			return nil, err
		}
		if more, err := d.next('}'); !more {
			return object, err
		}
	}
}

// member reads the value of one key, or steps over it.
func (d *decoder) member(object map[string]any, key []byte, plain bool, reads *Paths, each Paths, iterated bool, depth int) error {
	name := key
	if !plain {
		name = []byte(unquote(key))
	}
	below, ok := reads.Keys[string(name)]
	switch {
	case reads.Whole:
		below = whole
	case iterated && ok:
		below = Union(below, each)
	case iterated:
		below = each
	case !ok:
		return d.skip(depth + 1)
	}
	v, err := d.value(&below, depth+1)
	if err == nil {
		object[validText(name)] = v
	}
	return err
}

// key reads `"key" :` and gives the bytes between the quotes, and whether they
// are the key as it is.
func (d *decoder) key() ([]byte, bool, error) {
	if d.space(); d.peek() != '"' {
		return nil, false, d.errorf("a key should begin here")
	}
	key, plain, err := d.quoted()
	if err != nil {
		return nil, false, err
	}
	if d.space(); d.peek() != ':' {
		return nil, false, d.errorf("':' should follow a key")
	}
	d.at++
	d.space()
	return key, plain, nil
}

// next steps over a comma, or over the closing bracket, which ends it.
func (d *decoder) next(closing byte) (more bool, err error) {
	d.space()
	switch d.peek() {
	case ',':
		d.at++
		return true, nil
	case closing:
		d.at++
		return false, nil
	}
	return false, d.errorf("',' or '%c' should stand here", closing)
}

func (d *decoder) word(word string) error {
	if len(d.data)-d.at < len(word) || string(d.data[d.at:d.at+len(word)]) != word {
		return d.errorf("a value should begin here")
	}
	d.at += len(word)
	return nil
}

func (d *decoder) string() (any, error) {
	text, plain, err := d.quoted()
	if err != nil {
		return nil, err
	}
	if plain {
		return validText(text), nil
	}
	return unquote(text), nil
}

// number reads a number as jq holds it: an int where it fits, a big.Int where
// it is an integer, otherwise a float64, infinite beyond its range.
func (d *decoder) number() (any, error) {
	text, integer, err := d.digits()
	if err != nil {
		return nil, err
	}
	if integer {
		if i, err := strconv.Atoi(text); err == nil {
			return i, nil
		}
		i, _ := new(big.Int).SetString(text, 10)
		return i, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, d.errorf("%q is not a number", text)
	}
	return f, nil
}

// digits reads a number by JSON's grammar: no plus, no leading zero, a digit
// on both sides of the point.
func (d *decoder) digits() (text string, integer bool, err error) {
	start := d.at
	if d.peek() == '-' {
		d.at++
	}
	if d.peek() == '0' {
		d.at++
	} else if !d.run() {
		return "", false, d.errorf("a digit should stand here")
	}
	integer = true
	if d.peek() == '.' {
		integer = false
		d.at++
		if !d.run() {
			return "", false, d.errorf("a digit should stand here")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		integer = false
		d.at++
		if c := d.peek(); c == '+' || c == '-' {
			d.at++
		}
		if !d.run() {
			return "", false, d.errorf("a digit should stand here")
		}
	}
	return string(d.data[start:d.at]), integer, nil
}

// run steps over digits and tells whether there was one.
func (d *decoder) run() bool {
	start := d.at
	for c := d.peek(); '0' <= c && c <= '9'; c = d.peek() {
		d.at++
	}
	return d.at > start
}

// quoted steps over a string and gives the bytes between the quotes, checked,
// and whether there is no escape in them.
func (d *decoder) quoted() (text []byte, plain bool, err error) {
	plain = true
	d.at++
	start := d.at
	for d.at < len(d.data) {
		switch c := d.data[d.at]; {
		case c == '"':
			d.at++
			return d.data[start : d.at-1], plain, nil
		case c == '\\':
			plain = false
			if err := d.escape(); err != nil {
				return nil, false, err
			}
		case c < ' ':
			return nil, false, d.errorf("a control character in a string")
		default:
			d.at++
		}
	}
	return nil, false, d.errorf("a string without an end")
}

func (d *decoder) escape() error {
	rest := d.data[d.at:]
	if len(rest) < 2 {
		return d.errorf("a string without an end")
	}
	if strings.IndexByte(`"\/bfnrt`, rest[1]) >= 0 {
		d.at += 2
		return nil
	}
	if rest[1] == 'u' && len(rest) >= 6 {
		if _, err := strconv.ParseUint(string(rest[2:6]), 16, 16); err == nil {
			d.at += 6
			return nil
		}
	}
	return d.errorf("an escape that JSON does not know")
}
