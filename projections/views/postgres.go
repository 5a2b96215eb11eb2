package views

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"github.com/daybook-ledger/daybook/internal/postgres"
)

// postgreSQL is a views database in a PostgreSQL.
type postgreSQL struct {
	db   *DB
	pool *sqlx.DB // for writing: the writer, and those who reserve
	// migrated says that the shared tables are up to date.
	migrated bool
	// plans are how bulks are written, by their text.
	plans map[string]*plan
	// largest are the numbers of the last rows of tables that number them, as far as the transaction has asked.
	largest map[string]int64
	// sizes are those of tables that it writes to, grown the tables that the transaction has made much larger.
	sizes map[string]*size
	grown []string
	// shut says that the transaction keeps readers out.
	shut bool
}

// The advisory locks of a views database. Each is the only one of its kind in a PostgreSQL database.
const (
	lockMigrating = 0x76696577_73000001 + iota // "views" and a number
	lockWriting
	lockBuilding
)

// writing are the settings of connections that write, and of those that hold a lock meanwhile, whatever the database's are.
var writing = postgres.Settings{ //nolint:gochecknoglobals // a constant table
	"synchronous_commit": "off", // a commit that is lost with the server is made again: see the package's comment
	// It takes but a moment to measure a table so. There are few indexes to choose from.
	"default_statistics_target": "10",
	// To make an index, and to wait for another process, take as long as they take.
	"statement_timeout": "0", "lock_timeout": "0", "idle_session_timeout": "0",
	// Whoever is suspended within a transaction, as a container may be, answers for its connection still. Nobody else could write
	// until it goes on.
	"idle_in_transaction_session_timeout": "30s",
}

// reading are the settings of connections that read.
var reading = postgres.Settings{"default_transaction_read_only": "on"} //nolint:gochecknoglobals // a constant table

func (p *postgreSQL) open(context.Context) (err error) {
	p.forget()
	if p.pool, err = postgres.Open(p.db.place, writing); err != nil {
		return err
	}
	if p.db.reader, err = postgres.Open(p.db.place, reading); err != nil {
		return err
	}
	p.db.reader.SetMaxOpenConns(readersOpenMax)
	p.db.reader.SetMaxIdleConns(readersOpenMax)
	return nil
}

