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
	"runtime"
	"strings"
	"syscall"
	"time"
)

// TokensFile keeps tokens in a file that its owner alone may read, replaced as a
// whole and synced to the disk before Save returns. initial is the refresh token
// of the consent, for the first time. Another one later, after the app was
// authorized again, takes the place of what the file holds; without one the file
// goes on as it is. The directory is made where it is not there, and a link is
// followed.
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
	saved, err := f.read()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return initial, nil
	case err != nil:
		return Tokens{}, err
	case initial.Refresh != "" && saved.Consent != fingerprint(initial.Refresh):
		return initial, nil
	}
	return Tokens{Access: saved.Access, Refresh: saved.Refresh, Expires: saved.Expires}, nil
}

func (f *tokensFile) read() (saved savedTokens, err error) {
	text, err := os.ReadFile(f.path)
	if err == nil && json.Unmarshal(text, &saved) != nil { // its error may show a part of a token
		err = fmt.Errorf("the file %s does not hold tokens: delete it, and authorize the app again", f.path)
	}
	return saved, err
}

// Save writes beside the file and renames, so that at each moment the file holds
// either all of what it held or all of what it is to hold.
func (f *tokensFile) Save(_ context.Context, t Tokens) error {
	text, err := json.Marshal(savedTokens{t.Access, t.Refresh, t.Expires, f.consent()})
	if err != nil {
		return err
	}
	path := f.target()
	beside, err := writeBeside(path, text)
	if err != nil {
		return err
	}
	if err := os.Rename(beside, path); err != nil {
		return errors.Join(err, os.Remove(beside))
	}
	removeStrays(filepath.Dir(path))
	return syncDir(filepath.Dir(path))
}

// ready does what Save does, up to the renaming, with more bytes than tokens
// have.
func (f *tokensFile) ready() error {
	beside, err := writeBeside(f.target(), make([]byte, 16<<10))
	if err != nil {
		return err
	}
	return os.Remove(beside)
}

// consent is the fingerprint to save. One who was not given the consent's token
// keeps that of the file, or those who were would take theirs, long used up, for
// a later one.
func (f *tokensFile) consent() string {
	if initial := f.initial.reveal(); initial != "" {
		return fingerprint(initial)
	}
	saved, _ := f.read() // an unreadable file has none
	return saved.Consent
}

// target is the file itself where the path is a link to it, as into a volume
// that outlives the directory: a renaming would replace the link.
func (f *tokensFile) target() string {
	path := f.path
	for range 8 {
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return path
}

// strayPrefix begins the names of files that are not renamed yet.
const strayPrefix = ".tokens-"

// writeBeside writes a file in the directory of path, for its owner alone, and
// gives its name.
func writeBeside(path string, text []byte) (name string, err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	beside, err := os.CreateTemp(dir, strayPrefix+"*") // mode 0600
	if err != nil {
		return "", err
	}
	if err := errors.Join(writeAll(beside, text), beside.Close()); err != nil {
		return "", errors.Join(err, os.Remove(beside.Name()))
	}
	return beside.Name(), nil
}

func writeAll(f *os.File, text []byte) error {
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

// removeStrays removes what processes that were killed while they wrote have
// left, for it holds tokens. What is left is no harm to the next process, so that
// trouble here is none.
func removeStrays(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), strayPrefix) && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// syncDir makes a renaming last, where directories can be synced: Windows cannot,
// and some file systems say that with EINVAL.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}
