package main

import (
	"fmt"
	"io"
	"time"
)

// table prints rows as they are measured.
type table struct {
	out      io.Writer
	database string
}

const columns = "%-9s %-58s %-26s %-42s %s\n"

func header(out io.Writer) {
	fmt.Fprintf(out, columns, "database", "what", "goal", "measured", "beside")
}

func (t *table) row(what, goal, measured, beside string) {
	fmt.Fprintf(t.out, columns, t.database, what, goal, measured, beside)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/1e6) }

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
