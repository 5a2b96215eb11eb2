package views

import (
	"context"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/postgres"
)

// backend is what a database has of its own. Its methods are for the one who has the turn, but for says and reserve.
type backend interface {
	// open makes the connections of its DB. By the first transaction the tables are up to date that all projections share.
	open(ctx context.Context) error
	// begin begins a write transaction, on another connection if that which writes is lost. While it lasts nobody else
	// begins one, in this process and in others; it waits for theirs until ctx ends.
	begin(ctx context.Context) error
	// commit ends the transaction. Where it fails nothing has changed, or nobody knows.
	commit(tx *Tx) error
	// rollback ends the transaction with nothing changed.
	rollback() error
	// write writes the rows of a bulk, and tells how many were written, changed or deleted.
	write(tx *Tx, bulk *Bulk, values []any) (int64, error)
	// says is how it is talked to. That never changes.
	says() *dialect
	// swap makes sure that no reader has seen a part of what is live when something else becomes live: see [Tx.GoLive].
	swap(tx *Tx) error
	// forget drops what it remembers of tables, of which some are gone.
	forget()
	// reserve is [DB.ReserveBuilding].
	reserve(ctx context.Context) (release func() error, err error)
	close() error
}

// dialect is what is said to a database in another way than to the other.
type dialect struct {
	// bind writes the placeholders of a statement, "?", as the database has them.
	bind func(text string) string
	// view begins a transaction that cannot write, whose statements all see one state.
	view func(ctx context.Context, db postgres.Beginner) (*sqlx.Tx, error)
	// define writes the definition of a table as the database has it: it is given as SQLite has it.
	define *strings.Replacer
	// measure begins the statement that has the planner look at a table that was filled; empty where there is none.
	measure string
}

// IsFault tells whether an error is the database's own (disk full, file locked, out of memory, not to be reached), so that the
// same work may succeed later, rather than one of what was asked of it.
func IsFault(err error) bool { return isFileFault(err) || postgres.IsFault(err) }
