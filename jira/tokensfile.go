package jira

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// TokensFile keeps tokens in a file that its owner alone may read, replaced as a
// whole and synced to the disk before Save returns. initial is the refresh token
// of the consent, for the first time. Another one later, after the app was
// authorized again, takes the place of what the file holds. The directory is
// made where it is not there.
func TokensFile(path, initial string) TokenStore {
	return &tokensFile{path, secretOf(strings.TrimSpace(initial))}
}

type tokensFile struct {
	path    string
	initial secret
}

// savedTokens is the file.
type savedTokens struct {
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token"`
	Expires time.Time `json:"expires,omitzero"`

	// Consent is a fingerprint of the refresh token that all this began with.
	Consent string `json:"consent,omitempty"`
}

// fingerprint tells refresh tokens apart and gives none away: they are long and
// random.
func fingerprint(token string) string {
	if token == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func (f *tokensFile) String() string { return "TokensFile(" + f.path + ")" }

func (f *tokensFile) Load(context.Context) (Tokens, error) {
	initial := Tokens{Refresh: f.initial.reveal()}
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return initial, nil
	}
	if err != nil {
		return Tokens{}, err
	}
	var saved savedTokens
	if json.Unmarshal(text, &saved) != nil { // its error may show a part of a token
		return Tokens{}, fmt.Errorf("the file %s does not hold tokens: delete it, and authorize the app again", f.path)
	}
	if initial.Refresh != "" && saved.Consent != fingerprint(initial.Refresh) {
		return initial, nil
	}
	return Tokens{Access: saved.Access, Refresh: saved.Refresh, Expires: saved.Expires}, nil
}

// Save writes beside the file and renames, so that at each moment the file holds
// either all of what it held or all of what it is to hold.
func (f *tokensFile) Save(_ context.Context, t Tokens) error {
	text, err := json.Marshal(savedTokens{t.Access, t.Refresh, t.Expires, fingerprint(f.initial.reveal())})
	if err != nil {
		return err
	}
	dir := filepath.Dir(f.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	beside, err := os.CreateTemp(dir, ".tokens-*") // mode 0600
	if err != nil {
		return err
	}
	err = errors.Join(writeAll(beside, text), beside.Close())
	if err == nil {
		err = os.Rename(beside.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(beside.Name()))
	}
	return syncDir(dir)
}

func writeAll(f *os.File, text []byte) error {
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

// syncDir makes a renaming last. Some file systems cannot, and need not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}
