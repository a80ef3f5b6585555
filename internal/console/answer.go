package console

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"unicode"
)

// answer remembers whether an answer has begun, and how.
type answer struct {
	http.ResponseWriter
	status int // 0: nothing was written
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= 200 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// caught is deferred: a handler that panics is answered with 500, and an answer that had begun is
// cut, so that nobody takes it for whole.
func (p *Public) caught(a *answer) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		p.config.Metrics.panics.Inc()
		p.log.Error("a request ended in a panic; please report this with the lines below", "panic", harmless(v), "stack", string(debug.Stack()))
	}
	if a.status != 0 || v == http.ErrAbortHandler {
		panic(http.ErrAbortHandler)
	}
	http.Error(a, "internal error", http.StatusInternalServerError)
}

// harmless is what may be logged of a panic's value, which can hold what a request brought.
func harmless(v any) slog.Value {
	if fault, ok := v.(runtime.Error); ok {
		return slog.StringValue(fault.Error())
	}
	return slog.StringValue("not shown, since it may hold what the request brought")
}

// writeJSON answers with a small object.
func writeJSON(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the bodies are structs of this package, which marshal
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that is gone needs no answer
}

// maxReason is how many characters of an error strangers are told.
const maxReason = 200

// reason is an error in one short line.
func reason(err error) string {
	line := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, err.Error())
	runes := []rune(strings.Join(strings.Fields(line), " "))
	if len(runes) > maxReason {
		return string(runes[:maxReason]) + "…"
	}
	return string(runes)
}

var errStopping = errors.New("ferry is stopping")
