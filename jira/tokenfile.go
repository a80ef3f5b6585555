package jira

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
)

// maxTokenFile is more than any token has.
const maxTokenFile = 64 << 10

// TokenFile authorizes as [Bearer] does, with a token that another program keeps
// up to date in a file. The file is read for each request, so that no change is
// missed; a request that Jira refuses is sent once more if the file has another
// token by then. Where the file is absent or cannot be read the token is
// fallback, or without one the token that was read last. A file that is empty,
// as it is while it is being written, leaves the last token in place.
//
// At the site's own address of Jira Cloud, where no token goes without an
// e-mail, requests go to the gateway of the same site, as those of [OAuth] do.
func TokenFile(path, fallback string) (Auth, error) {
	if path == "" {
		return nil, errors.New("no token file for Jira: give its path")
	}
	if strings.TrimSpace(fallback) != "" {
		if err := needToken(fallback); err != nil {
			return nil, err
		}
	}
	return &tokenFile{path: path, fallback: secretOf(strings.TrimSpace(fallback)), last: secretOf("")}, nil
}

type tokenFile struct {
	path     string
	fallback secret

	mu   sync.Mutex
	last secret // as read from the file
}

func (f *tokenFile) String() string       { return "TokenFile [redacted]" }
func (f *tokenFile) GoString() string     { return f.String() }
func (f *tokenFile) LogValue() slog.Value { return slog.StringValue(f.String()) }

func (f *tokenFile) Authorize(_ context.Context, r *http.Request) error {
	token, err := f.token()
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// Renew reads the file again.
func (f *tokenFile) Renew(_ context.Context, refused string) (bool, error) {
	token, err := f.token()
	return err == nil && "Bearer "+token != refused, err
}

func (f *tokenFile) route(ctx context.Context, c *Client, given *route) (*route, error) {
	if given.deployment == DataCenter || c.atGateway(given.base) {
		return given, nil
	}
	return c.consented(ctx, f)
}

// token is what to send now.
func (f *tokenFile) token() (string, error) {
	text, err := f.read()
	f.mu.Lock()
	defer f.mu.Unlock()
	last, fallback := f.last.reveal(), f.fallback.reveal()
	switch {
	case err == nil && text != "":
		f.last = secretOf(text)
		return text, nil
	case err == nil && cmp.Or(last, fallback) != "":
		return cmp.Or(last, fallback), nil
	case err == nil:
		return "", &kindError{fmt.Sprintf("the token file %s is empty: write an access token into it", f.path), []error{ErrUnauthorized}}
	case cmp.Or(fallback, last) != "":
		return cmp.Or(fallback, last), nil
	}
	return "", &kindError{fmt.Sprintf("%v, and there is no token in its place: write an access token into the file", err), []error{ErrUnauthorized}}
}

// read is the file's content without the space around it. Its errors do not
// show the content.
func (f *tokenFile) read() (string, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxTokenFile+1))
	if err != nil {
		return "", err
	}
	token := string(bytes.TrimSpace(text))
	if len(text) > maxTokenFile || !fitsHeader(token) {
		return "", fmt.Errorf("the token file %s does not hold one token in one line", f.path)
	}
	return token, nil
}
