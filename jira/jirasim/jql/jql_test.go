package jql_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ferry/jira/jirasim/jql"
)

// record is an issue as a table of what its fields hold.
type record map[string]jql.Values

func (r record) Field(name string) jql.Values {
	v, ok := r[name]
	if !ok {
		return jql.Values{Empty: true}
	}
	return v
}

func spelled(s ...string) jql.Values    { return jql.Values{Strings: s} }
func at(t time.Time) jql.Values         { return jql.Values{Time: t} }
func issue(id int64, key string) record { return record{"id": {Num: id}, "key": spelled(key)} }

func (r record) with(name string, v jql.Values) record {
	r[name] = v
	return r
}

// berlin is one hour ahead of UTC in winter.
var berlin = time.FixedZone("CET", 3600)

// now is a Wednesday in Berlin, and still Tuesday in UTC.
var now = time.Date(2026, 1, 14, 0, 30, 45, 0, berlin)

var env = jql.Env{Now: now, Zone: berlin, User: "u1"}

var refund = issue(10001, "PAY-9").
	with("project", spelled("PAY", "Payments", "10000")).
	with("issuetype", spelled("Bug", "10004")).
	with("status", spelled("In Progress", "3")).
	with("statuscategory", spelled("In Progress", "indeterminate", "4")).
	with("priority", spelled("High", "2")).
	with("assignee", spelled("u1", "Amara Okafor")).
	with("reporter", spelled("u2", "Li Wei")).
	with("labels", spelled("checkout", "Regression")).
	with("summary", spelled("Refund fails when the card has expired")).
	with("description", spelled("The bank's answer is lost.")).
	with("parent", spelled("PAY-1", "10000")).
	with("story points", jql.Values{Num: 5}).
	with("cf[10010]", spelled("1_*:*_1")).
	with("created", at(time.Date(2026, 1, 2, 15, 4, 30, 0, berlin))).
	with("updated", at(now.Add(-36*time.Hour)))

func matches(t *testing.T, query string, i jql.Issue) bool {
	t.Helper()
	q, err := jql.Parse(query)
	if err != nil {
		t.Fatalf("Parse(%s): %v", query, err)
	}
	return q.Match(i, env)
}

