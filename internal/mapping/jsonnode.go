package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// jsonNode reads JSON into the nodes of YAML. YAML's own reader refuses some
// JSON: tabs between the tokens, and characters written as surrogate pairs.
func jsonNode(data []byte) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	r := jsonReader{data: data, dec: dec}
	return r.node()
}

type jsonReader struct {
	data []byte
	dec  *json.Decoder
	line struct{ number, begin, seen int } // how far lines are counted
}

func (r *jsonReader) node() (*yaml.Node, error) {
	token, err := r.dec.Token()
	if err != nil {
		return nil, err // unreachable: the text is valid JSON
	}
	n := &yaml.Node{Kind: yaml.ScalarNode}
	r.position(n, token)
	switch t := token.(type) {
	case json.Delim:
		return n, r.nested(n, t)
	case string:
		n.Tag, n.Value = "!!str", t
	case json.Number:
		n.Tag, n.Value = "!!float", t.String()
		if _, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			n.Tag = "!!int"
		}
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(t)
	case nil:
		n.Tag, n.Value = "!!null", "null"
	default:
		panic(fmt.Sprintf("unreachable: json token of type %T", t))
	}
	return n, nil
}

func (r *jsonReader) nested(n *yaml.Node, open json.Delim) error {
	n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for r.dec.More() {
		child, err := r.node()
		if err != nil {
			return err
		}
		n.Content = append(n.Content, child)
	}
	_, err := r.dec.Token()
	return err
}

// position finds where the token that was just read begins: of a text, back to
// its opening quote; of the others, by their length.
func (r *jsonReader) position(n *yaml.Node, token json.Token) {
	end := int(r.dec.InputOffset())
	begin := end - 1
	switch t := token.(type) {
	case string:
		begin = openingQuote(r.data, end)
	case json.Number:
		begin = end - len(t)
	case bool:
		begin = end - len(strconv.FormatBool(t))
	case nil:
		begin = end - len("null")
	}
	l := &r.line
	for ; l.seen < begin; l.seen++ {
		if r.data[l.seen] == '\n' {
			l.number++
			l.begin = l.seen + 1
		}
	}
	n.Line = l.number + 1
	n.Column = utf8.RuneCount(r.data[l.begin:begin]) + 1
}

// openingQuote goes back from the end of a string to the quote before which
// stands no backslash: inside a string every quote has an odd number of them.
func openingQuote(data []byte, end int) int {
	for i := end - 2; i > 0; i-- {
		if data[i] == '"' && data[i-1] != '\\' {
			return i
		}
	}
	return 0
}
