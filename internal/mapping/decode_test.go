package mapping

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// shared gives the path of a file that tests read and the project does not
// hold, or skips.
func shared(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is not there; this test needs it", path)
	}
	return path
}

// standardDecode is Decode by the standard library.
func standardDecode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if !json.Valid(data) {
		return nil, os.ErrInvalid // more after the value
	}
	return numbers(v), nil
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil {
			return i
		}
		if i, ok := new(big.Int).SetString(v.String(), 10); ok {
			return i
		}
		f, _ := strconv.ParseFloat(v.String(), 64)
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, ` {"a" : [1, -2.5e3, true, false, null]} `, `{"a":1,"a":{"b":2}}`,
		`"\u00e4\ud83d\ude00\ud83dx\ud83d\u0041\n\/"`, "\"\xff\xfe ok\"", `{"\u0061":1}`, `{"\ud800":1}`,
		`-0`, `01`, `1.`, `.5`, `-`, `1e400`, `-1e400`, `1e-400`, `9223372036854775807`, `9223372036854775808`,
		`123456789012345678901234567890`, `1E+2`, `nul`, `nullx`, `tru`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{"a"}`,
		`{"a":}`, `{a:1}`, `"`, `"\`, `"\u12"`, `"\u12g4"`, `"\x"`, "\"\t\"", "\"\x00\"", ``, ` `, `1 2`, "[1\x002]", "\xef\xbb\xbf{}",
		strings.Repeat("[", 512) + strings.Repeat("]", 512), strings.Repeat("[", 600) + strings.Repeat("]", 600),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantErr := standardDecode(data)
		got, err := Decode(data, Paths{Whole: true})
		if err != nil && strings.Contains(err.Error(), "nested") {
			return // our own limit
		}
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("Decode(%q) = %v, want %v", data, err, wantErr)
		}
		if err != nil {
			return
		}
		if !reflect.DeepEqual(want, got.value) {
			t.Errorf("Decode(%q) = %#v, want %#v", data, got.value, want)
		}
		if _, err := Decode(data, Paths{Keys: map[string]Paths{"a": {Whole: true}}}); err != nil {
			t.Errorf("Decode(%q) with paths = %v, want no error, as with everything", data, err)
		}
	})
}

func TestDecodeBuildsOnlyWhatIsRead(t *testing.T) {
	const item = `{"a":{"b":{"c":1,"d":2},"e":[1]},"l":[{"x":1,"y":2},[3],"s",null],"s":"t","o":{"p":{"q":1,"r":2},"z":{"q":3}},"é":1,"n":null}`
	for _, tt := range []struct {
		reads Paths
		want  string
	}{
		{Paths{}, `{}`},
		{keys("a", Paths{}), `{"a":{}}`},
		{keys("a", keys("b", keys("d", whole))), `{"a":{"b":{"d":2}}}`},
		{keys("a", keys("b", whole)), `{"a":{"b":{"c":1,"d":2}}}`},
		{keys("s", keys("x", whole)), `{"s":"t"}`},
		{keys("n", keys("x", whole)), `{"n":null}`},
		{keys("missing", whole), `{}`},
		{keys("é", whole), `{"é":1}`},
		{keys("l", keys(Each, keys("x", whole))), `{"l":[{"x":1},[3],"s",null]}`},
		{keys("l", keys("x", whole)), `{"l":[{"x":1,"y":2},[3],"s",null]}`},
		{keys("o", keys(Each, keys("q", whole))), `{"o":{"p":{"q":1},"z":{"q":3}}}`},
		{keys("o", Union(keys(Each, keys("q", whole)), keys("p", keys("r", whole)))), `{"o":{"p":{"q":1,"r":2},"z":{"q":3}}}`},
		{whole, `{"a":{"b":{"c":1,"d":2},"e":[1]},"l":[{"x":1,"y":2},[3],"s",null],"n":null,"o":{"p":{"q":1,"r":2},"z":{"q":3}},"s":"t","é":1}`},
	} {
		got, err := Decode([]byte(item), tt.reads)
		if err != nil {
			t.Errorf("Decode(item, %v) = %v", tt.reads, err)
			continue
		}
		if text, _ := appendJSON(nil, got.value); string(text) != tt.want {
			t.Errorf("Decode(item, %v) = %s, want %s", tt.reads, text, tt.want)
		}
	}
}

func keys(k string, p Paths) Paths { return Paths{Keys: map[string]Paths{k: p}} }

func TestDecodeRefusesDeepNesting(t *testing.T) {
	deep := []byte(`{"a":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`)
	for _, reads := range []Paths{whole, {}, keys("a", whole)} {
		if _, err := Decode(deep, reads); err == nil {
			t.Errorf("Decode(600 brackets, %v) = nil, want an error", reads)
		}
	}
}

func TestSkippingEndsWhereReadingEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		skipped := encoded(anyValue(3).Draw(t, "skipped"))
		raw := []byte(`{"skipped": ` + skipped + ` ,"read":"yes"}`)
		item, err := Decode(raw, keys("read", whole))
		if err != nil {
			t.Fatalf("Decode(%s) = %v", raw, err)
		}
		if got := encoded(item.value); got != `{"read":"yes"}` {
			t.Fatalf("Decode(%s) = %s", raw, got)
		}
	})
}

func encoded(v any) string {
	text, err := appendJSON(nil, v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

var names = []string{"a", "b", "c", "key", "d e"}

// anyValue draws a value of jq.
func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		most := 7
		if depth == 0 {
			most = 4
		}
		switch rapid.IntRange(0, most).Draw(t, "type") {
		case 0:
			return nil
		case 1:
			return rapid.Bool().Draw(t, "bool")
		case 2:
			return rapid.IntRange(-3, 1000).Draw(t, "int")
		case 3:
			return rapid.SampledFrom([]string{"", "a", "text", "quote\" \\", "x/y z", "ä", "{[", "]}"}).Draw(t, "string")
		case 4:
			return rapid.Float64Range(-5, 5).Draw(t, "float")
		case 5:
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				list = append(list, anyValue(depth-1).Draw(t, "element"))
			}
			return list
		}
		object := map[string]any{}
		for _, name := range names {
			if rapid.Bool().Draw(t, "has") {
				object[name] = anyValue(depth-1).Draw(t, "member")
			}
		}
		return object
	})
}
