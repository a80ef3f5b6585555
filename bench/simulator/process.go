package simulator

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Process is a simulator under way in a process of its own.
type Process struct {
	URL  string
	stop func() error
}

// Start runs this executable once more, as a simulator. It returns when the simulator serves.
func Start(ctx context.Context, c Config) (Process, error) {
	self, err := os.Executable()
	if err != nil {
		return Process{}, err
	}
	text, err := json.Marshal(c)
	if err != nil {
		return Process{}, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), variable+"="+string(text))
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return Process{}, err
	}
	if err := cmd.Start(); err != nil {
		return Process{}, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	stop := func() error { return errors.Join(cmd.Process.Signal(os.Interrupt), ignoreExit(cmd.Wait())) }
	if err != nil {
		return Process{}, errors.Join(fmt.Errorf("the simulator said no address: %w", err), stop())
	}
	return Process{strings.TrimSpace(line), stop}, nil
}

func ignoreExit(err error) error {
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return nil
	}
	return err
}

// Stop ends the process and waits for its end.
func (p Process) Stop() error { return p.stop() }

// Counters asks what the simulator has counted until now.
func (p Process) Counters() (c Counters, err error) {
	answer, err := http.Get(p.URL + countersPath)
	if err != nil {
		return c, err
	}
	defer answer.Body.Close()
	return c, json.NewDecoder(answer.Body).Decode(&c)
}