func TestClausesMatch(t *testing.T) {
	for _, c := range []struct {
		query string
		want  bool
	}{
		{``, true},
		{`ORDER BY key`, true},

		// Every spelling of a value matches, in any case.
		{`project = PAY`, true},
		{`project = "payments"`, true},
		{`PROJECT = 10000`, true},
		{`"project" = 'Pay'`, true},
		{`project = APP`, false},
		{`project != APP`, true},
		{`project in (APP, PAY)`, true},
		{`project NOT IN (APP, WEB)`, true},
		{`project not in (PAY)`, false},
		{`project in (A, B, C, D, E, pay)`, true},
		{`type = bug and issuetype = BUG`, true},
		{`statusCategory != Done`, true},
		{`statusCategory = indeterminate`, true},
		{`parent = PAY-1`, true},
		{`"Epic Link" = PAY-1`, true},

		// Labels are several values: != means none of them.
		{`labels = regression`, true},
		{`labels != checkout`, false},
		{`labels != other`, true},
		{`labels in (x, checkout)`, true},

		// A comparison does not match the empty field.
		{`resolution = Done`, false},
		{`resolution != Done`, false},
		{`resolution not in (Done)`, false},
		{`NOT resolution = Done`, false},
		{`resolution is EMPTY`, true},
		{`resolution is not null`, false},
		{`resolution = empty`, true},
		{`resolution = Unresolved`, true},
		{`resolution != unresolved`, false},
		{`resolution in (Done, "Unresolved")`, true},
		{`status = Unresolved`, false},
		{`resolution != empty`, false},
		{`resolution in (Done, EMPTY)`, true},
		{`assignee not in (u2, EMPTY)`, true},
		{`resolved < now()`, false},
		{`resolved >= now()`, false},
		{`resolutiondate is empty`, true},
		{`component is empty AND fixVersion is empty`, true},
		{`cf[10999] is empty`, true},

		{`assignee = currentUser()`, true},
		{`assignee in (x, CurrentUser())`, true},
		{`reporter != currentUser()`, true},
		{`reporter = "Li Wei"`, true},
		{`creator = currentUser()`, false},

		// Issues, by key or id whichever word is used.
		{`key = PAY-9`, true},
		{`issuekey in (PAY-1, pay-9)`, true},
		{`issue = 10001`, true},
		{`id in (10001, 10002)`, true},
		{`id = PAY-9`, true},
		{`id not in (10002)`, true},
		{`key > PAY-8 and key < PAY-10`, true},
		{`key >= PAY-9 and key <= PAY-9`, true},
		{`key > PAY-10`, false},
		{`key > APP-100 or key < APP-100 or key < ZED-100`, false}, // of other projects
		{`not key > APP-100`, false},
		{`key > pay-8`, true},
		{`id > 10000 and id <= 10001`, true},
		{`id >= 10002`, false},
		{`id is not empty`, true},

		{`priority > Medium`, true},
		{`priority >= Highest`, false},
		{`priority < Urgent or priority > Urgent`, false},

		{`"Story Points" = 5`, true},
		{`"story points" in (3, 5)`, true},
		{`"Story Points" > 4 and "Story Points" <= 5`, true},
		{`"Story Points" < 5`, false},
		{`cf[10010] = "1_*:*_1"`, true},
		{`CF[10010] is not EMPTY`, true},
		{`cf[10010] ~ 1`, true},

		{`summary ~ refund`, true},
		{`summary ~ "card refund"`, true},
		{`summary ~ "refund card lost"`, false},
		{`summary ~ "expir*"`, true},
		{`summary ~ expir`, false},
		{`summary ~ "\"the card has\""`, true},
		{`summary ~ "\"card the\""`, false},
		{`summary !~ invoice`, true},
		{`environment !~ invoice`, false},
		{`text ~ bank`, true},
		{`text !~ bank`, false},

		// Words without an operator search the text.
		{`refund`, true},
		{`card refund`, true},
		{`"expired card"`, true},
		{`(nothing here) OR bank answer`, true},
		{`nothing alike here`, false},
		{`NOT invoice`, true},

		{`project = PAY AND status = Done OR labels = checkout`, true},
		{`project = APP AND (status = Done OR labels = checkout)`, false},
		{`project = PAY && !(status = Done || status = Open)`, true},
		{`project = PAY & status = Done | labels = checkout`, true},
		{`not not project = PAY`, true},
		{"project\n=\tPAY\r\nand\u00a0labels=checkout", true},
		{`((((project = PAY))))`, true},
		{`project = P\u0041Y`, true},
	} {
		if got := matches(t, c.query, refund); got != c.want {
			t.Errorf("%s matches = %t, want %t", c.query, got, c.want)
		}
	}
}

