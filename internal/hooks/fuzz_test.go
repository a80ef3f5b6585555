package hooks_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"ferry/internal/catalog"
	"ferry/internal/hooks"
	"ferry/jira"
)

// anItem is all that a delivery may come to.
var anItem = regexp.MustCompile(`^[1-9][0-9]{0,17}$`)

// Whatever is sent, with a proof or without: nothing that is not proved is to be read, and of what
// is proved only items with ids that are numbers.
func FuzzReceiver(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(archive.Files); i += 2 {
			_, body, _ := strings.Cut(string(archive.Files[i].Data), "\n\n")
			f.Add([]byte(strings.TrimSpace(body)), uint8(i/2), "sha256="+strings.Repeat("0", 64))
		}
	}
	f.Add([]byte(created), uint8(5), token)
	f.Add([]byte(created), uint8(4), "Bearer "+jira.SignJWT(jira.JWT{Expires: time.Now().Add(time.Hour)}, "of another app"))
	s := newSite(f, hooks.ReceiverConfig{Trust: hooks.Trust{Secrets: []string{secret}, ClientSecrets: []string{"of the app"}, Token: token}})
	f.Fuzz(func(t *testing.T, body []byte, proof uint8, text string) {
		q := httptest.NewRequest("POST", path, strings.NewReader(string(body)))
		proved := false
		switch proof % 6 {
		case 0:
			q.Header.Set("X-Hub-Signature", jira.Sign(body, secret))
			proved = true
		case 1:
			q.Header.Set("Authorization", "Bearer "+jira.SignJWT(jira.JWT{Expires: time.Now().Add(time.Minute)}, "of the app"))
			proved = true
		case 2: // nothing
		case 3:
			q.Header.Set("X-Hub-Signature", text)
			proved = jira.VerifySignature(body, text, secret) == nil
		case 4:
			q.Header.Set("Authorization", text)
		case 5:
			q.URL = &url.URL{Path: path + "/" + text}
			proved = text == token
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, q)
		if !slices.Contains([]int{200, 400, 401, 404}, w.Code) || (w.Code == 200 || w.Code == 400) && !proved {
			t.Fatalf("answered %d %s, proved: %t", w.Code, w.Body, proved)
		}
		s.clean(t, w.Code == 200)
	})
}

// clean takes what is to be read off the list, and looks at it.
func (s *site) clean(t rapid.TB, allowed bool) {
	for _, reading := range []string{"issue", "project"} {
		rows, err := s.store.Take(context.Background(), reading, "", 1000, catalog.Live)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if !allowed || !anItem.MatchString(row.ID) || row.Parent != "" {
				t.Fatalf("%+v is to be read, allowed: %t", row, allowed)
			}
		}
		if err := s.store.Done(context.Background(), rows); err != nil {
			t.Fatal(err)
		}
	}
}
