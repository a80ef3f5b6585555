package port

import "log/slog"

const redacted = "[redacted]"

// A Secret is text that is used but never shown. Printing, logging or marshalling it gives "[redacted]"; only the
// request that needs it asks for the text itself.
type Secret struct{ text string }

// NewSecret keeps text as a secret.
func NewSecret(text string) Secret { return Secret{text} }

func (s Secret) reveal() string { return s.text }

func (Secret) String() string { return redacted }

// GoString covers %#v, which would print the field.
func (Secret) GoString() string { return redacted }

// MarshalJSON writes the word, not the text.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue covers slog handlers that print structs by reflection.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