// The issue was created on 2026-01-02 at 15:04:30 and updated 36 hours before now,
// which is 2026-01-14 00:30:45, all in Berlin.
func TestTimesAreReadInTheZoneOfTheAccount(t *testing.T) {
	for _, c := range []struct {
		query string
		want  bool
	}{
		{`created >= "2026/01/02 15:04"`, true},
		{`created >= "2026-01-02 15:05"`, false},
		{`created > "2026/01/02 15:04"`, false},
		{`created <= "2026/01/02 15:04"`, true},
		{`created = "2026/1/2 15:04"`, true},
		{`created != "2026/1/2 15:04"`, false},
		{`created in ("2026-01-02 15:04", "2026-01-03")`, true},
		{`createdDate < 2026-01-02`, false},
		{`created < 2026-01-03`, true},
		{`created > "2026/01/02"`, true},
		{`updated >= -1w`, true},
		{`updated >= "-1w"`, true},
		{`updated >= -2d`, true},
		{`updated >= -1d`, false},
		{`updated >= -36h`, true},
		{`updated < -36h`, false},
		{`updated > -35h`, false},
		{`updated >= "-1d 12h"`, true},
		{`updated >= "-1d 11h 59m"`, false},
		{`updated < +1d`, true},
		{`updated < "1d"`, true},
		{`updatedDate <= now()`, true},
		// now is Wednesday the 14th in Berlin; the week began on Sunday the 11th.
		{`updated >= startOfDay()`, false},
		{`updated >= startOfDay(-1d)`, false},
		{`updated >= startOfDay("-2d")`, true},
		{`updated >= startOfDay(-2)`, true},
		{`updated <= endOfDay("-2d")`, true},
		{`updated <= endOfDay("-3d")`, false},
		{`updated >= startOfWeek()`, true},
		{`created >= startOfWeek("-1w")`, false},
		{`created >= startOfWeek("-2w")`, true},
		{`created >= startOfMonth()`, true},
		{`created >= startOfMonth("+2d")`, false},
		{`created >= startOfMonth("+1d")`, true},
		{`created <= endOfMonth("-1M")`, false},
		{`created <= endOfMonth()`, true},
		{`created >= startOfYear()`, true},
		{`created <= endOfYear(-1)`, false},
		{`created <= endOfYear(-1y) or created > endOfWeek()`, false},
	} {
		if got := matches(t, c.query, refund); got != c.want {
			t.Errorf("%s matches = %t, want %t", c.query, got, c.want)
		}
	}
}

func TestDayBeginsWhereTheAccountIs(t *testing.T) {
	early := record{"created": at(time.Date(2026, 1, 14, 0, 10, 0, 0, berlin))}
	q, err := jql.Parse("created >= startOfDay()")
	if err != nil {
		t.Fatal(err)
	}
	inZone := map[string]bool{}
	for name, zone := range map[string]*time.Location{"berlin": berlin, "nil": nil, "west": time.FixedZone("", -5*3600)} {
		q := q.Matcher(jql.Env{Now: now.Add(time.Hour), Zone: zone})
		inZone[name] = q(early)
	}
	// At 01:30 in Berlin it is 00:30 in UTC, and 00:10 of Berlin was yesterday there.
	want := map[string]bool{"berlin": true, "nil": false, "west": true}
	if diff := cmp.Diff(want, inZone); diff != "" {
		t.Errorf("created at 00:10 in Berlin >= startOfDay() by zone (-want +got):\n%s", diff)
	}
}

func TestEndOfMonthKeepsItsLength(t *testing.T) {
	april := jql.Env{Now: time.Date(2026, 4, 30, 12, 0, 0, 0, time.UTC)}
	last := record{"created": at(time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC))}
	first := record{"created": at(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))}
	q, err := jql.Parse(`created = endOfMonth("-1M")`)
	if err != nil {
		t.Fatal(err)
	}
	if got := [2]bool{q.Match(last, april), q.Match(first, april)}; got != [2]bool{true, false} {
		t.Errorf("%s matches = %v, want the last minute of March only", q, got)
	}
}

func TestNobodyIsNotTheCurrentUser(t *testing.T) {
	q, err := jql.Parse("assignee = currentUser()")
	if err != nil {
		t.Fatal(err)
	}
	if q.Match(record{"assignee": spelled("")}, jql.Env{Now: now}) {
		t.Error("currentUser() of the anonymous matches an account without an id")
	}
}

