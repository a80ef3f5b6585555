package jira_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"ferry/jira"
)

// Of what has another form than an id nothing is taken, whatever the member.
func TestHostileIDsAreAbsent(t *testing.T) {
	for _, value := range []string{
		`null`, `true`, `0`, `-1`, `1.0`, `1.5`, `1e3`, `1E400`, `"0"`, `"01"`, `"+1"`, `" 1"`, `"1 "`, `"1\n"`, `"１"`, `""`,
		`9223372036854775808`, `1000000000000000000`, `"99999999999999999999999999"`, strings.Repeat("9", 5000),
		`[1]`, `["1"]`, `{"id":1}`, `{}`, `"10001 OR project = SECRET"`, `"10001) OR (1=1"`, `"../user/search?query=a&x="`,
		`"1/../../myself"`, `"%31"`, `"1\u0000"`, `"1;2"`, `"1,2"`, `"` + strings.Repeat("1", 2000) + `"`,
	} {
		body := strings.ReplaceAll(`{"webhookEvent":"pump_leaked","timestamp":@,"issue":{"id":@,"key":@,"fields":{"project":{"id":@,"key":@},"parent":{"id":@,"key":@}}},
"comment":{"id":@,"self":@},"worklog":{"issueId":@},"issueLink":{"id":@,"sourceIssueId":@,"destinationIssueId":@},
"project":{"id":@,"key":@},"version":{"id":@,"projectId":@},"sprint":{"id":@,"originBoardId":@},"board":{"id":@},"configuration":{"id":@}}`, "@", value)
		for _, name := range jira.KnownEvents() {
			body := strings.Replace(body, "pump_leaked", name, 1)
			got, err := jira.ParseEvent([]byte(body))
			if err != nil {
				t.Fatalf("%.80s: %v", value, err)
			}
			want := jira.Event{Name: got.Name, Kind: got.Kind, Action: got.Action}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("%s with ids %.80s says something (-want +got):\n%s", name, value, diff)
			}
		}
	}
}

