package views

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Tx is a write transaction: the only one at its time, in this process and in others.
//
// Its statements do not heed the end of a context. A transaction is short and does no I/O but its own; ending it half-way
// would only make work to be done again, and watching a context costs a goroutine a statement.
type Tx struct {
	db *DB
	// pending tells how a write ended that a [Buffer] has started; nil where there is none. While it lasts nothing else is
	// done on the connection: all other work waits for it first.
	pending chan error
}

// ErrClosed means that the database was closed.
var ErrClosed = errors.New("the views database is closed")

// Update runs work in a write transaction and commits when it returns nil. Whatever fails, the commit included, leaves
// the database as it was. It waits for other writers until ctx ends.
func (db *DB) Update(ctx context.Context, work func(tx *Tx) error) (err error) {
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait to write: %w", ctx.Err())
	case <-db.turn:
	}
	defer func() { db.turn <- struct{}{} }()
	if err := db.begin(ctx); err != nil {
		return err
	}
	committed := false
	defer func() { // by defer, so that a panic in work does not leave the transaction open
		if !committed {
			err = errors.Join(err, db.control("ROLLBACK"))
		}
	}()
	tx := &Tx{db: db}
	defer func() { err = errors.Join(err, tx.wait()) }() // before the one above
	if err := work(tx); err != nil {
		return err
	}
	if err := tx.wait(); err != nil {
		return err
	}
	if err := db.control("COMMIT"); err != nil {
		return err
	}
	committed = true
	// What fails here has changed nothing, and will be heard of by the next who writes.
	_ = db.keeper.Committed(db.writer)
	return nil
}

// start runs a write while the caller goes on.
func (tx *Tx) start(write func() error) error {
	if err := tx.wait(); err != nil {
		return err
	}
	pending := make(chan error, 1)
	tx.pending = pending
	go func() { pending <- write() }()
	return nil
}

// wait waits until the write that was started has ended, and tells how.
func (tx *Tx) wait() error {
	if tx.pending == nil {
		return nil
	}
	err := <-tx.pending
	tx.pending = nil
	return err
}

func (db *DB) begin(ctx context.Context) error {
	for {
		err := db.control("BEGIN IMMEDIATE")
		if err == nil || !isBusy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for another process that writes: %w", ctx.Err())
		case <-time.After(busyPause):
		}
	}
}

func (db *DB) control(statement string) error {
	if _, err := db.writer.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// Exec runs a statement, written with "?" for its arguments, and tells how many rows it changed. The statement is
// prepared once and kept: its text must be one of few.
func (tx *Tx) Exec(text string, args ...any) (int64, error) {
	if err := tx.wait(); err != nil {
		return 0, err
	}
	return tx.exec(text, args...)
}

func (tx *Tx) exec(text string, args ...any) (int64, error) {
	stmt, err := tx.prepare(text) //nolint:sqlclosecheck // it is kept, and closed with the database
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", brief(text), err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", brief(text), err)
	}
	return changed, nil
}

// Define runs statements that change the schema; they are not kept prepared.
func (tx *Tx) Define(texts ...string) error {
	if err := tx.wait(); err != nil {
		return err
	}
	for _, text := range texts {
		if _, err := tx.db.writer.ExecContext(context.Background(), text); err != nil {
			return fmt.Errorf("%s: %w", brief(text), err)
		}
	}
	return nil
}

// Query runs a query that is prepared once and kept, and gives each row to scan.
func (tx *Tx) Query(text string, args []any, scan func(rows *sqlx.Rows) error) error {
	if err := tx.wait(); err != nil {
		return err
	}
	stmt, err := tx.prepare(text) //nolint:sqlclosecheck // it is kept, and closed with the database
	if err != nil {
		return err
	}
	rows, err := stmt.QueryxContext(context.Background(), args...)
	if err != nil {
		return fmt.Errorf("%s: %w", brief(text), err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return fmt.Errorf("%s: %w", brief(text), err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", brief(text), err)
	}
	return nil
}

// prepare gives a statement that is kept: unprepare closes it, or the end of the connection.
func (tx *Tx) prepare(text string) (*sqlx.Stmt, error) {
	if stmt, found := tx.db.prepared[text]; found {
		return stmt, nil
	}
	stmt, err := tx.db.writer.PreparexContext(context.Background(), text)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", brief(text), err)
	}
	tx.db.prepared[text] = stmt
	return stmt, nil
}

// unprepare forgets the prepared statements, some of which are about tables that are gone.
func (tx *Tx) unprepare() {
	for text, stmt := range tx.db.prepared {
		_ = stmt.Close() // it is not in use, and can be of no use any more
		delete(tx.db.prepared, text)
	}
}

func brief(text string) string {
	const bytesShown = 80
	if len(text) > bytesShown {
		return text[:bytesShown] + "…"
	}
	return text
}

func isBusy(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code()&primaryCode == sqlite3.SQLITE_BUSY
}

// IsFault tells whether an error is the database's own (disk full, file locked, out of memory), so that the same work
// may succeed later, rather than one of what was asked of it.
func IsFault(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code() & primaryCode {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT:
		return true
	default:
		return false
	}
}

// primaryCode masks the part of SQLite's extended result codes that is the code itself.
const primaryCode = 0xff
