package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"ferry/bench/simulator"
)

// result is what one run of ferry took.
type result struct {
	name       string
	issues     int
	wall       time.Duration
	ideal      time.Duration // 0 where there is none: a run that must not write
	cpu        time.Duration
	memory     int64 // peak resident set, bytes
	jira, port simulator.Counters
	full       int64 // bytes of the full bodies of what was read
}

// measure runs a first and a second sync of n issues.
func measure(ctx context.Context, o options, dir string, n int, out io.Writer) (err error) {
	jira, err := simulator.Start(ctx, simulator.Config{
		Issues: n, Filler: o.filler, Projects: o.projects, Latency: o.jiraLatency, Seed: o.seed, NoGzip: o.noGzip,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, jira.Stop()) }()
	port, err := simulator.Start(ctx, simulator.Config{Port: true, Latency: o.portLatency})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, port.Stop()) }()
	for _, name := range []string{"first", "second"} {
		r, err := once(ctx, o, dir, name, n, jira, port)
		if err != nil {
			return err
		}
		if name == "first" {
			r.ideal = ideal(n, o)
		}
		row(out, r)
	}
	return nil
}

// ideal is what the requests would take if only the latencies counted: the pages of the sweep
// one after another, then the slower of the fetches, ten at once, and the bulks, twenty at once.
func ideal(n int, o options) time.Duration {
	pages, fetches, bulks := (n+4999)/5000, (n+99)/100, (n+19)/20
	read := time.Duration(fetches) * o.jiraLatency / 10
	write := time.Duration(bulks) * o.portLatency / 20
	return time.Duration(pages)*o.jiraLatency + max(read, write)
}

func once(ctx context.Context, o options, dir, name string, n int, jira, port simulator.Process) (result, error) {
	r := result{name: name, issues: n}
	jiraBefore, err := jira.Counters()
	if err != nil {
		return r, err
	}
	portBefore, err := port.Counters()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, o.ferry, "sync", "--plain", "--log-level", "WARNING")
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(),
		"OCEAN__INTEGRATION__CONFIG__JIRA_HOST="+jira.URL,
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_EMAIL="+simulator.Email,
		"OCEAN__INTEGRATION__CONFIG__ATLASSIAN_USER_TOKEN="+simulator.Token,
		"OCEAN__PORT__CLIENT_ID="+simulator.ClientID, "OCEAN__PORT__CLIENT_SECRET="+simulator.ClientSecret,
		"OCEAN__PORT__BASE_URL="+port.URL, "OCEAN__INTEGRATION__IDENTIFIER=bench", "FERRY_DATA_DIR="+dir)
	if o.profile != "" {
		cmd.Env = append(cmd.Env, "FERRY_CPU_PROFILE="+filepath.Join(o.profile, fmt.Sprintf("%s-%d.prof", name, n)))
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	started := time.Now()
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("ferry sync: %w\n%s", err, said.Bytes())
	}
	r.wall = time.Since(started)
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	r.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	r.memory = usage.Maxrss << 10
	jiraAfter, err := jira.Counters()
	if err != nil {
		return r, err
	}
	portAfter, err := port.Counters()
	r.jira, r.port, r.full = jiraAfter.Since(jiraBefore), portAfter.Since(portBefore), jiraAfter.FullBytes
	return r, err
}

const columns = "%-7s %8s %8s %8s %7s %9s %7s %8s %9s %9s %8s %8s %7s %7s\n"

func header(out io.Writer) {
	fmt.Fprintf(out, columns, "run", "issues", "wall", "ideal", "ratio", "CPU/1000", "memory", "Jira", "Jira MB", "full MB", "of full", "written", "Port", "sims")
}

func row(out io.Writer, r result) {
	perfect, ratio := "-", "-"
	if r.ideal > 0 {
		perfect, ratio = seconds(r.ideal), fmt.Sprintf("%.2f", r.wall.Seconds()/r.ideal.Seconds())
	}
	share := "-"
	if r.full > 0 {
		share = fmt.Sprintf("%.1f%%", 100*float64(r.jira.BytesOut)/float64(r.full))
	}
	fmt.Fprintf(out, columns, r.name, fmt.Sprint(r.issues), seconds(r.wall), perfect, ratio,
		fmt.Sprintf("%.3fs", r.cpu.Seconds()*1000/float64(r.issues)), fmt.Sprintf("%.0fMiB", float64(r.memory)/(1<<20)),
		fmt.Sprint(r.jira.Requests), fmt.Sprintf("%.1f", float64(r.jira.BytesOut)/1e6), fmt.Sprintf("%.1f", float64(r.full)/1e6), share,
		fmt.Sprint(r.port.Upserted), fmt.Sprint(r.port.Requests), fmt.Sprintf("%.1fs", r.jira.CPUSeconds+r.port.CPUSeconds))
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }
