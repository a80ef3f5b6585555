package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"ferry/internal/daemon"
	"ferry/internal/mapping"
	"ferry/internal/port/defaults"
	"ferry/jira"
)

type checkCommand struct {
	settingFlags
	logFlags

	JSON bool `help:"Print what was found as JSON." name:"json"`
}

// Help is shown below the description.
func (*checkCommand) Help() string { return runManual }

func (c *checkCommand) Run(ctx context.Context, a *app) error {
	l, faults := c.settingFlags.layer()
	c.logFlags.put(l)
	set, err := a.settings(l, faults)
	if err != nil {
		return err
	}
	set.Retries = checkRetries
	s, err := compose(set, logger(a.stderr, set.LogLevel, set.LogFormat))
	if err != nil {
		return err
	}
	k := &checkup{Sync: s, set: set}
	k.within(ctx, checkTime)
	if s, ok := bySignal(ctx); ok {
		return &ending{code: s.code(), text: s.Error()}
	}
	write := writeCheck
	if c.JSON {
		write = writeCheckJSON
	}
	if err := write(a.stdout, k); err != nil {
		return err
	}
	return k.ending()
}

// Somebody waits for a check. What does not answer at once, and not at the second asking, is what there is to tell.
const (
	checkRetries = 1
	checkTime    = time.Minute
)

// within looks at everything for so long at the most; what is not known by then is told as such.
func (k *checkup) within(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	k.run(ctx)
}

// part is what a finding is about.
type part string

const (
	partJira    part = "jira"
	partPort    part = "port"
	partMapping part = "mapping"
	partRun     part = "run" // what ferry run needs beyond a sync
)

// grade is how a finding bears on a sync.
type grade string

const (
	gradeOK      grade = "ok"
	gradeNote    grade = "note"    // a sync does without
	gradeWarning grade = "warning" // something would be set aside, or is likely not what was meant
	gradeWrong   grade = "wrong"   // a sync would stop, or read nothing
	gradeSkipped grade = "skipped" // could not be looked at, because something else is wrong
)

// finding is one line of the table.
type finding struct {
	part    part
	subject string
	grade   grade
	found   string
	remedy  string // one sentence; "" where there is nothing to do
}

// checkup looks at everything that a sync and a run will need, and changes nothing in Jira or Port.
type checkup struct {
	*daemon.Sync
	set      settings
	outlook  defaults.Outlook // of Port
	portDown bool             // Port was asked and did not let us in
	report   jira.CheckReport
	jiraDown bool
	mapping  *mapping.Mapping // nil where it could not be read
	findings []finding
}

func (k *checkup) add(p part, subject string, g grade, found, remedy string) {
	k.findings = append(k.findings, finding{p, subject, g, found, remedy})
}

// run asks Port first, which has the mapping; then Jira for what the mapping needs; and then both about the mapping. The
// table has Jira first, as the data goes.
func (k *checkup) run(ctx context.Context) {
	k.askPort(ctx)
	k.readMapping()
	k.askJira(ctx)
	k.compare(ctx)
	k.askRun(ctx)
	order := []part{partJira, partPort, partMapping, partRun}
	slices.SortStableFunc(k.findings, func(a, b finding) int {
		return slices.Index(order, a.part) - slices.Index(order, b.part)
	})
}

// count is how many findings have a grade.
func (k *checkup) count(g grade) (n int) {
	for _, f := range k.findings {
		if f.grade == g {
			n++
		}
	}
	return n
}

// ending makes the exit code of what was found. The table has said the rest.
func (k *checkup) ending() error {
	switch {
	case k.count(gradeWrong) > 0:
		return &ending{code: exitFailure}
	case k.count(gradeWarning) > 0:
		return &ending{code: exitPartial}
	}
	return nil
}

// verdict is the table's last line.
func (k *checkup) verdict() string {
	wrong, warnings := k.count(gradeWrong), k.count(gradeWarning)
	text := "all is well"
	switch {
	case wrong > 0:
		text = counted(int64(wrong), "thing") + " would stop a sync"
		if warnings > 0 {
			text += fmt.Sprintf(", %s to be looked at", counted(int64(warnings), "other"))
		}
	case warnings > 0:
		text = "a sync can run; " + counted(int64(warnings), "thing") + " to be looked at"
	}
	return text + "; nothing was changed in Jira or Port"
}

// mappingName is what faults of the mapping are told with.
func (k *checkup) mappingName() string {
	switch {
	case k.Mapping != nil:
		return cmp.Or(k.MappingName, "the mapping")
	case k.Port != nil && k.outlook.Found.Config != nil:
		return "the mapping of integration " + k.Port.Identifier() + " in Port"
	}
	return "the default mapping"
}
