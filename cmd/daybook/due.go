package main

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/commands/timer"
	"github.com/daybook-ledger/daybook/internal/postgres"
	"github.com/daybook-ledger/daybook/queries"
)

// due reads from the read models what the timer has to see to. Both statements are served by an index that has nothing
// but what is open, so that they cost nothing where there is nothing to do.
type due struct{ views *sqlx.DB }

var _ timer.Due = due{}

const dueHoldsSQL = `SELECT l.name, h.hold_id, h.expires_at
FROM holds h CROSS JOIN ledger_ids l
WHERE h.status = 'open' AND h.expires_unix IS NOT NULL AND h.expires_unix <= ? AND l.ledger_id = h.ledger_id
ORDER BY h.expires_unix, h.ledger_id, h.hold_id`

// Holds implements [timer.Due].
func (d due) Holds(ctx context.Context, until time.Time) iter.Seq2[timer.Hold, error] {
	return rowsDue(ctx, d.views, dueHoldsSQL, []any{until.Unix()}, func(rows *sql.Rows) (h timer.Hold, err error) {
		var expiresAt string
		if err = rows.Scan(&h.Ledger, &h.ID, &expiresAt); err != nil {
			return h, err
		}
		h.ExpiresAt, err = time.Parse(time.RFC3339Nano, expiresAt)
		return h, err
	})
}

const dueAssertionsSQL = `SELECT l.name, a.assertion_id, a.revision, a.declared_at
FROM assertions a CROSS JOIN ledger_ids l
WHERE a.status = 'evaluating' AND l.ledger_id = a.ledger_id
ORDER BY a.ledger_id, a.assertion_id`

// Assertions implements [timer.Due].
func (d due) Assertions(ctx context.Context) iter.Seq2[timer.Assertion, error] {
	return rowsDue(ctx, d.views, dueAssertionsSQL, nil, func(rows *sql.Rows) (a timer.Assertion, err error) {
		var declaredAt string
		if err = rows.Scan(&a.Ledger, &a.ID, &a.Revision, &declaredAt); err != nil {
			return a, err
		}
		a.DeclaredAt, err = time.Parse(time.RFC3339Nano, declaredAt)
		return a, err
	})
}

// rowsDue are those of a statement about what is due, all in one state of the read models.
func rowsDue[T any](
	ctx context.Context, views *sqlx.DB, text string, args []any, scan func(*sql.Rows) (T, error),
) iter.Seq2[T, error] {
	const what = "what is due"
	return func(yield func(T, error) bool) {
		tx, err := queries.BeginView(ctx, views)
		if postgres.IsMissing(err) {
			return // a node that projects has yet to begin: until then nothing is known to be due
		}
		if err != nil {
			var none T
			yield(none, fmt.Errorf("ask for %s: %w", what, err))
			return
		}
		defer func() { _ = tx.Rollback() }() // nothing was written
		rowsOf(ctx, tx, what, text, args, scan)(yield)
	}
}

func rowsOf[T any](
	ctx context.Context, tx *sqlx.Tx, what, text string, args []any, scan func(*sql.Rows) (T, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		rows, err := tx.QueryContext(ctx, tx.Rebind(text), args...)
		if err != nil {
			yield(none, fmt.Errorf("ask for %s: %w", what, err))
			return
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			row, err := scan(rows)
			if err != nil {
				yield(none, fmt.Errorf("read %s: %w", what, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(none, fmt.Errorf("read %s: %w", what, err))
		}
	}
}