func TestHostileKeysAreAbsent(t *testing.T) {
	for _, value := range []string{
		`"PRJ-2 OR project = SECRET"`, `"../user/search?query=a&x="`, `"PRJ-2\n"`, `"prj-2"`, `"PRJ-0"`, `"PRJ-02"`, `"PRJ-"`, `"-2"`, `"1PRJ-2"`,
		`"PRJ-2-3"`, `"ПРЖ-2"`, `"PRJ/2"`, `"PRJ%2D2"`, `"PRJ-2\u0000"`, `"` + strings.Repeat("P", 300) + `-2"`, `2`, `["PRJ-2"]`,
	} {
		body := strings.ReplaceAll(`{"webhookEvent":"jira:issue_updated","issue":{"id":"1","key":@,"fields":{"project":{"id":"2","key":@},"parent":{"id":"3","key":@}}},
"changelog":{"items":[{"field":"Key","fieldtype":"jira","fromString":@,"toString":@}]}}`, "@", value)
		got, err := jira.ParseEvent([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		want := jira.Event{
			Name: "jira:issue_updated", Kind: jira.EventIssue, Action: jira.ActionUpdated, ID: "1",
			Issues: []jira.Ref{{ID: "1"}}, Project: jira.Ref{ID: "2"}, Parent: jira.Ref{ID: "3"},
			Changes: []jira.Change{{Field: "Key"}},
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("with keys %.80s the event differs (-want +got):\n%s", value, diff)
		}
	}
}

func TestHostileUsersAreAbsent(t *testing.T) {
	for _, value := range []string{
		`"../myself"`, `".."`, `"a/b"`, `"a?b"`, `"a&b=c"`, `"a b"`, `"a\"b"`, `"a%2fb"`, `"a\\b"`, `"-a"`, `"a#b"`, `"a\n"`, `""`, `1`, `{}`,
		`"` + strings.Repeat("a", 300) + `"`,
	} {
		body := strings.ReplaceAll(`{"webhookEvent":"user_updated","user":{"accountId":@,"name":@,"key":@}}`, "@", value)
		got, err := jira.ParseEvent([]byte(body))
		if err != nil || got.User != (jira.UserRef{}) {
			t.Errorf("ParseEvent of the user %.80s = %+v, %v, want no user", value, got.User, err)
		}
	}
}

func TestIDsAreReadInEveryForm(t *testing.T) {
	for _, value := range []string{`10001`, `"10001"`, `"1000\u0031"`} {
		got, err := jira.ParseEvent([]byte(`{"webhookEvent":"board_updated" , "board" : { "id" : ` + value + ` } }`))
		if err != nil || got.ID != "10001" || got.Board != "10001" {
			t.Errorf("ParseEvent of the id %s = %+v, %v, want 10001", value, got, err)
		}
	}
	longest := `{"webhookEvent":"jira:issue_updated","issue":{"id":999999999999999999,"key":"` + strings.Repeat("P", 255) + `-1"}}`
	if got, err := jira.ParseEvent([]byte(longest)); err != nil || got.ID != "999999999999999999" || len(got.Issues[0].Key) != 257 {
		t.Errorf("ParseEvent of the longest ids = %+v, %v", got, err)
	}
}

func TestLastOfDuplicateNamesCounts(t *testing.T) {
	body := `{"webhookEvent":"user_created","issue":{"id":"1","key":"A-1","id":"2"},"webhookEvent":"jira:issue_deleted",
"ISSUE":{"id":"9"},"iss\u0075e":{"key":"A-3","Key":"A-9"}}`
	got, err := jira.ParseEvent([]byte(body))
	want := jira.Event{Name: "jira:issue_deleted", Kind: jira.EventIssue, Action: jira.ActionDeleted, Issues: []jira.Ref{{Key: "A-3"}}}
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, event differs (-want +got):\n%s", err, diff)
	}
}

func TestNonsenseTimeIsZero(t *testing.T) {
	for _, value := range []string{`null`, `-5`, `1.5e12`, `"yesterday"`, `999999999999999999`, `[]`} {
		got, err := jira.ParseEvent([]byte(`{"webhookEvent":"x","timestamp":` + value + `}`))
		if err != nil || !got.Time.IsZero() {
			t.Errorf("ParseEvent of the timestamp %s = %v, %v, want the zero time", value, got.Time, err)
		}
	}
}

// When the issue was updated is read in every form of Jira's, and only of an
// issue that is known by its id.
func TestWhenTheIssueWasUpdated(t *testing.T) {
	const issue = `"issue":{"id":"1","fields":{"updated":@}}`
	tests := []struct{ body, value, want string }{
		{issue, `"2024-02-29T23:59:59.123+0000"`, "2024-02-29T23:59:59.123Z"},
		{issue, `"2024-02-29T23:59:59.123-0930"`, "2024-03-01T09:29:59.123Z"},
		{issue, `"2024-02-29T23:59:59+0200"`, "2024-02-29T21:59:59Z"},
		{issue, `"2024-02-29T23:59:59.123456Z"`, "2024-02-29T23:59:59.123Z"},
		{issue, `"2024-02-29T23:59:59.123+02:00"`, "2024-02-29T21:59:59.123Z"},
		{issue, `"9999-12-31T23:59:59.999+0000"`, "9999-12-31T23:59:59.999Z"},
		{issue, `"9999-12-31T23:59:59.999-0001"`, ""},
		{issue, `"2023-02-29T23:59:59.123+0000"`, ""},
		{issue, `"2024-02-29T23:59:59.123"`, ""},
		{issue, `"2024-02-29 23:59:59+0000"`, ""},
		{issue, `"2024-02-29"`, ""},
		{issue, `"2024-02-29T23:59:59.123+0000 "`, ""},
		{issue, `"10000-01-01T00:00:00.000+0000"`, ""},
		{issue, `"0001-01-01T00:00:00.000+0000"`, ""},
		{issue, `"1970-01-01T00:00:00.000+0000"`, ""},
		{issue, `1709251199123`, ""},
		{issue, `"1709251199123"`, ""},
		{issue, `null`, ""},
		{issue, `{"updated":"2024-02-29T23:59:59.123+0000"}`, ""},
		{`"issue":{"id":"1","updated":@}`, `"2024-02-29T23:59:59.123+0000"`, ""},
		{`"issue":{"id":"1"},"fields":{"updated":@}`, `"2024-02-29T23:59:59.123+0000"`, ""},
		{`"issue":{"id":"1","fields":{"parent":{"fields":{"updated":@}}}}`, `"2024-02-29T23:59:59.123+0000"`, ""},
		{`"issue":{"id":"1x","fields":{"updated":@}},"worklog":{"issueId":"2"}`, `"2024-02-29T23:59:59.123+0000"`, ""},
		{`"issue":{"id":"1"},"worklog":{"issueId":"1","updated":@}`, `"2024-02-29T23:59:59.123+0000"`, ""},
	}
	for _, tt := range tests {
		body := strings.ReplaceAll(tt.body, "@", tt.value)
		e, err := jira.ParseEvent([]byte(`{"webhookEvent":"jira:issue_updated",` + body + `}`))
		got := ""
		if !e.Updated.IsZero() {
			got = e.Updated.Format(time.RFC3339Nano)
		}
		if err != nil || got != tt.want || e.Updated.Location() != time.UTC {
			t.Errorf("ParseEvent of %s: updated %q, %v, want %q", body, got, err, tt.want)
		}
	}
}

func TestUnknownNameIsTidied(t *testing.T) {
	got, err := jira.ParseEvent([]byte(`{"webhookEvent":"pump\u001b[31m\r\nleaked ` + strings.Repeat("!", 900) + `"}`))
	if err != nil || !strings.HasPrefix(got.Name, "pump [31m leaked !!") || len([]rune(got.Name)) != 300 {
		t.Errorf("ParseEvent keeps the name %q, %v", got.Name, err)
	}
}

// A list of changes that is not whole would say that a field did not change
// which did.
func TestChangesAreAllOrNone(t *testing.T) {
	item := `{"field":"labels","fieldId":"labels"}`
	tests := []struct {
		name, items string
		want        int
	}{
		{"as many as are listed", strings.Repeat(item+",", 255) + item, 256},
		{"one more", strings.Repeat(item+",", 256) + item, 0},
		{"one without a name", item + `,{"fieldtype":"jira"},` + item, 0},
		{"one that is no object", item + `,7`, 0},
		{"none", ``, 0},
	}
	for _, tt := range tests {
		got, err := jira.ParseEvent([]byte(`{"webhookEvent":"jira:issue_updated","changelog":{"items":[` + tt.items + `]}}`))
		if err != nil || len(got.Changes) != tt.want {
			t.Errorf("%s: ParseEvent lists %d changes, %v, want %d", tt.name, len(got.Changes), err, tt.want)
		}
	}
}

// A large delivery costs no memory worth speaking of, wherever its bulk is.
func TestParseEventAllocatesLittle(t *testing.T) {
	const size = 1 << 20
	fill := func(unit string) string {
		return strings.TrimSuffix(strings.Repeat(unit+",", size/(len(unit)+1)), ",")
	}
	for name, body := range map[string]string{
		"a field":       `"issue":{"id":"1","fields":{"x":"` + fill("text") + `"}}`,
		"a long name":   `"issue":{"id":"1"},"` + fill("text") + `":1`,
		"a long id":     `"comment":{"id":"` + fill("1") + `"},"issue":{"id":"1"}`,
		"a long number": `"comment":{"id":` + strings.Repeat("1", size) + `},"issue":{"id":"1"}`,
		"many fields":   `"issue":{"id":"1","fields":{` + fill(`"a":[{}]`) + `}}`,
		"escaped names": `"issue":{"id":"1","fields":{` + fill(`"\u0061":[]`) + `}}`,
		"many changes":  `"issue":{"id":"1"},"changelog":{"items":[` + fill(`{"field":"x","from":"1, 2"}`) + `]}`,
		"a long change": `"issue":{"id":"1"},"changelog":{"items":[{"field":"x","from":"` + fill("1") + `"}]}`,
	} {
		text := []byte(`{"webhookEvent":"jira:issue_updated",` + body + `}`)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, err := jira.ParseEvent(text)
		runtime.ReadMemStats(&after)
		if err != nil || len(got.Issues) != 1 || got.Issues[0].ID != "1" {
			t.Fatalf("%s: ParseEvent = %.200v, %v, want the issue 1", name, got, err)
		}
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > size/2 {
			t.Errorf("%s: ParseEvent allocates %d bytes for a body of %d, want at most %d", name, bytes, len(text), size/2)
		}
	}
}

func TestEventKeepsNothingOfTheBody(t *testing.T) {
	body := []byte(`{"webhookEvent":"jira:issue_updated","issue":{"id":"10002","key":"ACME-1"},"changelog":{"items":[{"field":"status","from":"3"}]}}`)
	got, err := jira.ParseEvent(body)
	if err != nil {
		t.Fatal(err)
	}
	before := eventText(got)
	copy(body, bytes.Repeat([]byte("#"), len(body)))
	if after := eventText(got); after != before {
		t.Errorf("the event changes with the body that it was read from:\n%s", after)
	}
}

// The forms that everything of an event has which may get into a path or a
// query.
var (
	anID      = regexp.MustCompile(`^([1-9][0-9]{0,17})?$`)
	anIssue   = regexp.MustCompile(`^([A-Z][A-Z0-9_]*-[1-9][0-9]*)?$`)
	aProject  = regexp.MustCompile(`^([A-Z][A-Z0-9_]*)?$`)
	anAccount = regexp.MustCompile(`^[0-9A-Za-z:_-]{0,128}$`)
	aUserName = regexp.MustCompile(`^([\pL\pN_][\pL\pN_.@+-]*)?$`)
)

func FuzzParseEvent(f *testing.F) {
	for _, delivery := range deliveries(f) {
		f.Add(delivery.Data)
	}
	f.Add([]byte(`{"webhookEvent":"user_created","user":{"accountId":"../x","name":"a b","key":"JIRAUSER1"}}`))
	f.Add([]byte(`{"webhookEvent":"jira:issue_updated","iss\u0075e":{"id":1e3,"key":"A-1 OR 1"},"changelog":{"items":[{"field":"Key","fromString":"A-1"},[]]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := jira.ParseEvent(body)
		if err != nil {
			if diff := gocmp.Diff(jira.Event{}, e); diff != "" {
				t.Fatalf("ParseEvent gives an event with the error %v: %s", err, diff)
			}
			return
		}
		checkForms(t, e)
		if e.Name == "" || len([]rune(e.Name)) > 300 || len(e.Issues) > 5 || len(e.Changes) > 256 {
			t.Fatalf("ParseEvent keeps too much or too little: %+v", e)
		}
		if id := issueID(body); id != "" && (len(e.Issues) == 0 || e.Issues[0].ID != id) {
			t.Fatalf("ParseEvent(%q) gives the issues %v, want %s first", body, e.Issues, id)
		}
		if ms := e.Updated.UnixMilli(); !e.Updated.IsZero() && (ms <= 0 || ms > 253402300799999 || e.Issues[0].ID == "") {
			t.Fatalf("ParseEvent(%q) says that %v was updated at %s", body, e.Issues, e.Updated)
		}
		if again, err := jira.ParseEvent(body); err != nil || gocmp.Diff(e, again) != "" {
			t.Fatalf("ParseEvent of the same body = %+v, %v, want %+v", again, err, e)
		}
	})
}

// issueID reads the id of the issue with encoding/json.
func issueID(body []byte) string {
	var top, issue map[string]json.RawMessage
	_ = json.Unmarshal(body, &top)
	_ = json.Unmarshal(top["issue"], &issue)
	text := string(issue["id"])
	_ = json.Unmarshal(issue["id"], &text)
	if !anID.MatchString(text) {
		return ""
	}
	return text
}

func checkForms(t *testing.T, e jira.Event) {
	t.Helper()
	check := func(form *regexp.Regexp, texts ...string) {
		t.Helper()
		for _, text := range texts {
			if !form.MatchString(text) || len(text) > 300 {
				t.Fatalf("%q in the event %+v, want %s", text, e, form)
			}
		}
	}
	check(anID, e.ID, e.Board, e.MergedTo, e.Project.ID, e.FormerProject.ID, e.Parent.ID)
	check(anIssue, e.Parent.Key, e.Former)
	check(aProject, e.Project.Key, e.FormerProject.Key)
	check(anAccount, e.User.AccountID)
	check(aUserName, e.User.Name, e.User.Key)
	for _, issue := range e.Issues {
		check(anID, issue.ID)
		check(anIssue, issue.Key)
	}
	for _, c := range e.Changes {
		check(anID, c.From...)
		check(anID, c.To...)
	}
}
