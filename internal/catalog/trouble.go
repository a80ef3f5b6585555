package catalog

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// explain puts before an error of the database what a person can do about it.
func explain(err error) error {
	trouble, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	if advice := advices[trouble.Code()&0xff]; advice != "" {
		return fmt.Errorf("%s: %w", advice, err)
	}
	return err
}

// advices go by SQLite's primary result codes, https://sqlite.org/rescode.html.
var advices = map[int]string{
	sqlite3.SQLITE_FULL:     "the disk of the data directory is full: make room, and the work goes on",
	sqlite3.SQLITE_IOERR:    "the disk of the data directory cannot be read or written: check it, or use another FERRY_DATA_DIR",
	sqlite3.SQLITE_CANTOPEN: "the catalogue's files cannot be opened: check that the data directory is there and may be written, or use another FERRY_DATA_DIR",
	sqlite3.SQLITE_READONLY: "the catalogue's files may not be written: check who owns the data directory, or use another FERRY_DATA_DIR",
	sqlite3.SQLITE_CORRUPT:  "the catalogue is damaged: stop, remove the data directory and start again, and everything is read from Jira anew",
	sqlite3.SQLITE_NOTADB:   "the catalogue's file is no database: remove the data directory or use another FERRY_DATA_DIR, and everything is read from Jira anew",
	sqlite3.SQLITE_BUSY:     "another program holds the catalogue's file: stop it, for instance a database browser",
}
