package main

import (
	"encoding/json"
	"io"

	"ferry/internal/daemon"
)

// writeReportJSON writes a report for a program. Its keys are a promise to those programs, so that they are spelled
// here and do not follow the names inside Ferry.
func writeReportJSON(w io.Writer, r *daemon.Report) error {
	out := reportJSON{
		Started:      r.Started.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Seconds:      r.Took.Seconds(),
		State:        string(r.State),
		Kinds:        make([]kindJSON, len(r.Kinds)),
		Total:        kindJSON(sum(r.Kinds)),
		SetAside:     asidesJSON{Total: r.AsideTotal, First: make([]asideJSON, len(r.Asides))},
		Unclaimed:    unclaimedJSON{r.Unclaimed, append([]string{}, r.UnclaimedNames...)},
		Nulled:       make([]nulledJSON, len(r.Nulled)),
		JiraRequests: r.JiraRequests,
		PortRequests: r.PortRequests,
		Port:         r.WithPort,
		Catalogue:    r.Store,
	}
	for i, k := range r.Kinds {
		out.Kinds[i] = kindJSON(k)
	}
	for i, n := range r.Nulled {
		out.Nulled[i] = nulledJSON(n)
	}
	for i, a := range r.Asides {
		out.SetAside.First[i] = asideJSON{string(a.About), a.Kind, a.Subject, a.Reason}
	}
	return writeJSON(w, out)
}

// writeJSON writes for programs, and for people who look at what programs get.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type reportJSON struct {
	Started      string        `json:"started"` // RFC 3339, UTC
	Seconds      float64       `json:"seconds"`
	State        string        `json:"state"` // completed, partial, failed
	Kinds        []kindJSON    `json:"kinds"`
	Total        kindJSON      `json:"total"`
	SetAside     asidesJSON    `json:"setAside"`
	Nulled       []nulledJSON  `json:"failedExpressions"`
	Unclaimed    unclaimedJSON `json:"unclaimed"`
	JiraRequests int64         `json:"jiraRequests"`
	PortRequests int64         `json:"portRequests"`
	Port         bool          `json:"port"`      // false: the catalogue alone
	Catalogue    string        `json:"catalogue"` // its file, or the database's address without its login; empty where it was not kept
}

// kindJSON: mapped = created + updated + unchanged + refused + unsent.
type kindJSON struct {
	Kind      string `json:"kind"`
	Read      int    `json:"read"`
	Mapped    int    `json:"mapped"`
	Created   int    `json:"created"`
	Updated   int    `json:"updated"`
	Unchanged int    `json:"unchanged"`
	Refused   int    `json:"refused"`
	Unsent    int    `json:"unsent"`
	Deleted   int    `json:"deleted"`
	SetAside  int    `json:"setAside"`
}

type asidesJSON struct {
	Total int         `json:"total"`
	First []asideJSON `json:"first"` // not all where there are many
}

type asideJSON struct {
	About   string `json:"about"` // item, entity, resource, listing, decision
	Kind    string `json:"kind"`
	Subject string `json:"subject"`
	Reason  string `json:"reason"`
}

// nulledJSON: so many items for which an expression of the mapping failed and null was sent.
type nulledJSON struct {
	Resource string `json:"resource"`
	Path     string `json:"path"`
	Items    int    `json:"items"`
}

type unclaimedJSON struct {
	Total int      `json:"total"`
	First []string `json:"first"`
}
