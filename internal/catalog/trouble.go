package catalog

import (
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// explain puts before an error of the database what a person can do about it.
func explain(err error) error {
	if advice := advise(err); advice != "" {
		return fmt.Errorf("%s: %w", advice, err)
	}
	return err
}

func advise(err error) string {
	if trouble, ok := errors.AsType[*sqlite.Error](err); ok {
		return fileAdvices[trouble.Code()&0xff]
	}
	if trouble, ok := errors.AsType[*pgconn.PgError](err); ok {
		if advice := serverAdvices[trouble.Code]; advice != "" {
			return advice
		}
		return serverAdvices[trouble.Code[:min(2, len(trouble.Code))]]
	}
	if unreachable(err) {
		return "the database of FERRY_DATABASE_URL does not answer: check that it is up, and that its host and port can be reached from here"
	}
	return ""
}

// unreachable says that a server did not answer, or a connection to it broke.
func unreachable(err error) bool {
	_, connecting := errors.AsType[*pgconn.ConnectError](err)
	_, network := errors.AsType[*net.OpError](err)
	return connecting || network || pgconn.Timeout(err) || errors.Is(err, pgconn.ErrConnClosed)
}

// answered says that err is the server's answer.
func answered(err error) bool {
	_, ok := errors.AsType[*pgconn.PgError](err)
	return ok
}

// inTheWay says that others hold rows that a transaction needs.
func inTheWay(err error) bool {
	trouble, ok := errors.AsType[*pgconn.PgError](err)
	return ok && trouble.Code == "55P03" || deadlocked(err)
}

// deadlocked says that a transaction and another waited for each other, and this one was ended.
func deadlocked(err error) bool {
	trouble, ok := errors.AsType[*pgconn.PgError](err)
	return ok && trouble.Code == "40P01"
}

// hopeless says that asking again cannot help until a person has done something.
func hopeless(err error) bool {
	if _, other := errors.AsType[otherSchema](err); other || errors.Is(err, errEncoding) || errors.Is(err, errPooler) {
		return true
	}
	trouble, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch trouble.Code {
	case "28P01", "28000", "3D000", "3F000", "42501", "26000", "42P05", "08P01":
		return true
	}
	return false
}

// fileAdvices go by SQLite's primary result codes, https://sqlite.org/rescode.html.
var fileAdvices = map[int]string{
	sqlite3.SQLITE_FULL:     "the disk of the data directory is full: make room, and the work goes on",
	sqlite3.SQLITE_IOERR:    "the disk of the data directory cannot be read or written: check it, or use another FERRY_DATA_DIR",
	sqlite3.SQLITE_CANTOPEN: "the catalogue's files cannot be opened: check that the data directory is there and may be written, or use another FERRY_DATA_DIR",
	sqlite3.SQLITE_READONLY: "the catalogue's files may not be written: check who owns the data directory, or use another FERRY_DATA_DIR",
	sqlite3.SQLITE_CORRUPT:  "the catalogue is damaged: stop, remove the data directory and start again, and everything is read from Jira anew",
	sqlite3.SQLITE_NOTADB:   "the catalogue's file is no database: remove the data directory or use another FERRY_DATA_DIR, and everything is read from Jira anew",
	sqlite3.SQLITE_BUSY:     "another program holds the catalogue's file: stop it, for instance a database browser",
}

// serverAdvices go by PostgreSQL's SQLSTATE, or the class that it begins with,
// https://www.postgresql.org/docs/current/errcodes-appendix.html.
var serverAdvices = map[string]string{
	"08":    "the connection to the database of FERRY_DATABASE_URL failed: check the network, and that the server is up",
	"08P01": "what answers at FERRY_DATABASE_URL does not take this session's parameters, as some poolers do not: name the database itself, or a pool in session mode",
	"25006": "the database of FERRY_DATABASE_URL is read-only, as a standby is: name the primary, or all servers with ?target_session_attrs=read-write",
	"26000": poolerAdvice,
	"28":    "the database does not accept the user or password of FERRY_DATABASE_URL: check both, and the server's pg_hba.conf",
	"3D000": "the database that FERRY_DATABASE_URL names is not there: create it, or name another",
	"3F000": "the schema in FERRY_DATABASE_URL's search_path is not there: create it, or leave search_path out",
	"42501": "the user of FERRY_DATABASE_URL may not do this: GRANT USAGE, CREATE ON SCHEMA to it, or name the owner of Ferry's tables",
	"42P05": poolerAdvice,
	"53":    "the database's server is short of something: see what, in its log",
	"53100": "the disk of the database's server is full: make room there, and the work goes on",
	"53200": "the database's server is out of memory: see what uses it there",
	"53300": "the database takes no more connections: end some, or raise its max_connections; a ferry needs up to nine",
	"55P03": "rows of the catalogue are held by another session: see pg_stat_activity for one that is idle in transaction",
	"57014": "the database took too long: see what slows it down, for instance in pg_stat_activity",
	"57P01": "the database's server ended the connection: it is being stopped, or somebody ended it",
	"57P03": "the database's server is starting or stopping: wait until it is up",
	"57P05": "the database's server ended the connection because nothing was heard from here",
	"58":    "the database's server has trouble with its disk: see its log",
	"XX":    "the database is damaged: see its server's log; Ferry's tables can be dropped, and everything is read from Jira anew",
}

const poolerAdvice = "a pooler that gives each transaction another session stands before the database: name the database itself in FERRY_DATABASE_URL, or a pool in session mode"
