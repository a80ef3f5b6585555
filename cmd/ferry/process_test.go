package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"ferry/internal/catalog"
	"ferry/internal/daemon"
	"ferry/jira/jirasim"
)

// process is a ferry of its own, whose stderr can be waited on.
type process struct {
	*exec.Cmd
	stdout strings.Builder
	stderr *bufio.Scanner
	said   strings.Builder
}

func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // so that one that hangs fails its test
	t.Cleanup(cancel)
	p := &process{Cmd: exec.CommandContext(ctx, name, args...)}
	p.Dir, p.Env, p.Stdout = t.TempDir(), append(os.Environ(), env...), &p.stdout
	pipe, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stderr = bufio.NewScanner(pipe)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// until reads stderr up to a line that has the text.
func (p *process) until(t *testing.T, text string) {
	t.Helper()
	for p.stderr.Scan() {
		p.said.WriteString(p.stderr.Text() + "\n")
		if strings.Contains(p.stderr.Text(), text) {
			return
		}
	}
	t.Fatalf("stderr ended without %q:\n%s", text, p.said.String())
}

// ends reads the rest of stderr and gives the exit code.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	for p.stderr.Scan() {
		p.said.WriteString(p.stderr.Text() + "\n")
	}
	if err := p.Wait(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatal(err)
		}
	}
	return p.ProcessState.ExitCode()
}

func (p *process) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func TestDemoFollowsUntilInterrupted(t *testing.T) {
	p := start(t, nil, "ferry", "demo", "--plain", "--issues", "20")
	p.until(t, "Ctrl-C ends it")
	p.signal(t, os.Interrupt)
	if code := p.ends(t); code != 0 {
		t.Errorf("exit code = %d, want 0, for that is how the demo ends:\n%s", code, p.said.String())
	}
	if !strings.HasSuffix(p.said.String(), "\nstopped; ferry followed 0 changes\n") {
		t.Errorf("stderr has no last line:\n%s", p.said.String())
	}
	if !strings.Contains(p.stdout.String(), "\ntotal ") {
		t.Errorf("stdout has no table:\n%s", p.stdout.String())
	}
}

// hanging is a Jira that never answers a read of issues, and the environment to sync from it.
func hanging(t *testing.T) (env []string) {
	site := jirasim.New(jirasim.Config{})
	site.Fill(10, 1, 0)
	site.Inject(jirasim.Fault{Match: "/rest/api/3/search/jql", Do: jirasim.Hang})
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return []string{jiraHost + "=" + server.URL, jiraEmail + "=sam@acme.example", jiraToken + "=hush"}
}

func TestSyncStopsBySignal(t *testing.T) {
	tests := map[string]struct {
		signal os.Signal
		want   int
	}{
		"interrupt":  {syscall.SIGINT, 130},
		"terminated": {syscall.SIGTERM, 143},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := start(t, hanging(t), "ferry", "sync", "--plain")
			p.until(t, "issue: reading")
			p.signal(t, test.signal)
			if code := p.ends(t); code != test.want {
				t.Errorf("exit code = %d, want %d:\n%s", code, test.want, p.said.String())
			}
			for _, want := range []string{"ferry: stopped by signal: " + name, "is kept in ./ferry-data; the next sync begins with it"} {
				if !strings.Contains(p.said.String(), want) {
					t.Errorf("stderr lacks %q:\n%s", want, p.said.String())
				}
			}
		})
	}
}

// stubborn is a process that goes on after the first signal.
func stubborn() {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	fmt.Fprintln(os.Stderr, "ready")
	<-ctx.Done()
	fmt.Fprintln(os.Stderr, "first")
	select {}
}

func TestTheSecondSignalEndsTheProcessAtOnce(t *testing.T) {
	p := start(t, nil, "stubborn")
	p.until(t, "ready")
	p.signal(t, syscall.SIGTERM)
	p.until(t, "first")
	p.signal(t, os.Interrupt)
	p.ends(t)
	if status := p.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("status = %v, want ended by SIGINT", p.ProcessState)
	}
}

