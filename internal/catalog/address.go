package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// parseAddress reads FERRY_DATABASE_URL. What is wrong with it is told without any of its text: a
// password that is not quoted as it should be may be anywhere in it.
func parseAddress(text string) (*pgx.ConnConfig, error) {
	const form = "it looks like postgres://user:password@host:5432/database"
	scheme, rest, _ := strings.Cut(text, "://")
	if scheme != "postgres" && scheme != "postgresql" {
		return nil, errors.New("FERRY_DATABASE_URL is no address of a PostgreSQL database: " + form)
	}
	u, err := url.Parse(text)
	if err != nil || ambiguous(rest, u.User != nil) {
		return nil, errors.New("FERRY_DATABASE_URL cannot be read: " + form +
			", and of the password's characters @ : / ? # % and spaces are written as %40 %3A %2F %3F %23 %25 and %20")
	}
	config, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("FERRY_DATABASE_URL is not as it should be: %s; %s", reasonAlone(err), form)
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	config.DialFunc = dialer(config.ConnectTimeout).DialContext
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "ferry"
	}
	return config, nil
}

// ambiguous says that what is behind :// may be read in more than one way: then a part of the
// password would be taken for the host, and be told in errors.
func ambiguous(rest string, user bool) bool {
	authority, after, _ := strings.Cut(rest, "/")
	switch {
	case strings.Count(authority, "@") > 1:
		return true
	case strings.ContainsAny(authority, "?#"):
		return strings.Contains(rest, "@")
	}
	return !user && strings.Contains(after, "@")
}

// reasonAlone is what pgx has to say of an address, without the address.
func reasonAlone(err error) string {
	if wrong, ok := errors.AsType[*pgconn.ParseConfigError](err); ok && wrong.Unwrap() == nil {
		text := err.Error() // cannot parse `...`: reason
		return text[strings.LastIndex(text, "`: ")+len("`: "):]
	}
	return "one of the parameters after ? has a value that it cannot have, or names a file that cannot be read"
}

// quiet is for how long a connection may be without any sign of the other side before it is given
// up. Within that time both sides notice that the network between them is gone.
const quiet = 10 * time.Second

func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{
		Timeout:         timeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: quiet / 2, Interval: quiet / 5, Count: 3},
		// Keep-alives are not sent while something that was sent is not acknowledged.
		Control: func(network, _ string, c syscall.RawConn) error { return limitUnacknowledged(network, c, quiet) },
	}
}

// settings are parameters of a session, https://www.postgresql.org/docs/current/runtime-config-client.html.
// They are set once it is there: a pooler does not let them through as it is opened.
type settings map[string]string

// Each statement of ours has its index. A plan that is made while the tables are empty would read
// the whole of them, and is kept when they have grown: hence enable_seqscan.
var (
	// The leader asks something every second; if it is silent for longer, its process stands still
	// or the network is gone, and another may lead.
	leadingSettings = settings{
		"lock_timeout": "20s", "statement_timeout": "10min", "enable_seqscan": "off",
		"idle_in_transaction_session_timeout": "30s", "idle_session_timeout": "15s",
	}
	// Who receives gives way long before deadlock_timeout, a second, so that the server never has to
	// choose which of two ends whose rows wait for each other: it could be the leader. Jira waits
	// meanwhile, and so do all who come after it.
	receivingSettings = settings{
		"lock_timeout": "100ms", "statement_timeout": "10s", "enable_seqscan": "off",
		"idle_in_transaction_session_timeout": "5s",
	}
	readingSettings = settings{"statement_timeout": "5min", "enable_seqscan": "off"}
)

// everySession: as [quiet], for the server's side.
var everySession = settings{
	"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3", "tcp_user_timeout": "10000",
}

// pool opens connections with these settings.
func (p *postgres) pool(s settings) *sql.DB {
	return stdlib.OpenDB(*p.address, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		if encoding := c.PgConn().ParameterStatus("server_encoding"); encoding != "" && encoding != "UTF8" { // a pooler may not say
			return errEncoding
		}
		return configure(ctx, c, everySession, s)
	}))
}

var errEncoding = errors.New("the database of FERRY_DATABASE_URL does not keep texts as UTF-8: make one WITH ENCODING 'UTF8' TEMPLATE template0")

// configure sets what this version of the server knows.
func configure(ctx context.Context, c *pgx.Conn, all ...settings) error {
	var names, values []string
	for _, s := range all {
		for name, value := range s {
			names, values = append(names, name), append(values, value)
		}
	}
	_, err := c.Exec(ctx, `SELECT set_config(s.name, w.value, false) FROM unnest($1::text[], $2::text[]) AS w (name, value)
		JOIN pg_settings AS s ON s.name = w.name`, names, values)
	return err
}
