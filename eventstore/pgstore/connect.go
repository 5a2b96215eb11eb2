package pgstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/postgres"
)

const (
	// defaultConns is how many connections a process has, where the URL does not say pool_max_conns: one listens, a quarter
	// of them reads, the others append.
	defaultConns = 16
	minConns     = 4
	// oldest is the first version of the server that has all that the tables are made with.
	oldest = 13
	// patience is how much longer than the database this process waits for a statement.
	patience = 5 * time.Second
)

// connections are the settings of a store's connections.
type connections struct {
	name           string // of the database, for people; without the password
	appends, reads *pgxpool.Config
	listen         *pgx.ConnConfig
}

// CheckURL refuses what cannot be the URL of an event store, without connecting. Its error never holds a password.
func CheckURL(address string) error {
	_, err := parse(address)
	return err
}

// parse reads a URL. It keeps what stands in it to itself where it is not one.
func parse(address string) (*connections, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return nil, errors.New("the event store's address: want a URL such as postgres://user@host:5432/database")
	}
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("the event store's address %s: %w", u.Redacted(), err)
	}
	conn := config.ConnConfig
	c := &connections{
		name: fmt.Sprintf("postgres://%s/%s", net.JoinHostPort(conn.Host, strconv.Itoa(int(conn.Port))), conn.Database),
	}
	query := u.Query()
	if !query.Has("pool_max_conns") {
		config.MaxConns = defaultConns
	}
	if config.MaxConns < minConns {
		return nil, fmt.Errorf("the event store %s: pool_max_conns is %d, want at least %d: one connection listens, "+
			"others read, others append", c.name, config.MaxConns, minConns)
	}
	if err := postgres.BoundSilence(&conn.Config); err != nil {
		return nil, fmt.Errorf("the event store's address %s: %w", u.Redacted(), err)
	}
	if !query.Has("pool_ping_timeout") {
		config.PingTimeout = conn.ConnectTimeout
	}
	if _, said := conn.RuntimeParams["application_name"]; !said {
		conn.RuntimeParams["application_name"] = "daybook"
	}
	conn.ValidateConnect = fit(conn.ValidateConnect)
	c.listen = conn.Copy()
	c.appends, c.reads = config, config.Copy()
	c.reads.MaxConns = config.MaxConns / 4
	c.appends.MaxConns -= c.reads.MaxConns + 1
	for _, pool := range []*pgxpool.Config{c.appends, c.reads} {
		pool.MinConns = min(pool.MinConns, pool.MaxConns)
	}
	return c, nil
}

// fit refuses a connection to a server that the log cannot be read from, and gives others what correctness rests on, whatever
// the database's or the role's defaults are: statements that see what was committed before them, and that end. Where the
// address names several servers the next one is tried. What it demands itself (target_session_attrs) is asked after that.
func fit(demanded pgconn.ValidateConnectFunc) pgconn.ValidateConnectFunc {
	return func(ctx context.Context, conn *pgconn.PgConn) error {
		results, err := conn.Exec(ctx, `SELECT pg_is_in_recovery(), current_setting('server_version_num'), current_setting('server_version'),
			set_config('default_transaction_isolation', 'read committed', false),
			CASE current_setting('statement_timeout') WHEN '0' THEN set_config('statement_timeout', '30s', false) END`).ReadAll()
		if err != nil {
			return fmt.Errorf("prepare the connection: %w", err)
		}
		answer := results[0].Rows[0]
		if version, err := strconv.Atoi(string(answer[1])); err != nil || version < oldest*10000 {
			return fmt.Errorf("it is PostgreSQL %s, want %d or later", answer[2], oldest)
		}
		if string(answer[0]) == "t" {
			return errors.New("it is a standby, which does not know what is on its way: want the primary")
		}
		if demanded != nil {
			return demanded(ctx, conn)
		}
		return nil
	}
}

// distrust has all connections made anew, where an error says that one is gone: most likely they all are, and each would
// fail somebody who could do with a new one.
func (s *Store) distrust(err error) {
	if lost(err) {
		s.appends.Reset()
		s.reads.Reset()
	}
}

// connect makes the pools, and sees that there is an event store behind them when its tables were prepared.
func (s *Store) connect(
	ctx context.Context, c *connections, prepare func(context.Context, *pgx.Conn) error,
) (err error) {
	if s.appends, err = pgxpool.NewWithConfig(s.life, c.appends); err != nil {
		return fmt.Errorf("make the connections: %w", err)
	}
	if s.reads, err = pgxpool.NewWithConfig(s.life, c.reads); err != nil {
		return fmt.Errorf("make the connections: %w", err)
	}
	conn, err := s.appends.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("%w: connect: %w", eventstore.ErrUnavailable, err)
	}
	defer conn.Release()
	if err := prepare(ctx, conn.Conn()); err != nil {
		return err
	}
	return s.inspect(ctx, conn.Conn())
}

// inspect learns what there is to know of the database, and refuses one whose log would be read wrongly.
func (s *Store) inspect(ctx context.Context, conn *pgx.Conn) error {
	var timeout, last, given int64
	var syncs bool
	err := conn.QueryRow(ctx, `SELECT i.id::text, current_setting('fsync')::bool,
			(SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'),
			(SELECT coalesce(max(position), 0) FROM eventstore.appends), eventstore.given()
		FROM eventstore.identity i`).Scan(&s.id, &syncs, &timeout, &last, &given)
	if err != nil {
		return fmt.Errorf("look at the event store: %w", classify(err))
	}
	if last > given {
		return fmt.Errorf("%w: the log reaches position %d, and the sequence that gives positions %d: it was not copied with "+
			"the table. Set it with SELECT setval('eventstore.positions', %d)", eventstore.ErrCorrupt, last, given, last)
	}
	if !syncs {
		s.log.Log(ctx, slog.LevelWarn, "the database runs with fsync = off: what is acknowledged is lost when its machine fails")
	}
	s.limit = time.Duration(timeout)*time.Millisecond + patience
	return nil
}
