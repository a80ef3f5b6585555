package catalog

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// PostgreSQL takes no NUL and nothing but UTF-8 in a text (https://www.postgresql.org/docs/current/datatype-character.html),
// and no entry of more than 2,704 bytes in an index (a third of a page,
// https://www.postgresql.org/docs/current/btree.html). A text of ours may be any bytes: an
// identifier is what an expression makes of what a person wrote.
//
// So what it does not take is escaped, with mark; and a key that is too long for an index is kept
// in a table of its own, under its digest, which stands where the key would. Both are one to one,
// so equal texts are equal there, and what is read is what was written.

// mark begins what stands for something else. It is itself escaped, so nothing else begins with it.
const mark = '\x01'

// longKey is how long a key may be: no index of ours holds more than two texts.
const longKey = 1000

// longKeys are the keys too long for an index. They are written on their own, before what
// needs them: a reader that meets a digest finds its key, whatever became of that transaction. They
// are not dropped: they are few, and another process may be about to write one.
type longKeys struct{ db *sql.DB }

const longKeyTable = `
CREATE TABLE longkey (
	digest TEXT COLLATE "C" PRIMARY KEY,
	text   TEXT COLLATE "C" NOT NULL
);`

func (l longKeys) argument(ctx context.Context, text string, keep bool) (string, error) {
	text = escape(text)
	if len(text) <= longKey {
		return text, nil
	}
	sum := sha256.Sum256([]byte(text))
	digest := string(mark) + "L" + hex.EncodeToString(sum[:])
	if !keep {
		return digest, nil
	}
	_, err := l.db.ExecContext(ctx, `INSERT INTO longkey (digest, text) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING`, digest, text)
	return digest, err
}

// text is what was written, of what is in a column.
func (l longKeys) text(ctx context.Context, column string) (string, error) {
	if strings.IndexByte(column, mark) < 0 {
		return column, nil
	}
	if strings.HasPrefix(column, string(mark)+"L") {
		if err := l.db.QueryRowContext(ctx, `SELECT text FROM longkey WHERE digest = $1`, column).Scan(&column); err != nil {
			return "", err
		}
	}
	return unescape(column)
}

func (l longKeys) close() error { return l.db.Close() }

func escape(text string) string {
	if strings.IndexByte(text, mark) < 0 && strings.IndexByte(text, 0) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRuneInString(text)
		if r == 0 || r == mark || r == utf8.RuneError && n == 1 {
			b.WriteByte(mark)
			b.WriteString(hex.EncodeToString([]byte{text[0]}))
		} else {
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

func unescape(text string) (string, error) {
	var b strings.Builder
	for {
		before, after, escaped := strings.Cut(text, string(mark))
		b.WriteString(before)
		if !escaped {
			return b.String(), nil
		}
		if len(after) < 2 {
			return "", errors.New("a text in the database is cut off")
		}
		c, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", err
		}
		b.WriteByte(byte(c))
		text = after[2:]
	}
}
