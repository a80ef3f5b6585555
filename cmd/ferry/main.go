package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	a := &app{
		around:   surroundings{env: os.Environ(), dir: "."},
		stdout:   os.Stdout,
		stderr:   os.Stderr,
		terminal: drawable(os.Stderr),
	}
	return a.run(ctx, os.Args[1:])
}

// drawable reports whether f is a terminal that bars can be drawn on: it has a width and moves its cursor.
func drawable(f *os.File) bool {
	width, _, err := term.GetSize(int(f.Fd()))
	return err == nil && width > 0 && os.Getenv("TERM") != "dumb"
}

// app is a process: what it finds around it and where it writes.
type app struct {
	around         surroundings
	stdout, stderr io.Writer
	terminal       bool // stderr is one that bars can be drawn on
}

type commandLine struct {
	Run      runCommand      `cmd:"" help:"Keep Port true to Jira until told to end."`
	Sync     syncCommand     `cmd:"" help:"Read the Jira site and make Port right, once."`
	Check    checkCommand    `cmd:"" help:"Say whether all this can work, and what to do if not."`
	Webhooks webhooksCommand `cmd:"" help:"What Jira tells Ferry by."`
	Demo     demoCommand     `cmd:"" help:"Do the same with a simulated Jira; needs no account."`
	Version  versionCommand  `cmd:"" help:"Say which ferry this is."`
	Help     helpCommand     `cmd:"" help:"Show this, or the help of a command."`
	Sail     sailCommand     `cmd:"" hidden:"" help:"Another spelling of run, and with --once of sync."`
}

const about = "Ferry carries Jira into Port, and keeps Port's catalogue true to Jira."

// Exit codes, beside 0, and 128 and the signal's number for a signal.
const (
	exitFailure = 1 // it could not be done, or a setting is not right; a sentence says why
	exitUsage   = 2 // the command line is not right
	exitPartial = 3 // everything but what was set aside is right
)

// ending is how a command ended if not well: its exit code, a sentence, and hints on lines of their own. All may be
// empty where the table has said it.
type ending struct {
	code  int
	text  string
	hints []string
}

func (e *ending) Error() string { return e.text }

func (a *app) run(ctx context.Context, args []string) int {
	return a.tell(a.command(ctx, args))
}

// tell says on stderr how a command ended, and gives its exit code. Errors that are joined have a line each.
func (a *app) tell(err error) int {
	if err == nil {
		return 0
	}
	e, ok := errors.AsType[*ending](err)
	if !ok {
		e = &ending{code: exitFailure}
	}
	lines := slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(line string) bool { return line == "" })
	for i, line := range append(lines, e.hints...) {
		if i == 0 && len(lines) > 0 {
			line = "ferry: " + line
		} else {
			line = "  " + line
		}
		fmt.Fprintln(a.stderr, line)
	}
	return e.code
}

// command parses the command line and does what it says.
func (a *app) command(ctx context.Context, args []string) error {
	shown := false // help was printed: kong means the process to end there
	parser, err := kong.New(&commandLine{},
		kong.Name("ferry"), kong.Description(about), kong.Writers(a.stdout, a.stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Exit(func(int) { shown = true }),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(spelledOut(args))
	switch {
	case shown:
		return nil
	case err != nil:
		return &ending{exitUsage, err.Error(), []string{"see ferry help"}}
	}
	if flag := givenTwice(parsed); flag != "" {
		return &ending{exitUsage, flag + " is given twice: give it once", []string{"see ferry help"}}
	}
	return parsed.Run(a)
}

// givenTwice is the first flag that is given again, whether by its long or its short name: which of the two values was
// meant, nobody can know.
func givenTwice(parsed *kong.Context) string {
	seen := map[string]bool{}
	for _, part := range parsed.Path {
		if part.Flag == nil {
			continue
		}
		if seen[part.Flag.Name] {
			return "--" + part.Flag.Name
		}
		seen[part.Flag.Name] = true
	}
	return ""
}

// spelledOut is the command line with help as kong spells it.
func spelledOut(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// helpCommand is there to be listed: the command line is rewritten before it is parsed.
type helpCommand struct{}

// settings reads all sources. Everything that is wrong comes in one ending.
func (a *app) settings(flags layer, faults []string) (settings, error) {
	set, more := read(gather(flags, a.around), a.terminal)
	return set, notRight(append(faults, more...))
}

// logSettings reads how to log, for a command for people, who want to see what it shows rather than what it logs. It
// has no use for the other settings and does not mind what is wrong with them.
func (a *app) logSettings(flags logFlags) (settings, error) {
	l := layer{}
	flags.put(l)
	r := &reader{&sources{layers: gather(l, a.around).layers}}
	var set settings
	r.log(&set, true)
	return set, notRight(r.faults)
}

func notRight(faults []string) error {
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return &ending{exitFailure, "one setting is not right", faults}
	}
	return &ending{exitFailure, fmt.Sprintf("%d settings are not right", len(faults)), faults}
}

// logger writes to w, which is stderr or keeps clear of what is drawn there.
func logger(w io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if strings.EqualFold(format, "json") {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
