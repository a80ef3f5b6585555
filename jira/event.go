package jira

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// MaxEventBody is how many bytes a delivery may have: Jira sends 25 MB at most
// (https://developer.atlassian.com/cloud/jira/platform/webhooks/). A receiver
// need not read more.
const MaxEventBody = 25 << 20

// ErrEvent: a body is not an event of Jira. Sending it again cannot help.
var ErrEvent = errors.New("not an event of Jira")

// notEvent is an [ErrEvent] with its particulars.
func notEvent(text string) error { return &kindError{text, []error{ErrEvent}} }

// Event says which objects something happened to. It does not say how they look
// now: deliveries come late, twice, in any order and not at all, so that what
// they show of an object may be long over. Read the object by its id.
//
// Ids and keys have strict forms, so that nothing in a body can change a path or
// a quoted query that is made of them: ids are positive decimal numbers of at
// most 18 digits without leading zeros; keys are capitals, digits and
// underscores, as "ACME", and for issues "-" and a number after that, "ACME-1".
// What Jira left out, or what has another form, is empty. Nothing here refers to
// the body.
type Event struct {
	// Name is the event's name as Jira sent it, "jira:issue_updated": at most
	// 300 printable characters, in one line.
	Name string

	Kind   EventKind
	Action Action

	// Time is when it happened by Jira's clock, to the millisecond and in UTC;
	// zero if Jira did not say.
	Time time.Time

	// ID is the id of the object that Kind names: of the issue, the comment,
	// the worklog, the link and so on. Users, issue properties and options have
	// no such id.
	ID string

	// Updated is when the issue, the first of Issues, was last updated as the
	// event shows it: its field "updated", to the millisecond and in UTC. What is
	// read of the issue later and shows an earlier time is older than the event.
	// Zero if the event does not show it: only those that come with the issue's
	// fields do, and of those not all.
	Updated time.Time

	// Issues are the issues that are touched, each once: the issue itself; the
	// one that the comment, worklog, attachment or property belongs to; both
	// ends of a link, source first. An attachment mostly comes without its
	// issue, for Jira does not send it.
	Issues []Ref

	// Parent is the epic or issue above the issue.
	Parent Ref

	// Project is the project itself, or the one that the issue or version is
	// in. Versions come without its key.
	Project Ref

	// Former is the key that an issue had before it was moved to another
	// project, and FormerProject the project, of which the key may be missing.
	// The id of the issue stays what it was.
	Former        string
	FormerProject Ref

	// Board is the id of the board itself, or of the one that the sprint was
	// made on.
	Board string

	// MergedTo is the id of the version that took over the issues of the one
	// that is gone. Jira announces a merge as a version deleted, with this, or
	// as a version merged; Action is ActionMerged for both.
	MergedTo string

	// User is the user that a user event is about. Who did something to another
	// object is not told here.
	User UserRef

	// Changes are the fields of an issue that changed. None means that Jira did
	// not say, or too much to list: then any field may have changed.
	Changes []Change
}

// Ref names an object by what Jira sent of it: its id, its key, both or none.
type Ref struct{ ID, Key string }

// UserRef names a user. On Cloud that is AccountID, of at most 128 letters,
// digits, colons, hyphens and underscores. At Data Center it is Name and Key, of
// letters and digits in any script and "_.@+-", which a query must escape.
type UserRef struct{ AccountID, Name, Key string }

// Change is one field that changed.
type Change struct {
	// Field is the field's id, "fixVersions" or "customfield_10020", or where
	// Jira gives none its name, "Fix Version": at most 300 printable characters.
	Field string

	// From and To are the numeric ids that the field held and holds, as of
	// sprints, versions or the status. They are empty for fields of other
	// content.
	From, To []string
}

// eventMembers are the members of a delivery that are looked at.
var eventMembers = []string{
	"webhookEvent", "timestamp", "issue", "changelog", "comment", "worklog", "attachment", "issueLink", "project",
	"version", "mergedTo", "sprint", "board", "configuration", "user", "filter", "issuetype", "issueType",
}

// ParseEvent reads the body of a delivery, whose sender must be verified before:
// [VerifySignature], [VerifyJWT].
//
// An event that this package does not know is no error: its Kind is
// [EventUnknown], and the objects that its body holds under the usual names are
// given. Every error is an [ErrEvent]: a body that is empty, larger than
// [MaxEventBody], not a JSON object, nested deeper than 10,000 levels, or without a
// text under "webhookEvent".
//
// The body is not decoded but searched, so that a large one costs no memory.
// Where a name stands twice in an object the last counts.
func ParseEvent(body []byte) (Event, error) {
	if err := checkEvent(body); err != nil {
		return Event{}, err
	}
	d := pick(body, eventMembers...)
	name := textOf(d["webhookEvent"])
	e := Event{Name: tidy(name), Time: timeOf(d["timestamp"])}
	if e.Name == "" {
		return Event{}, notEvent(`the delivery has no "webhookEvent" that is a text of at most 1 KiB: see that it comes from a Jira webhook`)
	}
	known := typeOf(name)
	e.Kind, e.Action = known.kind, known.action
	e.readIssues(d)
	e.readVersion(d)
	e.readProject(d["project"])
	e.readBoard(d)
	e.readChanges(d["changelog"])
	if e.Kind == EventUser {
		e.User = userOf(d["user"])
	}
	e.ID = e.ownID(d)
	return e, nil
}

// checkEvent refuses what is not a JSON object. Valid JSON is all that the rest
// relies on.
func checkEvent(body []byte) error {
	if len(body) > MaxEventBody {
		return notEvent("the delivery is larger than 25 MiB, which is more than Jira sends")
	}
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return notEvent("the delivery is empty: set the webhook to send its body (no EXCLUDE_BODY or excludeBody)")
	case !json.Valid(body):
		var none struct{}
		err := json.Unmarshal(body, &none) // again, for its words
		return &kindError{"the delivery is not JSON: " + err.Error(), []error{ErrEvent, err}}
	case trimmed[0] != '{':
		return notEvent("the delivery is JSON but not an object")
	}
	return nil
}
