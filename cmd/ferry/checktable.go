package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"ferry/jira"
)

// writeCheck writes the table. What is to be done stands below what was found.
func writeCheck(w io.Writer, k *checkup) error {
	rows := [][3]string{{"part", "what", "state"}}
	for _, f := range k.findings {
		rows = append(rows, [3]string{string(f.part), oneLine(f.subject), string(f.grade)})
	}
	var widths [3]int
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for i, row := range rows {
		found, remedy := "found", ""
		if i > 0 {
			found, remedy = oneLine(k.findings[i-1].found), oneLine(k.findings[i-1].remedy)
		}
		fmt.Fprintf(&b, "%-*s  %-*s  %-*s  %s\n", widths[0], row[0], widths[1], row[1], widths[2], row[2], found)
		if remedy != "" {
			fmt.Fprintf(&b, "%*s  to do: %s\n", widths[0]+widths[1]+widths[2]+4, "", remedy)
		}
	}
	b.WriteString("\n" + k.verdict() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLine is text from elsewhere that keeps to its line and cannot steer a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// writeCheckJSON writes the same for a program. Its keys are a promise, so that they are spelled here.
func writeCheckJSON(w io.Writer, k *checkup) error {
	out := checkJSON{
		OK: k.ending() == nil, Wrong: k.count(gradeWrong), Warnings: k.count(gradeWarning),
		Findings: make([]findingJSON, len(k.findings)),
	}
	if !k.jiraDown {
		out.Jira = siteOf(k.report)
	}
	for i, f := range k.findings {
		out.Findings[i] = findingJSON{string(f.part), f.subject, string(f.grade), f.found, f.remedy}
	}
	return writeJSON(w, out)
}

type checkJSON struct {
	OK       bool          `json:"ok"`
	Wrong    int           `json:"wrong"`
	Warnings int           `json:"warnings"`
	Jira     *siteJSON     `json:"jira"` // null where Jira did not let us in
	Findings []findingJSON `json:"findings"`
}

type siteJSON struct {
	Site       string  `json:"site"`
	Deployment string  `json:"deployment"` // Cloud, Data Center
	Version    string  `json:"version"`
	Account    string  `json:"account"` // its id
	Name       string  `json:"name"`
	TimeZone   string  `json:"timeZone"`
	Scheme     string  `json:"scheme"` // Basic, Bearer
	Gateway    bool    `json:"gateway"`
	Metered    bool    `json:"metered"`
	Skew       float64 `json:"clockSkewSeconds"` // by which Jira's clock is ahead
}

func siteOf(r jira.CheckReport) *siteJSON {
	return &siteJSON{
		Site: r.Site, Deployment: r.Deployment.String(), Version: r.Version,
		Account: r.Account.ID(), Name: r.Account.DisplayName, TimeZone: r.Account.TimeZone,
		Scheme: r.Login.Scheme, Gateway: r.Login.Gateway, Metered: r.Login.Metered, Skew: r.Skew.Seconds(),
	}
}

type findingJSON struct {
	Part   string `json:"part"` // jira, port, mapping, run
	What   string `json:"what"`
	State  string `json:"state"` // ok, note, warning, wrong, skipped
	Found  string `json:"found"`
	Remedy string `json:"remedy"`
}
