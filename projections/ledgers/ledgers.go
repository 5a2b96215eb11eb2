// Package ledgers is the read model of the ledgers themselves: one row each, with its chart and how much is in it.
//
// Rows come from every event; they go to the queries that list ledgers.
package ledgers

import (
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/projections/cache"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

const rowsKept = 1 << 14

type applier struct {
	rows *cache.Cache[int64, *row]

	read  string
	write views.Bulk
}

// row is a ledger's, as its columns are.
type row struct {
	LedgerID     int64  `db:"ledger_id"`
	CreatedAt    string `db:"created_at"`
	Accounts     int64  `db:"accounts"`
	Transactions int64  `db:"transactions"`
	Chart        string `db:"chart"`
	Metadata     string `db:"metadata"`
}

func newApplier(generation int64) projector.Applier {
	table := ledgers()
	return &applier{
		rows:  cache.New[int64, *row](rowsKept),
		read:  "SELECT * FROM " + table.Of(generation) + " WHERE ledger_id = ?",
		write: views.Replace(table.Of(generation), table.Names()),
	}
}

func (a *applier) Reset() { a.rows.Clear() }

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	a.rows.Turn()
	var changed []*row
	last := make(map[int64]bool)
	for i := range events {
		event := &events[i]
		r, err := a.row(tx, event.LedgerID)
		if err != nil {
			return projector.Fail(event, err)
		}
		if err := r.apply(event); err != nil {
			return projector.Fail(event, err)
		}
		if !last[event.LedgerID] {
			last[event.LedgerID] = true
			changed = append(changed, r)
		}
	}
	values := make([]any, 0, len(changed)*len(ledgers().Columns))
	for _, r := range changed {
		values = append(values, r.LedgerID, r.CreatedAt, r.Accounts, r.Transactions, r.Chart, r.Metadata)
	}
	return a.write.Write(tx, values)
}

func (a *applier) row(tx *views.Tx, ledgerID int64) (*row, error) {
	if r, found := a.rows.Get(ledgerID); found {
		return r, nil
	}
	r := &row{LedgerID: ledgerID}
	err := tx.Query(a.read, []any{ledgerID}, func(rows *sqlx.Rows) error { return rows.StructScan(r) })
	if err != nil {
		return nil, err
	}
	a.rows.Put(ledgerID, r)
	return r, nil
}

func (r *row) apply(event *projector.Event) error {
	switch e := event.Body.(type) {
	case ledger.LedgerOpened:
		chart, err := chartJSON(&e.Chart)
		if err != nil {
			return err
		}
		r.CreatedAt, r.Chart, r.Metadata = projector.Timestamp(event.RecordedAt), chart, projector.Metadata(e.Metadata)
	case ledger.ChartReplaced:
		chart, err := chartJSON(&e.Chart)
		if err != nil {
			return err
		}
		r.Chart = chart
	case ledger.AccountOpened:
		r.Accounts++
	case ledger.TransactionPosted:
		r.Transactions++
	}
	return nil
}

func chartJSON(chart *ledger.Chart) (string, error) {
	encoded, err := json.Marshal(render.Chart(chart))
	if err != nil {
		return "", fmt.Errorf("write the chart: %w", err)
	}
	return string(encoded), nil
}
