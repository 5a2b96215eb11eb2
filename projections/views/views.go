// Package views is the database that the read models live in: one SQLite file that can be rebuilt from the log at any
// time. It knows how a write transaction begins and ends, how tables are made generation by generation, and what all
// projections share: short ids, checkpoints, positions. It knows no event and no projection.
//
// Rows come in from the projections, through one write transaction at a time ([DB.Update]). They go out to the queries,
// which open the file for themselves and read the views named in docs/schema.md.
//
// # What a loss of power does
//
// The file is written with a write-ahead log and synchronous=NORMAL: a commit is not followed by an fsync, so the last
// commits may be missing after a loss of power, but never a part of one. As a projection's checkpoint moves in the
// transaction of its rows, such a loss only takes the projection back to an earlier revision, from where it goes on.
package views

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // the driver named "sqlite", for reading; batch.go opens the connection that writes

	"github.com/daybook-ledger/daybook/internal/walkeeper"
)

// DB is an open views database. Its methods are safe for concurrent use.
type DB struct {
	path   string
	pool   *sqlx.DB // of one connection, which writer holds
	writer *sqlx.Conn
	reader *sqlx.DB
	// keeper copies the write-ahead log into the file; whoever has the turn owns it.
	keeper *walkeeper.Keeper
	// turn holds a token while nobody writes, so that write transactions of this process queue up fairly.
	turn chan struct{}
	// batch is what the writer writes; whoever has the turn owns it.
	batch batch
	// prepared has the writer's statements by their text; whoever has the turn owns it.
	prepared map[string]*sqlx.Stmt
}

// Settings of the connections. Another process that writes is waited for in [DB.Update], not by SQLite's own handler,
// whose pauses grow until a busy neighbour is never met at rest.
const (
	writerBusyMillis = "1"
	readerBusyMillis = "5000"
	readersOpenMax   = 4
	pageBytes        = "8192"
	writerCacheKiB   = "-131072"
	// keptPages is how much of the write-ahead log starts a pass of the keeper: 8 MiB. To sync 64 MiB takes the disk 50 ms,
	// for which the event store's commits wait too.
	keptPages = 1024
	// keptPagesMost is where SQLite copies the log in a commit, when the keeper could not keep up: 128 MiB.
	keptPagesMost = "16384"
)

// Open opens the views database in the SQLite file at path, makes the file where there is none, and brings the tables
// that all projections share up to date.
func Open(ctx context.Context, path string) (*DB, error) {
	db := &DB{path: path, turn: make(chan struct{}, 1), prepared: make(map[string]*sqlx.Stmt)}
	if err := db.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the views database %s: %w", path, err), db.release())
	}
	db.turn <- struct{}{}
	return db, nil
}

func (db *DB) open(ctx context.Context) error {
	pool, err := db.batch.pool(source(db.path, url.Values{
		"_pragma": {
			"busy_timeout(" + writerBusyMillis + ")", "page_size(" + pageBytes + ")", "synchronous(NORMAL)",
			"cache_size(" + writerCacheKiB + ")", "temp_store(MEMORY)", "wal_autocheckpoint(" + keptPagesMost + ")",
		},
		"_journal_mode": {"WAL"}, // which the driver sets after the others, as the page size needs
	}))
	if err != nil {
		return fmt.Errorf("for writing: %w", err)
	}
	db.pool = sqlx.NewDb(pool, "sqlite")
	db.pool.SetMaxOpenConns(1)
	if err := migrate(ctx, db.pool.DB); err != nil {
		return err
	}
	if db.writer, err = db.pool.Connx(ctx); err != nil {
		return fmt.Errorf("for writing: %w", err)
	}
	if err := db.control("CREATE VIRTUAL TABLE " + batchTable + " USING batch"); err != nil {
		return err
	}
	db.reader, err = sqlx.Open("sqlite", source(db.path, url.Values{"_pragma": {
		"busy_timeout(" + readerBusyMillis + ")", "query_only(1)",
	}}))
	if err != nil {
		return fmt.Errorf("for reading: %w", err)
	}
	db.reader.SetMaxOpenConns(readersOpenMax)
	copier, err := sqlx.Open("sqlite", source(db.path, url.Values{"_pragma": {"busy_timeout(" + readerBusyMillis + ")"}}))
	if err != nil {
		return fmt.Errorf("for copying the write-ahead log: %w", err)
	}
	db.keeper = walkeeper.New(copier, keptPages)
	return nil
}

func source(path string, settings url.Values) string {
	return (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: settings.Encode()}).String()
}

// Path is the file's.
func (db *DB) Path() string { return db.path }

// Reader gives connections that cannot write. A transaction of one sees one state of all read models.
func (db *DB) Reader() *sqlx.DB { return db.reader }

// Close waits for a write transaction under way and ends all connections.
func (db *DB) Close() error {
	<-db.turn
	if err := db.release(); err != nil {
		return fmt.Errorf("close the views database %s: %w", db.path, err)
	}
	return nil
}

func (db *DB) release() error {
	var errs []error
	if db.keeper != nil {
		errs = append(errs, db.keeper.Close())
	}
	for _, stmt := range db.prepared {
		errs = append(errs, stmt.Close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.Close())
	}
	for _, pool := range []*sqlx.DB{db.reader, db.pool} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// busyPause is how long an attempt to write waits when another process is writing.
const busyPause = time.Millisecond
