package jirasim

import (
	"math"
	"net/http/httptest"
	"strings"
	"testing"
)

// A token beyond the end of its walk leads to an empty last page.
func TestATokenBeyondTheEnd(t *testing.T) {
	s := New(Config{})
	s.AddIssue(Issue{Key: "PAY-1"})
	const query = "project = PAY"
	token := position{walk: 1, offset: math.MaxInt}.token(query)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", searchPath, strings.NewReader(`{"jql":"`+query+`","nextPageToken":"`+token+`"}`))
	r.Header.Set("Content-Type", "application/json")
	s.ServeHTTP(w, r)
	if got, want := w.Body.String(), `{"issues":[],"isLast":true}`; got != want {
		t.Errorf("search = %d %s, want %s", w.Code, got, want)
	}
}
