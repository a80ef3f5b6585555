package jira_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"ferry/jira"
)

// pagesOf answers the n-th request with the n-th text, and the last text for
// ever after.
func pagesOf(asked *[]string, pages ...string) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var token struct{ NextPageToken string }
		_ = json.Unmarshal(body, &token)
		*asked = append(*asked, token.NextPageToken+r.URL.Query().Get("startAt"))
		status, text, ok := strings.Cut(pages[min(n, len(pages)-1)], " ")
		code, err := strconv.Atoi(status)
		if !ok || err != nil {
			code, text = 200, pages[min(n, len(pages)-1)]
		}
		n++
		reply(w, code, text)
	}
}

func TestIssuePaging(t *testing.T) {
	tests := []struct {
		name  string
		pages []string
		items int
		asked string // tokens
		err   string // "" for a complete listing
	}{
		{"one page", []string{`{"issues":[1,2],"isLast":true}`}, 2, "", ""},
		{"no token is the end", []string{`{"issues":[1],"nextPageToken":"a"}`, `{"issues":[2]}`}, 2, " a", ""},
		{"a null token is the end", []string{`{"issues":[1],"nextPageToken":null,"isLast":false}`}, 1, "", ""},
		{"isLast beside a token is the end", []string{`{"issues":[1],"nextPageToken":"a","isLast":true}`}, 1, "", ""},
		{"a short page is not the end", []string{`{"issues":[1],"nextPageToken":"a"}`, `{"issues":[2,3,4]}`}, 4, " a", ""},
		{"an empty page with a token is followed", []string{`{"issues":[],"nextPageToken":"a"}`, `{"issues":[2]}`}, 1, " a", ""},
		{"nothing matches", []string{`{"issues":[],"isLast":true}`}, 0, "", ""},
		{"a token that comes twice", []string{`{"issues":[1],"nextPageToken":"a"}`, `{"issues":[2],"nextPageToken":"b"}`, `{"issues":[3],"nextPageToken":"a"}`},
			2, " a b", "the same page token came twice"},
		{"a token that points at itself", []string{`{"issues":[1],"nextPageToken":"a"}`, `{"issues":[1],"nextPageToken":"a"}`},
			1, " a", "the same page token came twice"},
		{"the same page under another token", []string{`{"issues":[1,2],"nextPageToken":"a"}`, `{"issues":[],"nextPageToken":"b"}`, `{"issues":[1,2],"nextPageToken":"c"}`},
			2, " a b", "does not advance"},
		{"the same page as the last", []string{`{"issues":[1,2],"nextPageToken":"a"}`, `{"issues":[1,2],"isLast":true}`}, 2, " a", "does not advance"},
		{"the removed search's shape", []string{`{"startAt":0,"maxResults":50,"total":9,"issues":[1]}`},
			0, "", "the shape of the removed search, with 1 of 9 issues"},
		{"the removed search's shape that says it is whole", []string{`{"startAt":0,"total":9,"isLast":true,"issues":[1]}`}, 1, "", ""},
		{"a failure in the middle", []string{`{"issues":[1],"nextPageToken":"a"}`, `400 {"errorMessages":["The token has expired."]}`},
			1, " a", "The token has expired"},
	}
	for _, tt := range tests {
		var asked []string
		c := newClient(t, jira.Config{Retries: -1}, pagesOf(&asked, tt.pages...))
		items, err := 0, error(nil)
		for page, e := range c.SearchIssues(t.Context(), jira.IssueQuery{JQL: "a"}) {
			items, err = items+len(page.Items), e
		}
		if items != tt.items || strings.Join(asked, " ") != tt.asked || !strings.Contains(errorText(err), tt.err) || (err == nil) != (tt.err == "") {
			t.Errorf("%s: %d items, tokens %q, error %v; want %d, %q, %q", tt.name, items, asked, err, tt.items, tt.asked, tt.err)
		}
	}
}

// A cursor that leads to itself is a repeated token too.
func TestCursorThatLeadsToItself(t *testing.T) {
	var asked []string
	c := newClient(t, jira.Config{}, pagesOf(&asked, `{"issues":[1],"nextPageToken":"a"}`, `{"issues":[],"isLast":true}`))
	for _, err := range c.SearchIssues(t.Context(), jira.IssueQuery{JQL: "a", Cursor: "a"}) {
		if !strings.Contains(errorText(err), "the same page token came twice") {
			t.Errorf("search from %q = %v, want the repeated token", "a", err)
		}
	}
}

// Empty pages count only in a row.
func TestEmptyPagesBetweenOthers(t *testing.T) {
	n := 0
	c := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		n++
		page := fmt.Sprintf(`{"issues":[%s],"nextPageToken":"t%d"}`, strings.Repeat(strconv.Itoa(n), n%2), n)
		if n == 300 {
			page = `{"issues":[]}`
		}
		reply(w, 200, page)
	})
	if err := searchOnce(t.Context(), c); err != nil || n != 300 {
		t.Errorf("search of 150 empty pages among others = %v after %d, want success after 300", err, n)
	}
}

