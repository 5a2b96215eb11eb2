package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jmoiron/sqlx"
)

// Beginner is a database, or a connection to one.
type Beginner interface {
	BeginTxx(ctx context.Context, options *sql.TxOptions) (*sqlx.Tx, error)
}

// BeginView begins a transaction that cannot write, in which all statements see one state of all read models.
//
// It locks ledger_ids before it has chosen its state, so that nothing else becomes live while it lasts: what a name means is
// looked up in the present, whatever the state is. A single statement whose first table is ledger_ids needs no transaction.
func BeginView(ctx context.Context, db Beginner) (*sqlx.Tx, error) {
	tx, err := db.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, `LOCK TABLE ledger_ids IN ACCESS SHARE MODE`); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}
