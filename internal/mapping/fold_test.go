package mapping

import (
	"encoding/json"
	"testing"
)

func TestFold(t *testing.T) {
	a := `{"identifier":"i","blueprint":"b","title":"<A>","properties":{"x":1,"y":2},"relations":{"r":"s"}}`
	b := `{"identifier":"i","blueprint":"b","icon":"Jira","team":null,"properties":{"y":null,"a":[1]}}`
	for _, tt := range []struct {
		merge  bool
		bodies []string
		want   string
	}{
		{true, []string{a}, a},
		{false, []string{a, b}, b},
		{true, []string{a, b}, `{"identifier":"i","blueprint":"b","title":"<A>","icon":"Jira","team":null,"properties":{"a":[1],"x":1,"y":null},"relations":{"r":"s"}}`},
		{true, []string{b, a}, `{"identifier":"i","blueprint":"b","title":"<A>","icon":"Jira","team":null,"properties":{"a":[1],"x":1,"y":2},"relations":{"r":"s"}}`},
	} {
		var bodies []json.RawMessage
		for _, body := range tt.bodies {
			bodies = append(bodies, json.RawMessage(body))
		}
		if got, err := Fold(tt.merge, bodies); err != nil || string(got) != tt.want {
			t.Errorf("Fold(%v, %q) = %s, %v, want %s", tt.merge, tt.bodies, got, err, tt.want)
		}
	}
	if _, err := Fold(true, nil); err == nil {
		t.Error("Fold of nothing = nil, want an error")
	}
	if _, err := Fold(true, []json.RawMessage{json.RawMessage(a), json.RawMessage(`[`)}); err == nil {
		t.Error("Fold with no JSON = nil, want an error")
	}
}

func TestNulledForgetsWhatIsNoLongerMade(t *testing.T) {
	const body = `{"identifier":"i","blueprint":"b","title":"T","properties":{"x":1}}`
	for _, tt := range []struct{ sent, now, want string }{
		{"", "title", body},
		{"title,properties.x", "title,properties.x", body},
		{"icon,properties.x,properties.old,relations.r,title", "properties.x,title",
			`{"identifier":"i","blueprint":"b","title":"T","icon":null,"properties":{"old":null,"x":1},"relations":{"r":null}}`},
		{"properties.x,identifier,blueprint", "title", body},
		{"properties.a%2Cb%25.c", "title", `{"identifier":"i","blueprint":"b","title":"T","properties":{"a,b%.c":null,"x":1}}`},
	} {
		if got := Nulled(json.RawMessage(body), tt.sent, tt.now); string(got) != tt.want {
			t.Errorf("Nulled(%s, %q, %q) = %s, want %s", body, tt.sent, tt.now, got, tt.want)
		}
	}
}
