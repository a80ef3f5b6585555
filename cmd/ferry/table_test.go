package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
)

// troubled is a report with something of everything.
func troubled() *daemon.Report {
	return &daemon.Report{
		Started: time.Date(2026, 11, 20, 14, 3, 7, 0, time.FixedZone("", 3600)), Took: 192 * time.Second,
		Kinds: []daemon.KindReport{
			{Kind: "project", Read: 9, Mapped: 9, Unchanged: 9},
			{Kind: "issue", Read: 123456, Mapped: 123455, Created: 23000, Updated: 455, Unchanged: 99990, Refused: 2, Unsent: 8, Deleted: 1200, SetAside: 3},
			{Kind: "sprint", SetAside: 1},
		},
		Asides: []catalog.Aside{
			{About: catalog.AsideEntity, Subject: "jiraIssue PAY-12", Kind: "issue", Reason: "Port refuses it: title should be a string"},
			{About: catalog.AsideItem, Subject: "PAY-14", Kind: "issue", Reason: ".fields.x | tonumber fails"},
			{About: catalog.AsideResource, Subject: "resource 3 (sprint)", Kind: "sprint", Reason: "Ferry does not know this kind"},
		},
		Nulled:     []daemon.Nulled{{Resource: "resource 2 (issue)", Path: "properties.team", Items: 1200}},
		AsideTotal: 4, JiraRequests: 1310, PortRequests: 6177, Unclaimed: 2, UnclaimedNames: []string{"jiraIssue OLD-1"},
		Store: "ferry-data/catalogue.db", WithPort: true, State: catalog.Partial,
	}
}

