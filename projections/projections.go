// Package projections builds the read models: SQL tables that say what the log says, in the shape that queries ask for.
//
// Events come in from the store, directly or by way of NATS (package runner); each read model has a folder that says how
// an event changes its rows; the rows stand in the views database (package views). Queries read them through the SQL
// views named in docs/schema.md. Nothing here decides anything, and everything here can be made again from the log.
package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/projections/accounts"
	"github.com/daybook-ledger/daybook/projections/assertions"
	"github.com/daybook-ledger/daybook/projections/entries"
	"github.com/daybook-ledger/daybook/projections/holds"
	"github.com/daybook-ledger/daybook/projections/ledgers"
	"github.com/daybook-ledger/daybook/projections/periods"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/transactions"
	"github.com/daybook-ledger/daybook/projections/views"
)

// All are the read models.
func All() []projector.Projection {
	return []projector.Projection{
		ledgers.Projection(), accounts.Projection(), entries.Projection(), transactions.Projection(),
		holds.Projection(), periods.Projection(), assertions.Projection(),
	}
}

// Models are the tables of all read models.
func Models() []views.Model {
	return []views.Model{
		ledgers.Model(), accounts.Model(), entries.Model(), transactions.Model(),
		holds.Model(), periods.Model(), assertions.Model(),
	}
}

// OpenViews opens the views database at a place (see [views.Open]) and makes the tables that are missing.
func OpenViews(ctx context.Context, place string) (*views.DB, error) {
	db, err := views.Open(ctx, place)
	if err != nil {
		return nil, fmt.Errorf("open the read models: %w", err)
	}
	if err := MakeTables(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// MakeTables makes the tables and SQL views of every read model that has none yet.
func MakeTables(ctx context.Context, db *views.DB) error {
	err := db.Update(ctx, func(tx *views.Tx) error { return tx.CreateMissing(Models()) })
	if err != nil {
		return fmt.Errorf("make the read models' tables: %w", err)
	}
	return nil
}
