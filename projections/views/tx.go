package views

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"
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
	// defined says that it has changed the schema.
	defined bool
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
	if err := db.backend.begin(ctx); err != nil {
		return err
	}
	committed := false
	defer func() { // by defer, so that a panic in work does not leave the transaction open
		if !committed {
			err = errors.Join(err, db.backend.rollback())
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
	if err := db.backend.commit(tx); err != nil {
		return err
	}
	committed = true
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
	tx.defined = true
	for _, text := range texts {
		if _, err := tx.db.writer.ExecContext(context.Background(), text); err != nil {
			return fmt.Errorf("%s: %w", brief(text), err)
		}
	}
	return nil
}

// Largest is the largest number in a column that an index begins with, or 0. Written with max, PostgreSQL may read a whole table.
func (tx *Tx) Largest(table, column string) (int64, error) {
	if err := tx.wait(); err != nil {
		return 0, err
	}
	return tx.largest(table, column)
}

func (tx *Tx) largest(table, column string) (last int64, err error) {
	text := "SELECT " + column + " FROM " + table + " ORDER BY " + column + " DESC LIMIT 1"
	err = tx.query(text, nil, func(rows *sqlx.Rows) error { return rows.Scan(&last) })
	return last, err
}

// Query runs a query that is prepared once and kept, and gives each row to scan.
func (tx *Tx) Query(text string, args []any, scan func(rows *sqlx.Rows) error) error {
	if err := tx.wait(); err != nil {
		return err
	}
	return tx.query(text, args, scan)
}

func (tx *Tx) query(text string, args []any, scan func(rows *sqlx.Rows) error) error {
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
	stmt, err := tx.db.writer.PreparexContext(context.Background(), tx.db.backend.says().bind(text))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", brief(text), err)
	}
	tx.db.prepared[text] = stmt
	return stmt, nil
}

// unprepare forgets the prepared statements, some of which are about tables that are gone.
func (db *DB) unprepare() {
	for text, stmt := range db.prepared {
		_ = stmt.Close() // it is not in use, and can be of no use any more
		delete(db.prepared, text)
	}
	db.backend.forget()
}

func brief(text string) string {
	const bytesShown = 80
	if len(text) > bytesShown {
		return text[:bytesShown] + "…"
	}
	return text
}
