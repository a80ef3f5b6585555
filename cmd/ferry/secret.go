package main

import "log/slog"

// secret is text that is used but never shown: printing, logging and marshalling it give "[redacted]". Only the call
// that needs the text itself reads the field.
type secret struct{ text string }

const redacted = "[redacted]"

func (secret) String() string { return redacted }

// GoString covers %#v, which would print the field.
func (secret) GoString() string { return redacted }

func (secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// LogValue covers slog handlers that print structs by reflection.
func (secret) LogValue() slog.Value { return slog.StringValue(redacted) }