// migrate makes or upgrades the schema and the shared tables. Several processes may do so at once: one after the other.
func (p *postgreSQL) migrate(ctx context.Context) (err error) {
	pool, err := postgres.Open(p.db.place, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	conn, err := lock(ctx, pool, "pg_advisory_lock", lockMigrating)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var missing bool
	if err := conn.GetContext(ctx, &missing, `SELECT to_regnamespace($1) IS NULL`, postgres.Schema); err != nil {
		return fmt.Errorf("look for the schema: %w", err)
	}
	if missing { // "IF NOT EXISTS" would ask for the right to make one even where it is there
		if _, err := conn.ExecContext(ctx, `CREATE SCHEMA `+postgres.Schema); err != nil {
			return fmt.Errorf("make the schema: %w", err)
		}
	}
	return migrate(ctx, goose.DialectPostgres, &postgreSQLDialect, pool.DB)
}

// lock takes an advisory lock on a connection of its own, by one of PostgreSQL's functions. The lock ends with the connection,
// which its Close ends.
func lock(ctx context.Context, pool *sqlx.DB, function string, key int64) (*lockConn, error) {
	conn, err := pool.Connx(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	held := &lockConn{conn}
	var taken sql.NullBool // no function that waits tells anything
	err = conn.QueryRowxContext(ctx, `SELECT nullif(CAST(`+function+`($1) AS text), '') = 'true'`, key).Scan(&taken)
	if err == nil && taken.Valid && !taken.Bool {
		err = ErrRebuilding
	}
	if err != nil {
		return nil, errors.Join(err, held.Close())
	}
	return held, nil
}

// lockConn is a connection that is never used again once it is closed.
type lockConn struct{ *sqlx.Conn }

func (c *lockConn) Close() error {
	_ = c.Raw(func(any) error { return driver.ErrBadConn }) // by which the pool is told to close it
	if err := c.Conn.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}

// begin takes the lock that lets one process write at a time. It ends with the transaction.
func (p *postgreSQL) begin(ctx context.Context) error {
	p.largest, p.shut = make(map[string]int64), false
	p.lookAgain()
	if p.db.writer != nil && p.take(ctx) == nil {
		return nil
	}
	p.disconnect() // the server may have been restarted meanwhile
	if ctx.Err() != nil {
		return fmt.Errorf("wait for another process that writes: %w", ctx.Err())
	}
	if !p.migrated {
		if err := p.migrate(ctx); err != nil {
			return err
		}
		p.migrated = true
	}
	writer, err := p.pool.Connx(ctx)
	if err != nil {
		return fmt.Errorf("connect to write: %w", err)
	}
	p.db.writer = writer
	p.db.session++
	if err := p.take(ctx); err != nil {
		p.disconnect()
		return fmt.Errorf("wait for another process that writes: %w", err)
	}
	return nil
}

func (p *postgreSQL) take(ctx context.Context) error {
	_, err := p.db.writer.ExecContext(ctx, fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d)", int64(lockWriting)))
	return err
}

// disconnect gives up the connection that writes, with all that it knows.
func (p *postgreSQL) disconnect() {
	if p.db.writer == nil {
		return
	}
	p.db.unprepare()
	_ = (&lockConn{p.db.writer}).Close() // it is of no use, whatever becomes of it
	p.db.writer = nil
}

var errAborted = errors.New("a statement of the transaction has failed")

func (p *postgreSQL) commit(tx *Tx) error {
	statement := p.measure() + "COMMIT"
	if tx.defined { // nobody would make the tables again before the next start
		statement = "SET LOCAL synchronous_commit = on; " + statement
	}
	var done string
	err := p.raw(func(conn *pgconn.PgConn) error {
		tag, err := conn.Exec(context.Background(), statement).ReadAll()
		if err == nil && len(tag) > 0 {
			done = tag[len(tag)-1].CommandTag.String()
		}
		return err
	})
	if err == nil && done != "COMMIT" {
		err = errAborted // and PostgreSQL has rolled it back
	}
	if err != nil {
		return fmt.Errorf("COMMIT: %w", err)
	}
	return nil
}

func (p *postgreSQL) rollback() error {
	if _, err := p.db.writer.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		p.disconnect() // which rolls back as well
	}
	return nil
}

// raw gives the connection that writes to what PostgreSQL has and [sql] has not.
func (p *postgreSQL) raw(use func(*pgconn.PgConn) error) error {
	return p.db.writer.Raw(func(conn any) error { return use(postgres.Raw(conn)) })
}

var postgreSQLDialect = dialect{
	bind:    postgres.Bind,
	view:    postgres.BeginView,
	define:  strings.NewReplacer("INTEGER", "BIGINT", "TEXT", `TEXT COLLATE "C"`, " WITHOUT ROWID", ""),
	measure: "ANALYZE ",
}

func (p *postgreSQL) says() *dialect { return &postgreSQLDialect }

func (p *postgreSQL) forget() { p.plans, p.sizes = make(map[string]*plan), make(map[string]*size) }

func (p *postgreSQL) reserve(ctx context.Context) (release func() error, err error) {
	conn, err := lock(ctx, p.pool, "pg_try_advisory_lock", lockBuilding)
	if err != nil {
		return nil, err
	}
	return func() error {
		// The server notices some time later that a connection was closed, and whoever comes next is to find the lock free. If this
		// fails it ends with the connection.
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), unlockTimeout)
		defer cancel()
		_, _ = conn.ExecContext(ending, `SELECT pg_advisory_unlock($1)`, int64(lockBuilding))
		return conn.Close()
	}, nil
}

// unlockTimeout is how long a server may take to give a lock up, which it can do at once.
const unlockTimeout = 5 * time.Second

func (p *postgreSQL) close() error {
	p.disconnect()
	if p.pool == nil {
		return nil
	}
	return p.pool.Close()
}
