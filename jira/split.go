package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth is how deep arrays and objects may nest, as in encoding/json.
const maxDepth = 10000

var errNoArray = errors.New("the answer lacks its list")

// split takes a JSON object apart at the array that one of its keys holds. It
// returns the elements, which alias body, and the object with that array
// emptied, which is small and left to encoding/json.
//
// One pass finds where each element ends: it follows strings and brackets and
// decodes nothing. So an element is known to be balanced and not to be valid;
// whoever decodes it finds that out. Of a key that stands twice the last one
// counts, as in encoding/json. The error is errNoArray if the key is not there
// or holds something else, [io.ErrUnexpectedEOF] if body ends too early.
func split(body []byte, key string) (items []json.RawMessage, rest []byte, err error) {
	s := scanner{text: body}
	found, copied := false, 0
	err = s.object(func(name []byte) error {
		if !isKey(name, key) {
			return s.value()
		}
		from := s.at
		items = nil
		found = s.peek() == '['
		if !found {
			return s.value()
		}
		err := s.array(func(element []byte) { items = append(items, element) })
		rest = append(append(rest, body[copied:from]...), "[]"...)
		copied = s.at
		return err
	})
	if err == nil {
		err = s.end()
	}
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, errNoArray
	}
	return items, append(rest, body[copied:]...), nil
}

// splitArray takes a JSON array apart, as split does the array of a key.
func splitArray(body []byte) (items []json.RawMessage, err error) {
	s := scanner{text: body}
	if err = s.array(func(element []byte) { items = append(items, element) }); err == nil {
		err = s.end()
	}
	switch {
	case err != nil && json.Valid(body):
		return nil, notJira("answered JSON that is no list (%w)", err)
	case err != nil:
		return nil, err
	}
	return items, nil
}

// hasKey reports whether a JSON object has a key at its top level.
func hasKey(object []byte, key string) bool {
	if !bytes.Contains(object, []byte(key)) {
		return false // no escape spells a plain ASCII key in any Jira
	}
	s := scanner{text: object}
	has := false
	err := s.object(func(name []byte) error {
		has = has || isKey(name, key)
		return s.value()
	})
	return has && err == nil
}

// memberText is the text that a key of an object holds at its top level, "" if it
// holds none.
func memberText(object []byte, key string) string {
	s := scanner{text: object}
	var found string
	_ = s.object(func(name []byte) error {
		from := s.at
		err := s.value()
		if err == nil && isKey(name, key) {
			found = ""
			_ = json.Unmarshal(s.text[from:s.at], &found) // what is no text is not found
		}
		return err
	})
	return found
}

// isKey compares a quoted name with a key, unescaping only where it must.
func isKey(quoted []byte, key string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == key
	}
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == key
}

// scanner walks over JSON text.
type scanner struct {
	text []byte
	at   int
	open []byte // closing brackets owed by value
}

// peek skips white space and returns the byte there, 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.text) {
		switch b := s.text[s.at]; b {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return b
		}
	}
	return 0
}

// expect passes one byte, which must be want.
func (s *scanner) expect(want byte) error {
	if s.peek() != want {
		return s.unexpected()
	}
	s.at++
	return nil
}

func (s *scanner) unexpected() error {
	if s.at >= len(s.text) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("unexpected %q at byte %d of the JSON", s.text[s.at], s.at)
}

// end refuses text after the value.
func (s *scanner) end() error {
	if s.peek() != 0 || s.at < len(s.text) {
		return s.unexpected()
	}
	return nil
}

// object walks over an object. For each key member is called with the quoted
// name, standing before the value, and must pass it.
func (s *scanner) object(member func(name []byte) error) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	if s.peek() == '}' {
		return s.expect('}')
	}
	for {
		name, err := s.name()
		if err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if s.peek() == '}' {
			return s.expect('}')
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// name passes a key with its colon and returns it in its quotes.
func (s *scanner) name() ([]byte, error) {
	if s.peek() != '"' {
		return nil, s.unexpected()
	}
	from := s.at
	if err := s.str(); err != nil {
		return nil, err
	}
	name := s.text[from:s.at]
	err := s.expect(':')
	s.peek()
	return name, err
}

// array walks over an array and hands out its elements. Each has its capacity
// cut to its length, so that appending to one leaves the next alone.
func (s *scanner) array(element func([]byte)) error {
	if err := s.expect('['); err != nil {
		return err
	}
	if s.peek() == ']' {
		return s.expect(']')
	}
	for {
		s.peek()
		from := s.at
		if err := s.value(); err != nil {
			return err
		}
		element(s.text[from:s.at:s.at])
		if s.peek() == ']' {
			return s.expect(']')
		}
		if err := s.expect(','); err != nil {
			return err
		}
	}
}

// value passes one value.
func (s *scanner) value() error {
	switch s.peek() {
	case '{', '[':
		return s.nested()
	case '"':
		return s.str()
	}
	return s.scalar()
}

// scalar passes a number, true, false or null: all up to the next separator.
func (s *scanner) scalar() error {
	from := s.at
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\t', '\n', '\r', ',', '}', ']':
			return s.checkScalar(from)
		case '{', '[', '"', ':':
			return s.unexpected()
		}
		s.at++
	}
	return s.checkScalar(from)
}

func (s *scanner) checkScalar(from int) error {
	if from == s.at {
		return s.unexpected()
	}
	if !json.Valid(s.text[from:s.at]) {
		s.at = from
		return s.unexpected()
	}
	return nil
}

// str passes a string. A quote ends it unless an odd number of backslashes
// stands before it; looking only for quotes is several times faster than
// looking at every byte.
func (s *scanner) str() error {
	from := s.at + 1
	for at := from; ; at++ {
		next := bytes.IndexByte(s.text[at:], '"')
		if next < 0 {
			s.at = len(s.text)
			return io.ErrUnexpectedEOF
		}
		at += next
		slashes := at
		for slashes > from && s.text[slashes-1] == '\\' {
			slashes--
		}
		if (at-slashes)%2 == 0 {
			s.at = at + 1
			return nil
		}
	}
}

// nested passes an object or an array: only strings and brackets matter.
func (s *scanner) nested() error {
	s.open = s.open[:0]
	for s.at < len(s.text) {
		switch b := s.text[s.at]; b {
		case '"':
			if err := s.str(); err != nil {
				return err
			}
			continue
		case '{':
			s.open = append(s.open, '}')
		case '[':
			s.open = append(s.open, ']')
		case '}', ']':
			if s.open[len(s.open)-1] != b {
				return s.unexpected()
			}
			s.open = s.open[:len(s.open)-1]
		}
		s.at++
		if len(s.open) == 0 {
			return nil
		}
		if len(s.open) > maxDepth {
			return fmt.Errorf("the JSON nests deeper than %d", maxDepth)
		}
	}
	return io.ErrUnexpectedEOF
}
