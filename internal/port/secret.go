package port

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// A Secret is text that is used but never shown. Printing, logging or marshalling it gives "[redacted]"; only what
// signs in with it asks for the text itself.
//
// The text is behind a pointer because fmt prints unexported fields of an outer struct without asking their methods;
// then it prints an address.
type Secret struct{ text *string }

// NewSecret keeps text as a secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal is the text itself. Nothing but the request that needs it should hold it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// Format covers every verb, %x and %d among them.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

func (Secret) String() string { return redacted }

// GoString is for those who call it.
func (Secret) GoString() string { return redacted }

// MarshalJSON writes the word, not the text.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue covers slog handlers that print structs by reflection.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
