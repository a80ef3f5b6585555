package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// Build builds cmd/ferry into the directory and returns where the program is.
func Build(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "ferry")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "ferry/cmd/ferry")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return "", fmt.Errorf("build ferry: %w", err)
	}
	return binary, nil
}

// Config says which ferry is started, and how.
type Config struct {
	Binary   string
	Dir      string // its working directory
	Log      string // a file that what it says is appended to
	Settings map[string]string
}

// environment is a clean one: a setting of whoever measures would make another measurement of it.
func (c Config) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.Dir, "TMPDIR=" + os.TempDir()}
	for name, value := range c.Settings {
		env = append(env, name+"="+value)
	}
	return env
}

// Run lets ferry do one command to its end, and returns what it said.
func (c Config) Run(ctx context.Context, args ...string) (said string, err error) {
	cmd := exec.CommandContext(ctx, c.Binary, args...)
	cmd.Dir, cmd.Env = c.Dir, c.environment()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("ferry %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// Ferry is a `ferry run` under way.
type Ferry struct {
	cmd     *exec.Cmd
	listens chan struct{} // closed when it has said where it listens
	address string        // then
	ended   chan struct{} // closed when the process is gone and all it said is in the log
	err     error         // how it ended, then
	asked   atomic.Bool   // to end
	leads   atomic.Bool   // it has said so
}

// Start starts `ferry run`, which listens on a free port. End it by Kill, Stop or the context.
func Start(ctx context.Context, c Config) (*Ferry, error) {
	log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	f := &Ferry{listens: make(chan struct{}), ended: make(chan struct{})}
	f.cmd = exec.CommandContext(ctx, c.Binary, "run")
	f.cmd.Dir, f.cmd.Env = c.Dir, append(c.environment(), "APPLICATION__PORT=0")
	said, err := f.cmd.StderrPipe()
	if err == nil {
		err = f.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start ferry: %w", err), log.Close())
	}
	fmt.Fprintf(log, "--- started as %d at %s\n", f.cmd.Process.Pid, time.Now().Format(time.RFC3339Nano))
	go f.follow(said, log)
	return f, nil
}

// listening is what the log says of where it listens, and leading what it says, at level DEBUG, when
// it has got the lease of a PostgreSQL database.
var (
	listening = regexp.MustCompile(`msg="ferry runs".* listens=\S*:(\d+)`)
	leading   = "listening for hints of other processes"
)

// follow copies what ferry says into the log until it is gone.
func (f *Ferry) follow(said io.Reader, log *os.File) {
	defer close(f.ended)
	lines := bufio.NewReader(said)
	for {
		line, err := lines.ReadString('\n')
		_, _ = log.WriteString(line) // a log that cannot be written loses no measurement
		if m := listening.FindStringSubmatch(line); m != nil && f.address == "" {
			f.address = "127.0.0.1:" + m[1]
			close(f.listens)
		}
		if strings.Contains(line, leading) {
			f.leads.Store(true)
		}
		if err != nil {
			break
		}
	}
	f.err = f.cmd.Wait()
	fmt.Fprintf(log, "--- %d ended at %s: %v\n", f.cmd.Process.Pid, time.Now().Format(time.RFC3339Nano), f.err)
	_ = log.Close()
}

// Address waits until ferry listens, and tells where.
func (f *Ferry) Address(ctx context.Context) (string, error) {
	select {
	case <-f.listens:
		return f.address, nil
	case <-f.ended:
		return "", fmt.Errorf("ferry ended before it listened: %w", f.Err())
	case <-ctx.Done():
		return "", fmt.Errorf("wait for ferry to listen: %w", context.Cause(ctx))
	}
}

// Alive tells whether it listens and the process is there.
func (f *Ferry) Alive() bool {
	select {
	case <-f.ended:
		return false
	default:
	}
	select {
	case <-f.listens:
		return true
	default:
		return false
	}
}

// Leads tells whether it has said that it got the lease of a PostgreSQL database.
func (f *Ferry) Leads() bool { return f.leads.Load() }

// Ended is closed when the process is gone.
func (f *Ferry) Ended() <-chan struct{} { return f.ended }

// Err is how the process ended; call it when it has.
func (f *Ferry) Err() error {
	if f.err == nil {
		return errors.New("it ended without an error")
	}
	return f.err
}

// Asked tells whether Kill or Stop was called.
func (f *Ferry) Asked() bool { return f.asked.Load() }

// Kill ends the process as a crash does, and waits for its end.
func (f *Ferry) Kill() {
	f.asked.Store(true)
	_ = f.cmd.Process.Kill() // it fails where the process is gone
	<-f.ended
}

// Stop asks the process to end, and waits for it. The error says that it took too long or ended
// badly.
func (f *Ferry) Stop(patience time.Duration) error {
	f.asked.Store(true)
	_ = f.cmd.Process.Signal(syscall.SIGTERM) // it fails where the process is gone
	select {
	case <-f.ended:
		if f.err != nil {
			return fmt.Errorf("after SIGTERM ferry ended badly: %w", f.err)
		}
		return nil
	case <-time.After(patience):
		f.Kill()
		return fmt.Errorf("ferry did not end within %s of SIGTERM", patience)
	}
}