func TestReportAsText(t *testing.T) {
	quiet := &daemon.Report{
		Took: 2340 * time.Millisecond, JiraRequests: 1, Store: "ferry-data/catalogue.db", State: catalog.Completed,
		Kinds: []daemon.KindReport{{Kind: "a long kind", Read: 1, Mapped: 1, Created: 1}},
	}
	tests := map[string]struct {
		report *daemon.Report
		want   string
	}{
		"trouble": {troubled(), `kind        read   mapped  created  updated  deleted  unchanged  set aside
project        9        9        0        0        0          9          0
issue    123,456  123,455   23,000      455    1,200     99,990          3
sprint         0        0        0        0        0          0          1
total    123,465  123,464   23,000      455    1,200     99,999          4

entities in Port: mapped = created + updated + unchanged + 2 refused + 8 not sent
took 3 min 12 s, 1,310 requests to Jira, 6,177 requests to Port

null, because the mapping's expression failed:
  resource 2 (issue) properties.team: 1,200 items

set aside: 4
  jiraIssue PAY-12: Port refuses it: title should be a string
  issue PAY-14: .fields.x | tonumber fails
  resource 3 (sprint): Ferry does not know this kind
  … and 1 more

Port holds 2 entities of this integration for which nothing was read in Jira;
what is not in the catalogue is left as it is
  jiraIssue OLD-1
  … and 1 more
`},
		"without Port": {quiet, `kind         read  mapped  created  updated  deleted  unchanged  set aside
a long kind     1       1        1        0        0          0          0
total           1       1        1        0        0          0          0

entities in the catalogue: mapped = created + updated + unchanged
took 2.3 s, 1 request to Jira
the catalogue is in ferry-data/catalogue.db (no credentials for Port were given)
`},
		"nothing": {&daemon.Report{}, `kind   read  mapped  created  updated  deleted  unchanged  set aside
total     0       0        0        0        0          0          0

entities in the catalogue: mapped = created + updated + unchanged
took 0.0 s, 0 requests to Jira
`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := writeReport(&out, test.report); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReportAsJSON(t *testing.T) {
	var out bytes.Buffer
	if err := writeReportJSON(&out, troubled()); err != nil {
		t.Fatal(err)
	}
	const want = `{"started":"2026-11-20T13:03:07.000Z","seconds":192,"state":"partial",
"kinds":[{"kind":"project","read":9,"mapped":9,"created":0,"updated":0,"unchanged":9,"refused":0,"unsent":0,"deleted":0,"setAside":0},
{"kind":"issue","read":123456,"mapped":123455,"created":23000,"updated":455,"unchanged":99990,"refused":2,"unsent":8,"deleted":1200,"setAside":3},
{"kind":"sprint","read":0,"mapped":0,"created":0,"updated":0,"unchanged":0,"refused":0,"unsent":0,"deleted":0,"setAside":1}],
"total":{"kind":"total","read":123465,"mapped":123464,"created":23000,"updated":455,"unchanged":99999,"refused":2,"unsent":8,"deleted":1200,"setAside":4},
"setAside":{"total":4,"first":[{"about":"entity","kind":"issue","subject":"jiraIssue PAY-12","reason":"Port refuses it: title should be a string"},
{"about":"item","kind":"issue","subject":"PAY-14","reason":".fields.x | tonumber fails"},
{"about":"resource","kind":"sprint","subject":"resource 3 (sprint)","reason":"Ferry does not know this kind"}]},
"failedExpressions":[{"resource":"resource 2 (issue)","path":"properties.team","items":1200}],"unclaimed":{"total":2,"first":["jiraIssue OLD-1"]},"jiraRequests":1310,"portRequests":6177,"port":true,"catalogue":"ferry-data/catalogue.db"}`
	var got bytes.Buffer
	if err := json.Compact(&got, out.Bytes()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(want, "\n", ""), got.String()); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

// TestWhatHasOneReasonIsToldOnce, so that a blueprint that is missing does not fill the screen.
func TestWhatHasOneReasonIsToldOnce(t *testing.T) {
	report := &daemon.Report{AsideTotal: 60, Kinds: []daemon.KindReport{{SetAside: 59}}}
	for i := range 7 {
		report.Asides = append(report.Asides, catalog.Aside{About: catalog.AsideEntity, Subject: fmt.Sprint("b P-", i), Reason: "there is no blueprint b"})
	}
	report.Asides = append(report.Asides,
		catalog.Aside{About: catalog.AsideItem, Kind: "issue", Subject: "P-1", Reason: "its own"},
		catalog.Aside{About: catalog.AsideEntity, Subject: "b P-9", Reason: "there is no blueprint b"})
	var out bytes.Buffer
	if err := writeReport(&out, report); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n(no kind) ",
		"\nset aside: 60, 1 of no kind in the table\n  b P-0, b P-1, b P-2, b P-3, b P-4 and 3 more: there is no blueprint b\n  issue P-1: its own\n  … and 51 more\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("report lacks %q:\n%s", want, out.String())
		}
	}
}

// TestReportAsJSONHasLists: a program must not meet null where it expects a list.
func TestReportAsJSONHasLists(t *testing.T) {
	var out bytes.Buffer
	if err := writeReportJSON(&out, &daemon.Report{}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "null") {
		t.Errorf("an empty report has null:\n%s", out.String())
	}
}

func TestThousandsGroupsByThree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int().Draw(t, "n")
		got := thousands(n)
		if plain := strings.ReplaceAll(got, ",", ""); plain != strconv.Itoa(n) {
			t.Fatalf("thousands(%d) = %q, want the same digits", n, got)
		}
		for i, group := range strings.Split(strings.TrimPrefix(got, "-"), ",") {
			if len(group) > 3 || len(group) == 0 || i > 0 && len(group) != 3 {
				t.Fatalf("thousands(%d) = %q, want groups of three", n, got)
			}
		}
	})
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                                     "0.0 s",
		59949 * time.Millisecond:              "59.9 s",
		59950 * time.Millisecond:              "1 min 00 s",
		time.Hour - 501*time.Millisecond:      "59 min 59 s",
		time.Hour - 400*time.Millisecond:      "1 h 00 min",
		25*time.Hour + 2*time.Minute + 29*1e9: "25 h 02 min",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", time.Duration(d), got, want)
		}
	}
}

func TestChangeFitsOnALine(t *testing.T) {
	at := time.Date(2026, 11, 20, 14, 3, 7, 0, time.UTC)
	for want, change := range map[string]daemon.Change{
		"14:03:07  PAY-214   updated  Refund fails\n": {Verb: catalog.Changed, Identifier: "PAY-214", Title: "Refund fails"},
		"14:03:07  PAY-1     deleted\n":               {Verb: catalog.Went, Identifier: "PAY-1"},
		"14:03:07  PAY-2     created  " + strings.Repeat("é", 49) + "…\n": {
			Verb: catalog.Made, Identifier: "PAY-2", Title: strings.Repeat("é", 51)},
	} {
		var out bytes.Buffer
		writeChange(&out, at, change)
		if out.String() != want {
			t.Errorf("writeChange(%v) = %q, want %q", change, out.String(), want)
		}
	}
}
