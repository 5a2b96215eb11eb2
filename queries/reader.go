package queries

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/jmoiron/sqlx"
)

// The projections, by the names under which they keep their checkpoints.
const (
	projectionLedgers      = "ledgers"
	projectionAccounts     = "accounts"
	projectionEntries      = "entries"
	projectionTransactions = "transactions"
	projectionHolds        = "holds"
	projectionPeriods      = "periods"
	projectionAssertions   = "assertions"
)

// reader reads the views. It keeps its statements prepared: their texts are few. They limit rows by "? + 0", because
// SQLite prepares a statement anew for each value of a limit that is a plain parameter.
//
// Statements do not watch the end of a context, which costs a goroutine each; what reads many rows looks at it itself.
type reader struct {
	*dialect

	db *sqlx.DB

	mu       sync.RWMutex
	prepared map[string]*sqlx.Stmt
}

func newReader(db *sqlx.DB) *reader {
	return &reader{dialect: dialectOf(db), db: db, prepared: make(map[string]*sqlx.Stmt)}
}

func (r *reader) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for text, stmt := range r.prepared {
		errs = append(errs, stmt.Close())
		delete(r.prepared, text)
	}
	return errors.Join(errs...)
}

// kept is the prepared statement, or nil where there is none yet.
func (r *reader) kept(text string) *sqlx.Stmt {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.prepared[text]
}

// stmt prepares a statement that is not yet prepared. It needs a connection, so nobody may call it who holds one.
func (r *reader) stmt(ctx context.Context, text string) (*sqlx.Stmt, error) {
	if stmt := r.kept(text); stmt != nil {
		return stmt, nil
	}
	made, err := r.db.PreparexContext(ctx, r.bind(text))
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", brief(text), r.failed(err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if stmt := r.prepared[text]; stmt != nil { // another was faster
		return stmt, made.Close() //nolint:sqlclosecheck // the other is kept, and closed at the end
	}
	r.prepared[text] = made
	return made, nil
}

// each runs one statement, which by itself sees one state of the database, and gives each row to scan.
func (r *reader) each(ctx context.Context, text string, args []any, scan func(*sql.Rows) error) error {
	stmt, err := r.stmt(ctx, text) //nolint:sqlclosecheck // it is kept, and closed at the end
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(context.WithoutCancel(ctx), args...)
	return r.eachRow(ctx, text, rows, err, scan)
}

func (d *dialect) eachRow(ctx context.Context, text string, rows *sql.Rows, err error, scan func(*sql.Rows) error) error {
	if err != nil {
		return fmt.Errorf("query %s: %w", brief(text), d.failed(err))
	}
	defer func() { _ = rows.Close() }()
	const rowsBetweenLooks = 1024
	for n := 1; rows.Next(); n++ {
		if n%rowsBetweenLooks == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		switch err := scan(rows); {
		case errors.Is(err, errEnough):
			return nil
		case err != nil:
			return fmt.Errorf("read a row of %s: %w", brief(text), err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query %s: %w", brief(text), d.failed(err))
	}
	return nil
}

// brief is the beginning of a statement, for messages.
func brief(text string) string {
	const bytesShown = 100
	if len(text) > bytesShown {
		text = text[:bytesShown] + "…"
	}
	return strconv.Quote(text)
}

// errEnough ends the reading of rows.
var errEnough = errors.New("enough")

const checkpointsSQL = `SELECT c.projection, l.ledger_id, c.revision
FROM ledger_ids l JOIN live_checkpoints c ON c.ledger_id = l.ledger_id WHERE l.name = ?`

// revision is the last that all the projections have reached, or errLedgerNotFound where one does not know the ledger.
func (r *reader) revision(ctx context.Context, ledger string, projections []string) (uint64, error) {
	heads := make(map[string]uint64, len(projections))
	err := r.each(ctx, checkpointsSQL, []any{ledger}, func(rows *sql.Rows) error {
		var projection string
		var id int64
		var revision uint64
		err := rows.Scan(&projection, &id, &revision)
		heads[projection] = revision
		return err
	})
	if err != nil {
		return 0, err
	}
	return least(heads, projections)
}

func least(heads map[string]uint64, projections []string) (uint64, error) {
	revision := ^uint64(0)
	for _, projection := range projections {
		head, ok := heads[projection]
		if !ok {
			return 0, fmt.Errorf("%w: %s has no checkpoint of it", errLedgerNotFound, projection)
		}
		revision = min(revision, head)
	}
	return revision, nil
}
