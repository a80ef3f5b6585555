package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
)

// writeReport writes what a run came to: the table, what it took, and what a person must look at.
func writeReport(w io.Writer, r *daemon.Report) error {
	var b strings.Builder
	writeKinds(&b, r.Kinds)
	b.WriteString("\n" + explain(sum(r.Kinds), r.WithPort) + "\n")
	b.WriteString(effort(r) + "\n")
	writeNulled(&b, r.Nulled)
	writeAsides(&b, r)
	writeUnclaimed(&b, r)
	if !r.WithPort && r.Store != "" {
		b.WriteString("the catalogue is in " + r.Store + " (no credentials for Port were given)\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeKinds(b *strings.Builder, kinds []daemon.KindReport) {
	rows := [][]string{{"kind", "read", "mapped", "created", "updated", "deleted", "unchanged", "set aside"}}
	for _, k := range append(kinds[:len(kinds):len(kinds)], sum(kinds)) {
		cells := counts(k.Read, k.Mapped, k.Created, k.Updated, k.Deleted, k.Unchanged, k.SetAside)
		rows = append(rows, append([]string{cmp.Or(k.Kind, "(no kind)")}, cells...))
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(b, "%-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(b, "  %*s", widths[i+1], cell)
		}
		b.WriteByte('\n')
	}
}

func sum(kinds []daemon.KindReport) daemon.KindReport {
	total := daemon.KindReport{Kind: "total"}
	for _, k := range kinds {
		total.Read += k.Read
		total.Mapped += k.Mapped
		total.Created += k.Created
		total.Updated += k.Updated
		total.Deleted += k.Deleted
		total.Unchanged += k.Unchanged
		total.SetAside += k.SetAside
		total.Refused += k.Refused
		total.Unsent += k.Unsent
	}
	return total
}

// explain is the line from which the table can be checked: what the parts of "mapped" are.
func explain(total daemon.KindReport, withPort bool) string {
	place := "the catalogue"
	if withPort {
		place = "Port"
	}
	text := "entities in " + place + ": mapped = created + updated + unchanged"
	if total.Refused > 0 {
		text += " + " + thousands(total.Refused) + " refused"
	}
	if total.Unsent > 0 {
		text += " + " + thousands(total.Unsent) + " not sent"
	}
	return text
}

func effort(r *daemon.Report) string {
	text := "took " + span(r.Took) + ", " + counted(r.JiraRequests, "request") + " to Jira"
	if r.WithPort {
		text += ", " + counted(r.PortRequests, "request") + " to Port"
	}
	return text
}

func writeAsides(b *strings.Builder, r *daemon.Report) {
	if r.AsideTotal == 0 {
		return
	}
	fmt.Fprintf(b, "\nset aside: %s%s\n", thousands(r.AsideTotal), besideTable(r.AsideTotal-sum(r.Kinds).SetAside))
	for _, alike := range byReason(r.Asides) {
		fmt.Fprintf(b, "  %s: %s\n", namesOf(alike), alike[0].Reason)
	}
	if more := r.AsideTotal - len(r.Asides); more > 0 && len(r.Asides) > 0 {
		fmt.Fprintf(b, "  … and %s more\n", thousands(more))
	}
}

// besideTable accounts for what the table cannot count: a decision that waits for a person is of no kind.
func besideTable(n int) string {
	if n <= 0 {
		return ""
	}
	return ", " + thousands(n) + " of no kind in the table"
}

// byReason puts together what was set aside for the same reason, in the order in which the reasons first come up.
func byReason(asides []catalog.Aside) (groups [][]catalog.Aside) {
	at := map[string]int{}
	for _, a := range asides {
		i, known := at[a.Reason]
		if !known {
			i = len(groups)
			at[a.Reason], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}

// namedAlike is how many of those that have one reason are named; --json names more.
const namedAlike = 5

func namesOf(alike []catalog.Aside) string {
	var names []string
	for _, a := range alike[:min(namedAlike, len(alike))] {
		names = append(names, asideName(a))
	}
	text := strings.Join(names, ", ")
	if more := len(alike) - len(names); more > 0 {
		text += " and " + thousands(more) + " more"
	}
	return text
}

// asideName is what was set aside, in words to search for. An item is named by its id or key alone, which says little
// without its kind; the others say themselves what they are.
func asideName(a catalog.Aside) string {
	if a.About == catalog.AsideItem {
		return strings.TrimSpace(a.Kind + " " + a.Subject)
	}
	return a.Subject
}

// writeNulled names the mapped keys that an expression failed for. They are no reason to call the run partial: null is
// what a mapping gives there, and it may be meant.
func writeNulled(b *strings.Builder, list []daemon.Nulled) {
	if len(list) == 0 {
		return
	}
	b.WriteString("\nnull, because the mapping's expression failed:\n")
	for _, n := range list {
		fmt.Fprintf(b, "  %s %s: %s\n", n.Resource, n.Path, counted(int64(n.Items), "item"))
	}
}

func writeUnclaimed(b *strings.Builder, r *daemon.Report) {
	if r.Unclaimed == 0 {
		return
	}
	holds := counted(int64(r.Unclaimed), "entity")
	fmt.Fprintf(b, "\nPort holds %s of this integration for which nothing was read in Jira;\n", holds)
	b.WriteString("what is not in the catalogue is left as it is\n")
	for _, name := range r.UnclaimedNames {
		fmt.Fprintf(b, "  %s\n", name)
	}
	if more := r.Unclaimed - len(r.UnclaimedNames); more > 0 && len(r.UnclaimedNames) > 0 {
		fmt.Fprintf(b, "  … and %s more\n", thousands(more))
	}
}

func counts(numbers ...int) []string {
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		texts[i] = thousands(n)
	}
	return texts
}

// thousands writes 12345 as 12,345.
func thousands(n int) string {
	sign, digits := "", strconv.Itoa(n)
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return sign + digits
}

// counted writes 1 as "1 entity" and 2 as "2 entities".
func counted(n int64, noun string) string {
	text := thousands(int(n)) + " " + noun
	switch {
	case n == 1:
		return text
	case strings.HasSuffix(noun, "y"):
		return strings.TrimSuffix(text, "y") + "ies"
	}
	return text + "s"
}

// span writes a duration as a person would say it: 0.4 s, 12.3 s, 3 min 12 s, 1 h 02 min.
func span(d time.Duration) string {
	switch {
	case d < time.Minute-50*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour-500*time.Millisecond:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
}