func TestParseRefusesInJirasWords(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{`project =`, "Error in the JQL Query: Expecting either a value, list or function before the end of the query. (line 1, character 10)"},
		{`project = PAY status = Done`, "Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'status'. (line 1, character 15)"},
		{`project = PAY AND`, "Error in the JQL Query: Expecting a field name before the end of the query. (line 1, character 18)"},
		{`= PAY`, "Error in the JQL Query: Expecting a field name but got '='. (line 1, character 1)"},
		{`(project = PAY`, "Error in the JQL Query: Expecting either 'OR', 'AND' or ')' before the end of the query. (line 1, character 15)"},
		{`project = PAY)`, "Error in the JQL Query: Expecting either 'OR' or 'AND' but got ')'. (line 1, character 14)"},
		{`project in PAY`, "Error in the JQL Query: Expecting '(' to begin a list of values but got 'PAY'. (line 1, character 12)"},
		{`project in (A B)`, "Error in the JQL Query: Expecting either ',' or ')' but got 'B'. (line 1, character 15)"},
		{`project in ()`, "Error in the JQL Query: Expecting either a value, list or function but got ')'. (line 1, character 13)"},
		{"project = PAY\nAND status == Done", "Error in the JQL Query: Expecting either a value, list or function but got '='. (line 2, character 13)"},
		{`project not PAY`, "Error in the JQL Query: Expecting operator but got 'not'. (line 1, character 9)"},
		{`summary ~ "half`, "Error in the JQL Query: The quoted string 'half' has not been completed. (line 1, character 11)"},
		{`summary ~ a@b`, "Error in the JQL Query: The character '@' is a reserved JQL character. You must enclose it in a string or use the escape '\\u0040' instead. (line 1, character 12)"},
		{`summary ~ "\q"`, `Error in the JQL Query: '\q' is an illegal JQL escape sequence. The valid escape sequences are \', \", \t, \n, \r, \\, '\ ' and \uXXXX. (line 1, character 12)`},
		{`project = SET`, "Error in the JQL Query: 'SET' is a reserved JQL word. You must surround it in quotation marks to use it in a query. (line 1, character 11)"},
		{`this is wrong`, "Error in the JQL Query: 'this' is a reserved JQL word. You must surround it in quotation marks to use it in a query. (line 1, character 1)"},
		{`project = PAY ORDER key`, "Error in the JQL Query: Expecting 'BY' but got 'key'. (line 1, character 21)"},
		{`project = PAY ORDER BY`, "Error in the JQL Query: Expecting a field name before the end of the query. (line 1, character 23)"},
		{`(project = PAY ORDER BY key) AND key = PAY-1`, "Error in the JQL Query: Expecting either 'OR', 'AND' or ')' but got 'ORDER'. (line 1, character 16)"},
		{`ORDER BY key AND project = PAY`, "Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'AND'. (line 1, character 14)"},

		{`foo = bar`, "Field 'foo' does not exist or you do not have permission to view it."},
		{`cf[x] = bar`, "Error in the JQL Query: The character '[' is a reserved JQL character. You must enclose it in a string or use the escape '\\u005b' instead. (line 1, character 3)"},
		{`project = PAY ORDER BY foo`, "Field 'foo' does not exist or you do not have permission to view it."},
		{`status ~ Done`, "The operator '~' is not supported by the 'status' field."},
		{`Status > Done`, "The operator '>' is not supported by the 'Status' field."},
		{`summary = refund`, "The operator '=' is not supported by the 'summary' field."},
		{`summary ~ ""`, "The field 'summary' does not support searching for an empty string."},
		{`summary ~ empty`, "The operator '~' does not support searching for empty values for the field 'summary'."},
		{`status is Done`, "The operator 'IS' on the 'status' field only supports the value EMPTY."},
		{`created > yesterday`, "Date value 'yesterday' for field 'created' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."},
		{`project = mine()`, "Unable to find JQL function 'mine()'."},
		{`project = now()`, "A value for the field 'project' provided by the function 'now' is not valid."},
		{`created > currentUser()`, "A value for the field 'created' provided by the function 'currentuser' is not valid."},
		{`created > now(-1d)`, "Function 'now' expected '0' arguments but received '1'."},
		{`created > startOfDay(x)`, "Duration for function 'startofday' should have the format (+/-)n(yMwdhm), e.g -1M for 1 month earlier."},
		{`key is not empty order by key, id, created, updated, status, type, priority, summary`, "JQL can be ordered by at most 7 fields."},
	} {
		_, err := jql.Parse(c.query)
		if err == nil {
			t.Errorf("Parse(%s) succeeds, want %s", c.query, c.want)
			continue
		}
		if err.Error() != c.want {
			t.Errorf("Parse(%s):\n got %s\nwant %s", c.query, err, c.want)
		}
		if _, ok := errors.AsType[*jql.Error](err); !ok {
			t.Errorf("Parse(%s): %T, want *jql.Error", c.query, err)
		}
	}
}

