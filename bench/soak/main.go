package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"ferry/bench/process"
)

// options are the command's flags.
type options struct {
	seeds    int
	first    uint64
	database string
	replicas int
	parallel int
	postgres string
	ferry    string
	patience time.Duration
	slow     time.Duration
	dir      string
}

// errFailed ends the command where a seed failed, which has been told of.
var errFailed = errors.New("something was lost, or not right in time")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench/soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	var o options
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.IntVar(&o.seeds, "seeds", 30, "how many seeds, on each database")
	flags.Uint64Var(&o.first, "first", 1, "the first seed; 0: one of this moment")
	flags.StringVar(&o.database, "database", "both", "sqlite, postgres or both")
	flags.IntVar(&o.replicas, "replicas", 3, "replicas on one PostgreSQL database")
	flags.IntVar(&o.parallel, "parallel", 2, "how many seeds at a time")
	flags.StringVar(&o.postgres, "postgres", os.Getenv("FERRY_TEST_POSTGRES"), "the URL of a server whose user may make schemas (FERRY_TEST_POSTGRES)")
	flags.StringVar(&o.ferry, "ferry", "", "a ferry binary; empty: build ./cmd/ferry")
	flags.DurationVar(&o.patience, "patience", 40*time.Second, "how long Port may take to become right")
	flags.DurationVar(&o.slow, "slow", 0, "keep the folder of a seed of which Port took longer than this to become right; 0: of none")
	flags.StringVar(&o.dir, "dir", "", "where to keep the folders of seeds that failed; empty: the directory for temporary files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	databases, err := o.databases()
	if err != nil {
		return err
	}
	if o.first == 0 {
		o.first = uint64(time.Now().UnixNano())
	}
	if o.dir, err = os.MkdirTemp(o.dir, "ferry-soak-"); err != nil {
		return err
	}
	if o.ferry == "" {
		if o.ferry, err = process.Build(ctx, o.dir); err != nil {
			return err
		}
	}
	failed, err := soak(ctx, o, databases, out)
	if err != nil {
		return err
	}
	if failed {
		fmt.Fprintf(out, "the folders of what failed are in %s\n", o.dir)
		return errFailed
	}
	if o.slow > 0 {
		return nil // there may be something in it
	}
	return os.RemoveAll(o.dir)
}

func (o options) databases() ([]database, error) {
	if (o.database == onPostgres || o.database == "both") && o.postgres == "" {
		return nil, errors.New("-postgres names no server, and FERRY_TEST_POSTGRES neither: start one, or use -database sqlite")
	}
	switch o.database {
	case "both":
		return []database{onSQLite, onPostgres}, nil
	case onSQLite, onPostgres:
		return []database{o.database}, nil
	}
	return nil, fmt.Errorf("-database %q: should be sqlite, postgres or both", o.database)
}

// database is where a seed's catalogue is.
type database = string

const (
	onSQLite   database = "sqlite"
	onPostgres database = "postgres"
)