// Empty pages are followed, but not for ever.
func TestEmptyPagesAreBounded(t *testing.T) {
	n := 0
	c := newClient(t, jira.Config{}, func(w http.ResponseWriter, _ *http.Request) {
		n++
		reply(w, 200, fmt.Sprintf(`{"issues":[],"nextPageToken":"t%d"}`, n))
	})
	err := searchOnce(t.Context(), c)
	if e, ok := errors.AsType[*jira.Error](err); !ok || n != 101 || !strings.Contains(e.Error(), "empty pages") {
		t.Errorf("search ended after %d pages with %v, want an error after 101", n, err)
	}
}

func TestProjectPaging(t *testing.T) {
	tests := []struct {
		name  string
		pages []string
		items int
		asked string // offsets
		err   string
	}{
		{"goes on by what came", []string{`{"startAt":0,"total":3,"values":[1,2]}`, `{"startAt":2,"total":3,"isLast":true,"values":[3]}`}, 3, "0 2", ""},
		{"an empty page is the end", []string{`{"values":[1]}`, `{"values":[]}`}, 1, "0 1", ""},
		{"a total too small does not end it", []string{`{"total":1,"isLast":false,"values":[1]}`, `{"total":1,"isLast":true,"values":[2]}`}, 2, "0 1", ""},
		{"404 means nothing matches", []string{`404 {"errorMessages":["No projects"],"errors":{}}`}, 0, "0", ""},
		{"404 of a proxy does not", []string{`404 <html>`}, 0, "0", "not in Jira's words"},
		{"404 in the middle does not", []string{`{"values":[1]}`, `404 {"errorMessages":["No"],"errors":{}}`}, 1, "0 1", "404 Not Found"},
		{"the first page for ever", []string{`{"isLast":false,"values":[1,2]}`}, 2, "0 2", "does not advance"},
		{"another offset than asked for", []string{`{"startAt":0,"isLast":false,"values":[1]}`, `{"startAt":0,"isLast":false,"values":[2]}`}, 1, "0 1", "does not advance"},
		{"empty and not the last", []string{`{"total":5,"isLast":false,"values":[]}`}, 0, "0", "does not advance"},
	}
	for _, tt := range tests {
		var asked []string
		c := newClient(t, jira.Config{Retries: -1}, pagesOf(&asked, tt.pages...))
		items, err := 0, error(nil)
		for page, e := range c.Projects(t.Context(), jira.ProjectQuery{}) {
			items, err = items+len(page.Items), e
		}
		if items != tt.items || strings.Join(asked, " ") != tt.asked || !strings.Contains(errorText(err), tt.err) || (err == nil) != (tt.err == "") {
			t.Errorf("%s: %d items, offsets %q, error %v; want %d, %q, %q", tt.name, items, asked, err, tt.items, tt.asked, tt.err)
		}
	}
}

// Where nothing matches there is still a page, so that a caller hears of a
// complete listing.
func TestNoProjectsGiveOnePage(t *testing.T) {
	var asked []string
	c := newClient(t, jira.Config{}, pagesOf(&asked, `404 {"errorMessages":["No projects"],"errors":{}}`))
	pages := 0
	for page, err := range c.Projects(t.Context(), jira.ProjectQuery{}) {
		pages++
		if err != nil || len(page.Items) != 0 || page.Cursor != "" || page.Total != 0 {
			t.Errorf("page = %+v, %v, want an empty last page", page, err)
		}
	}
	if pages != 1 {
		t.Errorf("%d pages, want 1", pages)
	}
}

// A listing taken up from any cursor ends with the same items, and one that is
// left early asks no more.
func TestCursorsResume(t *testing.T) {
	all := []string{`{"issues":[1],"nextPageToken":"a"}`, `{"issues":[2],"nextPageToken":"b"}`, `{"issues":[3]}`}
	var asked []string
	c := newClient(t, jira.Config{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var token struct{ NextPageToken string }
		_ = json.Unmarshal(body, &token)
		asked = append(asked, token.NextPageToken)
		reply(w, 200, all[map[string]int{"": 0, "a": 1, "b": 2}[token.NextPageToken]])
	})
	var got []string
	query := jira.IssueQuery{JQL: "a"}
	for n := 0; n == 0 || query.Cursor != ""; n++ {
		for page, err := range c.SearchIssues(t.Context(), query) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%s", page.Items))
			query.Cursor = page.Cursor
			break
		}
	}
	if fmt.Sprint(got) != "[[1] [2] [3]]" || fmt.Sprintf("%q", asked) != `["" "a" "b"]` {
		t.Errorf("resumed pages = %v by tokens %q, want each once", got, asked)
	}
}
