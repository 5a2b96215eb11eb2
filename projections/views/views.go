// Package views is the database that the read models live in, which can be rebuilt from the log at any time: an SQLite file,
// or a PostgreSQL database. It knows how a write transaction begins and ends, how tables are made generation by generation,
// and what all projections share: short ids, checkpoints, positions. It knows no event and no projection.
//
// Rows come in from the projections, through one write transaction at a time ([DB.Update]). They go out to the queries,
// which open the database for themselves and read the views named in docs/schema.md.
//
// What the two databases do not have in common is behind one interface (backend.go): sqlite*.go and postgres*.go say the same
// things in the same order. Statements are written once, with "?" for their arguments, and mean the same to both.
//
// # What a loss of power does
//
// A commit is not followed by an fsync (synchronous=NORMAL with a write-ahead log, synchronous_commit=off), so the last
// commits may be missing after a loss of power, but never a part of one. As a projection's checkpoint moves in the
// transaction of its rows, such a loss only takes the projection back to an earlier revision, from where it goes on. A
// server may lose them while those who write to it go on: see [Tx.Session].
package views

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/postgres"
)

// DB is an open views database. Its methods are safe for concurrent use.
type DB struct {
	place   string
	backend backend
	// writer is the connection that writes; nil while there is none. Whoever has the turn owns it.
	writer *sqlx.Conn
	// session counts the connections that have written; whoever has the turn owns it. See [Tx.Session].
	session uint64
	reader  *sqlx.DB
	// turn holds a token while nobody writes, so that write transactions of this process queue up fairly.
	turn chan struct{}
	// prepared has the writer's statements by their text; whoever has the turn owns it.
	prepared map[string]*sqlx.Stmt
}

// readersOpenMax is how many connections read at once.
const readersOpenMax = 4

// Open opens the views database at a place: the path of an SQLite file, which is made where there is none, or the URL of a
// PostgreSQL database (postgres://…), in which a schema is made. The tables that all projections share are brought up to date:
// those of a file now, and those of a server, which need not be there yet, by the first [DB.Update].
func Open(ctx context.Context, place string) (*DB, error) {
	db := &DB{place: place, turn: make(chan struct{}, 1), prepared: make(map[string]*sqlx.Stmt)}
	if postgres.IsURL(place) {
		db.backend = &postgreSQL{db: db}
	} else {
		db.backend = &sqliteFile{db: db}
	}
	if err := db.backend.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the views database %s: %w", postgres.Redacted(place), err), db.release())
	}
	db.turn <- struct{}{}
	return db, nil
}

// Place is what the database was opened by: a path or a URL.
func (db *DB) Place() string { return db.place }

// Reader gives connections that cannot write. Their statements take what [sqlx.DB.Rebind] makes of "?".
func (db *DB) Reader() *sqlx.DB { return db.reader }

// View begins a transaction that cannot write, in which all statements see one state of all read models. Roll it back.
func (db *DB) View(ctx context.Context) (*sqlx.Tx, error) {
	tx, err := db.backend.says().view(ctx, db.reader)
	if err != nil {
		return nil, fmt.Errorf("begin to read the views: %w", err)
	}
	return tx, nil
}

// Close waits for a write transaction under way and ends all connections.
func (db *DB) Close() error {
	<-db.turn
	if err := db.release(); err != nil {
		return fmt.Errorf("close the views database %s: %w", postgres.Redacted(db.place), err)
	}
	return nil
}

func (db *DB) release() error {
	errs := []error{db.backend.close()}
	for _, stmt := range db.prepared {
		errs = append(errs, stmt.Close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.Close())
	}
	if db.reader != nil {
		errs = append(errs, db.reader.Close())
	}
	return errors.Join(errs...)
}
