package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"ferry/internal/port/portsim"
	"ferry/jira/jirasim"
)

// The credentials that the simulators accept.
const (
	Email, Token = "bench@example.com", "bench-token"
	ClientID     = "bench-client"
	ClientSecret = "bench-secret"
)

// Config says what is simulated.
type Config struct {
	Port     bool // Port; else Jira, with what follows
	Issues   int
	Filler   int // bytes of description an issue has; 6000 make issues of 14 KB
	Projects int
	Latency  time.Duration // before each answer
	Seed     uint64
	NoGzip   bool
}

// Counters are what a simulator has counted.
type Counters struct {
	Requests   int64
	BytesOut   int64 // as they left, compressed or not
	BytesIn    int64
	Upserted   int64 // entities written to Port
	FullBytes  int64 // all issues with all fields, compressed as the answers are
	CPUSeconds float64
}

// Since is what was counted after an earlier moment.
func (c Counters) Since(before Counters) Counters {
	return Counters{
		Requests: c.Requests - before.Requests, BytesIn: c.BytesIn - before.BytesIn, BytesOut: c.BytesOut - before.BytesOut,
		Upserted: c.Upserted - before.Upserted, FullBytes: c.FullBytes, CPUSeconds: c.CPUSeconds - before.CPUSeconds,
	}
}

// variable holds the configuration in the environment of a simulator's process.
const variable = "FERRY_BENCH_SIMULATOR"

// Serve reports whether this process is a simulator's. If so, it has been one until ctx ended.
func Serve(ctx context.Context) (bool, error) {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return false, nil
	}
	var c Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return true, fmt.Errorf("%s: %w", variable, err)
	}
	return true, c.serve(ctx)
}

// serve prints the simulator's address, and serves until ctx ends.
func (c Config) serve(ctx context.Context) error {
	simulate := c.jira
	if c.Port {
		simulate = c.port
	}
	handler, count := simulate()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	wire := &countingListener{Listener: listener}
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.HandleFunc(countersPath, func(w http.ResponseWriter, r *http.Request) {
		counted := count()
		counted.BytesIn, counted.BytesOut, counted.CPUSeconds = wire.in.Load(), wire.out.Load(), cpuSeconds()
		_ = json.NewEncoder(w).Encode(counted)
	})
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: mux}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(wire); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

const countersPath = "/bench/counters"

func (c Config) jira() (http.Handler, func() Counters) {
	// The links of a site, not of this process: they are a good part of an issue's bytes.
	sim := jirasim.New(jirasim.Config{
		Seed: c.Seed, BaseURL: "https://bench.atlassian.net", Email: Email, Token: Token, Latency: c.Latency, NoGzip: c.NoGzip,
	})
	sim.Fill(c.Issues, c.Projects, c.Filler)
	full := c.fullBytes(sim)
	return sim, func() Counters { return Counters{Requests: int64(sim.Count("")), FullBytes: full} }
}

func (c Config) port() (http.Handler, func() Counters) {
	sim := portsim.New(portsim.Config{ClientID: ClientID, ClientSecret: ClientSecret, Latency: c.Latency})
	return sim, func() Counters {
		return Counters{Requests: int64(sim.Count("", "")), Upserted: int64(sim.Upserted())}
	}
}

// fullBytes is what all issues would come to on the wire with all their fields, a hundred a call,
// compressed as the run's answers are: from a sample of ten calls.
func (c Config) fullBytes(sim *jirasim.Server) int64 {
	var total, sampled int64
	const calls, perCall = 10, 100
	for call := range calls {
		first := call * max(0, c.Issues-perCall) / calls
		if size := c.bulkBytes(sim, firstID+first, min(perCall, c.Issues)); size > 0 {
			total, sampled = total+size, sampled+int64(min(perCall, c.Issues))
		}
	}
	sim.ForgetRequests()
	return total * int64(c.Issues) / max(1, sampled)
}

// firstID is the id of the first issue of a filled site.
const firstID = 10001

func (c Config) bulkBytes(sim *jirasim.Server, first, n int) int64 {
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
	request.SetBasicAuth(Email, Token)
	request.Header.Set("Content-Type", "application/json")
	if !c.NoGzip {
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

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
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
