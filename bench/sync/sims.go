package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
)

const (
	email, token = "bench@example.com", "bench-token"
	clientID     = "bench-client"
	clientSecret = "bench-secret"
)

// counters are what a simulator tells at /bench/counters.
type counters struct {
	Requests   int64
	BytesOut   int64 // as they left, compressed or not
	BytesIn    int64
	Upserted   int64 // entities written to Port
	FullBytes  int64 // all issues with all fields, compressed as the answers are
	CPUSeconds float64
}

// simulate serves one simulator until ctx ends, and prints its address first.
func simulate(ctx context.Context, which string, o options) error {
	name, size, _ := strings.Cut(which, ":")
	n, _ := strconv.Atoi(size)
	var handler http.Handler
	var count func() counters
	switch name {
	case "jira":
		handler, count = simulatedJira(o, n)
	case "port":
		handler, count = simulatedPort(o)
	default:
		return fmt.Errorf("-serve %q: should be jira:N or port", which)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	wire := &countingListener{Listener: listener}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc("/bench/counters", func(w http.ResponseWriter, r *http.Request) {
		c := count()
		c.BytesIn, c.BytesOut, c.CPUSeconds = wire.in.Load(), wire.out.Load(), cpuSeconds()
		_ = json.NewEncoder(w).Encode(c)
	})
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(wire); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func simulatedJira(o options, n int) (http.Handler, func() counters) {
	// The links of a site, not of this process: they are a good part of an issue's bytes.
	sim := jirasim.New(jirasim.Config{
		Seed: o.seed, BaseURL: "https://bench.atlassian.net", Email: email, Token: token,
		Latency: o.jiraLatency, NoGzip: o.noGzip,
	})
	sim.Fill(n, o.projects, o.filler)
	full := fullBytes(o, sim, n)
	return sim, func() counters { return counters{Requests: int64(sim.Count("")), FullBytes: full} }
}

// fullBytes is what all issues would come to on the wire with all their fields, a hundred a call,
// compressed as the run's answers are: from a sample of ten calls.
func fullBytes(o options, sim *jirasim.Server, n int) int64 {
	var total, sampled int64
	const calls, perCall = 10, 100
	for call := range calls {
		first := call * max(0, n-perCall) / calls
		if size := bulkBytes(o, sim, firstID+first, min(perCall, n)); size > 0 {
			total, sampled = total+size, sampled+int64(min(perCall, n))
		}
	}
	sim.ForgetRequests()
	return total * int64(n) / max(1, sampled)
}

func bulkBytes(o options, sim *jirasim.Server, first, n int) int64 {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = strconv.Itoa(first + i)
	}
	body, err := json.Marshal(map[string]any{"issueIdsOrKeys": ids, "fields": []string{"*all"}})
	if err != nil {
		return 0
	}
	request, err := http.NewRequest(http.MethodPost, "http://jira.test/rest/api/3/issue/bulkfetch", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	request.SetBasicAuth(email, token)
	request.Header.Set("Content-Type", "application/json")
	if !o.noGzip {
		request.Header.Set("Accept-Encoding", "gzip")
	}
	answer, err := sim.Transport().RoundTrip(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	size, err := io.Copy(io.Discard, answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return 0
	}
	return size
}

// firstID is the id of the first issue of a filled site.
const firstID = 10001

func simulatedPort(o options) (http.Handler, func() counters) {
	sim := portsim.New(portsim.Config{ClientID: clientID, ClientSecret: clientSecret, Latency: o.portLatency})
	return sim, func() counters {
		return counters{Requests: int64(sim.Count("", "")), Upserted: int64(sim.Upserted())}
	}
}

// process is a simulator under way in a process of its own.
type process struct {
	url  string
	stop func() error
}

func start(ctx context.Context, o options, which string) (process, error) {
	self, err := os.Executable()
	if err != nil {
		return process{}, err
	}
	cmd := exec.CommandContext(ctx, self, "-serve", which, "-filler", strconv.Itoa(o.filler), "-projects", strconv.Itoa(o.projects),
		"-jira-latency", o.jiraLatency.String(), "-port-latency", o.portLatency.String(), "-seed", strconv.FormatUint(o.seed, 10),
		"-no-gzip="+strconv.FormatBool(o.noGzip))
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return process{}, err
	}
	if err := cmd.Start(); err != nil {
		return process{}, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	stop := func() error { return errors.Join(cmd.Process.Signal(os.Interrupt), ignoreExit(cmd.Wait())) }
	if err != nil {
		return process{}, errors.Join(fmt.Errorf("the simulator %s said no address: %w", which, err), stop())
	}
	return process{strings.TrimSpace(line), stop}, nil
}

func ignoreExit(err error) error {
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return nil
	}
	return err
}

func (p process) counters() (c counters, err error) {
	answer, err := http.Get(p.url + "/bench/counters")
	if err != nil {
		return c, err
	}
	defer answer.Body.Close()
	return c, json.NewDecoder(answer.Body).Decode(&c)
}

// countingListener counts the bytes of all its connections.
type countingListener struct {
	net.Listener
	in, out atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{conn, l}, nil
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.l.in.Add(int64(n))
	return n, err
}

func (c *countingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.l.out.Add(int64(n))
	return n, err
}
