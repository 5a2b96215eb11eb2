package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/audit"
	"github.com/daybook-ledger/daybook/queries"
)

// auditedViews reads the balances of the read models in one transaction.
type auditedViews struct {
	db *sqlx.DB
	tx *sqlx.Tx
}

var _ audit.ReadModels = (*auditedViews)(nil)

func openAuditedViews(ctx context.Context, place string) (*auditedViews, error) {
	db, err := queries.OpenViews(place)
	if err != nil {
		return nil, err
	}
	tx, err := queries.BeginView(ctx, db)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the read models: %w", err), db.Close())
	}
	return &auditedViews{db, tx}, nil
}

// Close implements [audit.ReadModels].
func (v *auditedViews) Close() error { return errors.Join(v.tx.Rollback(), v.db.Close()) }

const auditedRevisionsSQL = `SELECT l.name, c.revision FROM live_checkpoints c JOIN ledger_ids l ON l.ledger_id = c.ledger_id
WHERE c.projection = 'accounts'`

// Revisions implements [audit.ReadModels].
func (v *auditedViews) Revisions(ctx context.Context) (map[string]uint64, error) {
	type checkpoint struct {
		ledger   string
		revision uint64
	}
	revisions := map[string]uint64{}
	all := rowsOf(ctx, v.tx, "checkpoints", auditedRevisionsSQL, nil, func(rows *sql.Rows) (c checkpoint, err error) {
		return c, rows.Scan(&c.ledger, &c.revision)
	})
	for c, err := range all {
		if err != nil {
			return nil, err
		}
		revisions[c.ledger] = c.revision
	}
	return revisions, nil
}

const auditedBalancesSQL = `SELECT a.address, b.asset, b.debits, b.credits, b.pending_debits, b.pending_credits
FROM ledger_ids l CROSS JOIN account_ids a CROSS JOIN balances b
WHERE l.name = ? AND a.ledger_id = l.ledger_id AND b.account_id = a.account_id`

// Balances implements [audit.ReadModels].
func (v *auditedViews) Balances(ctx context.Context, name string) iter.Seq2[ledger.Balance, error] {
	return rowsOf(ctx, v.tx, "balances", auditedBalancesSQL, []any{name}, func(rows *sql.Rows) (b ledger.Balance, err error) {
		return b, rows.Scan(&b.Account, &b.Asset, &b.Debits, &b.Credits, &b.PendingDebits, &b.PendingCredits)
	})
}