// A request that does not end holds a ferry for as long as its grace allows; a second signal does not wait for that.
func TestTheSecondSignalEndsARunAtOnce(t *testing.T) {
	site := jirasim.New(jirasim.Config{})
	site.Fill(10, 1, 0)
	server := httptest.NewServer(site)
	defer server.Close()
	p := start(t, []string{jiraHost + "=" + server.URL, jiraEmail + "=sam@acme.example", jiraToken + "=hush", listenPort + "=0", shutdownWait + "=3600", webhookUnsigned + "=accept"}, "ferry", "run")
	p.until(t, "the resync has ended")
	slow, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", p.port(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = slow.Close() }()
	begun := "GET /health/live HTTP/1.1\r\nHost: ferry\r\n\r\nPOST /integration/webhook HTTP/1.1\r\nHost: ferry\r\nContent-Length: 5\r\n\r\n{"
	if _, err := io.WriteString(slow, begun); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(slow).ReadString('\n'); err != nil { // it is being served
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGTERM)
	p.until(t, "stopped; what is left to do is kept")
	p.signal(t, syscall.SIGTERM)
	p.ends(t)
	if status := p.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("status = %v, want ended by SIGTERM:\n%s", p.ProcessState, p.said.String())
	}
}

var listens = regexp.MustCompile(`listens=\S+:(\d+) `)

// port is where a ferry that runs said it listens.
func (p *process) port(t *testing.T) string {
	t.Helper()
	found := listens.FindStringSubmatch(p.said.String())
	if found == nil {
		t.Fatalf("it does not say where it listens:\n%s", p.said.String())
	}
	return found[1]
}

func TestASignalIsTheCauseOfTheEnd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent(), goleak.IgnoreAnyFunction("os/signal.loop"))
	for _, want := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ctx, stop := untilSignal(context.Background())
		if err := syscall.Kill(os.Getpid(), want); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		stop()
		got, ok := bySignal(ctx)
		if !ok || got.signal != want || got.code() != 128+int(want) {
			t.Errorf("bySignal = %v, %v, want %v", got, ok, want)
		}
	}
	ctx, stop := untilSignal(context.Background())
	stop()
	if got, ok := bySignal(ctx); ok {
		t.Errorf("bySignal without a signal = %v", got)
	}
}

func TestHowARunEndsDecidesTheExitCode(t *testing.T) {
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(signalled{syscall.SIGTERM})
	tests := map[string]struct {
		ctx    context.Context
		report *daemon.Report
		err    error
		code   int
		stderr string
	}{
		"right":             {t.Context(), &daemon.Report{State: catalog.Completed}, nil, 0, ""},
		"something aside":   {t.Context(), &daemon.Report{State: catalog.Completed, AsideTotal: 1}, nil, 3, ""},
		"partial":           {t.Context(), &daemon.Report{State: catalog.Partial}, nil, 3, ""},
		"failed":            {t.Context(), &daemon.Report{State: catalog.Failed, AsideTotal: 1}, nil, 1, "ferry: the sync failed: see above what was set aside and why\n"},
		"failed by errors":  {t.Context(), &daemon.Report{State: catalog.Failed}, errors.New("one\n\ntwo"), 1, "ferry: one\n  two\n"},
		"not even begun":    {t.Context(), nil, errors.New("no"), 1, "ferry: no\n"},
		"stopped by signal": {ended, nil, context.Canceled, 143, "ferry: stopped by signal: terminated\n  what was read and delivered until now is kept in dir; the next sync begins with it\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var stderr strings.Builder
			a := &app{stdout: io.Discard, stderr: &stderr}
			code := a.tell(a.conclude(test.ctx, false, test.report, test.err, "dir"))
			if code != test.code || stderr.String() != test.stderr {
				t.Errorf("exit code %d with %q, want %d with %q", code, stderr.String(), test.code, test.stderr)
			}
		})
	}
}

func TestAnErrorBesideAnEndingIsTold(t *testing.T) {
	var stderr strings.Builder
	a := &app{stderr: &stderr}
	code := a.tell(errors.Join(&ending{exitPartial, "", []string{"hint"}}, errors.New("close: disk full")))
	if want := "ferry: close: disk full\n  hint\n"; code != exitPartial || stderr.String() != want {
		t.Errorf("tell = %d with %q, want %d with %q", code, stderr.String(), exitPartial, want)
	}
}

func TestDemoServesNothingAfterItsEnd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	address, closeSite, err := serve(jirasim.New(jirasim.Config{}))
	if err != nil || !strings.HasPrefix(address, "http://127.0.0.1:") {
		t.Fatalf("serve = %q, %v, want a loopback address", address, err)
	}
	if err := closeSite(); err != nil {
		t.Errorf("close = %v", err)
	}
}

func TestTheCompanyDoesAStepEverySecondOrTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		n := 0
		err := steps(ctx, rand.New(rand.NewPCG(1, 2)), func() { n++ })
		if !errors.Is(err, context.DeadlineExceeded) || n < 30 || n > 60 {
			t.Errorf("a minute's work = %d steps, %v, want 30 to 60 and the context's end", n, err)
		}
	})
}