func TestInvalidDates(t *testing.T) {
	for _, date := range []string{"-", "+", "1", "-1", "--1d", "-1x", "1d2", "2026/13/01", "2026-02-30", "-999999w", "-1w -1d", "12:30", "d"} {
		if _, err := jql.Parse(fmt.Sprintf("created > %q", date)); err == nil {
			t.Errorf("Parse(created > %q) succeeds, want an error", date)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	for _, open := range []string{"(", "not ", "!("} {
		if _, err := jql.Parse(strings.Repeat(open, 100_000) + "x"); err == nil {
			t.Errorf("%q a hundred thousand times parses, want an error", open)
		}
	}
}

func TestBoundedNeedsARestriction(t *testing.T) {
	for query, want := range map[string]bool{
		"": false, "  ": false, "order by key": false, "ORDER BY created DESC, key": false,
		"project = PAY": true, "refund": true, "id > 0 order by id": true,
	} {
		q, err := jql.Parse(query)
		if err != nil {
			t.Fatalf("Parse(%s): %v", query, err)
		}
		if got := q.Bounded(); got != want {
			t.Errorf("Parse(%q).Bounded() = %t, want %t", query, got, want)
		}
		if got, want := q.Ordered(), strings.Contains(strings.ToLower(query), "order by"); got != want {
			t.Errorf("Parse(%q).Ordered() = %t, want %t", query, got, want)
		}
	}
}

func TestOrderBy(t *testing.T) {
	day := func(n int) jql.Values { return at(time.Date(2026, 1, n, 0, 0, 0, n, time.UTC)) }
	issues := []record{
		issue(5, "PAY-10").with("created", day(3)).with("priority", spelled("Low")).with("assignee", spelled("bo")),
		issue(4, "PAY-9").with("created", day(1)).with("priority", spelled("Highest")),
		issue(3, "APP-100").with("created", day(2)).with("priority", spelled("Medium")).with("assignee", spelled("Al")),
		issue(2, "APP-20").with("created", day(2)).with("cf[7]", jql.Values{Num: 30}).with("assignee", spelled("al")),
		issue(1, "PAY-100").with("created", day(4)).with("cf[7]", spelled("4")).with("assignee", spelled("Cy")),
	}
	for _, c := range []struct{ order, want string }{
		{"", "1 2 3 4 5"},
		{"order by id", "1 2 3 4 5"},
		{"order by id desc", "5 4 3 2 1"},
		{"order by key asc", "2 3 4 5 1"},
		{"order by issuekey DESC", "1 5 4 3 2"},
		{"order by created", "4 2 3 5 1"},
		{"order by created desc", "1 5 2 3 4"},
		{"order by created, key desc", "4 3 2 5 1"},
		{"order by priority desc", "1 2 4 3 5"},
		{"order by priority", "5 3 4 1 2"},
		{"order by assignee", "2 3 5 1 4"},
		{"order by assignee desc, id desc", "4 1 5 3 2"},
		{"order by cf[7]", "1 2 3 4 5"},
		{"order by cf[7] desc", "3 4 5 2 1"},
		{"order by rank, resolved, id desc", "5 4 3 2 1"},
		{"order by key, key desc", "2 3 4 5 1"},
	} {
		q, err := jql.Parse(c.order)
		if err != nil {
			t.Fatalf("Parse(%s): %v", c.order, err)
		}
		sorted := slices.Clone(issues)
		slices.SortFunc(sorted, func(a, b record) int { return q.Compare(a, b) })
		var got []string
		for _, i := range sorted {
			got = append(got, fmt.Sprint(i["id"].Num))
		}
		if got := strings.Join(got, " "); got != c.want {
			t.Errorf("%q orders %s, want %s", c.order, got, c.want)
		}
	}
}
