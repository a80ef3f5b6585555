package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
)

// unreliable serves a simulator, and while it is in trouble lets some requests fail.
type unreliable struct {
	handler http.Handler
	server  *http.Server
	url     string
	served  sync.WaitGroup

	mu     sync.Mutex
	random *rand.Rand
	share  float64       // of the requests that fail; 0: no trouble
	over   chan struct{} // closed when the trouble is over: who hangs is cut off then
	struck int
}

// serveUnreliably serves on a free port of the loopback interface until close.
func serveUnreliably(handler http.Handler, random *rand.Rand) (*unreliable, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &unreliable{handler: handler, random: random, url: "http://" + listener.Addr().String()}
	u.server = &http.Server{Handler: u}
	u.served.Go(func() { _ = u.server.Serve(listener) }) // it ends by close
	return u, nil
}

func (u *unreliable) close() {
	u.heal()
	_ = u.server.Close()
	u.served.Wait()
}

// trouble lets so many of the requests fail until the context ends. One that comes while there is
// another takes its place; the end of either is the end of both.
func (u *unreliable) trouble(ctx context.Context, share float64) {
	u.heal()
	u.mu.Lock()
	u.share, u.over = share, make(chan struct{})
	u.mu.Unlock()
	<-ctx.Done()
	u.heal()
}

func (u *unreliable) heal() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.share = 0
	if u.over != nil {
		close(u.over)
		u.over = nil
	}
}

// A fault takes the place of an answer.
type fault func(u *unreliable, w http.ResponseWriter, r *http.Request, over <-chan struct{})

var faults = []fault{throttled, failing, unavailable, cutBefore, cutAfter, cutWithin, hanging}

func (u *unreliable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	var strike fault
	over := u.over
	if over != nil && u.random.Float64() < u.share {
		strike = faults[u.random.IntN(len(faults))]
		u.struck++
	}
	u.mu.Unlock()
	if strike == nil {
		u.handler.ServeHTTP(w, r)
		return
	}
	strike(u, w, r, over)
}

func throttled(_ *unreliable, w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
	w.Header().Set("Retry-After", "1")
	refuse(w, http.StatusTooManyRequests)
}

func failing(_ *unreliable, w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
	refuse(w, http.StatusInternalServerError)
}

func unavailable(_ *unreliable, w http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
	refuse(w, http.StatusServiceUnavailable)
}

// refuse answers in a form that is Jira's and Port's alike.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(`{"ok":false,"error":"trouble","message":"` + http.StatusText(status) + `","errorMessages":["trouble"],"errors":{}}`))
}

func cutBefore(_ *unreliable, _ http.ResponseWriter, _ *http.Request, _ <-chan struct{}) {
	panic(http.ErrAbortHandler)
}

// cutAfter does what was asked, and loses the answer.
func cutAfter(u *unreliable, _ http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	u.handler.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// cutWithin answers by half.
func cutWithin(u *unreliable, w http.ResponseWriter, r *http.Request, _ <-chan struct{}) {
	answer := httptest.NewRecorder()
	u.handler.ServeHTTP(answer, r)
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	body := answer.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body[:len(body)/2])
	panic(http.ErrAbortHandler)
}

// hanging answers nothing, and ends the connection when the trouble is over.
func hanging(_ *unreliable, _ http.ResponseWriter, r *http.Request, over <-chan struct{}) {
	select {
	case <-over:
	case <-r.Context().Done():
	}
	panic(http.ErrAbortHandler)
}
