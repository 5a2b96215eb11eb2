package accounts

import (
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/projections/cache"
	"github.com/daybook-ledger/daybook/projections/views"
)

const chartsKept = 1 << 10

// rules are the ledgers' charts, ready for matching.
type rules struct {
	cache *cache.Cache[int64, *ledger.Matcher]
	read  string
	write views.Bulk
}

func newRules(generation int64) *rules {
	table := charts()
	return &rules{
		cache: cache.New[int64, *ledger.Matcher](chartsKept),
		read:  "SELECT event_type, event_version, event FROM " + table.Of(generation) + " WHERE ledger_id = ?",
		write: views.Upsert(table.Of(generation), table.Names(), table.Key),
	}
}

func (r *rules) set(tx *views.Tx, ledgerID int64, opened ledger.LedgerOpened) error {
	encoded, err := ledger.Encode(opened)
	if err != nil {
		return fmt.Errorf("keep the chart: %w", err)
	}
	r.cache.Put(ledgerID, opened.Chart.Matcher())
	return r.write.Write(tx, []any{ledgerID, encoded.Type, encoded.Version, string(encoded.Data)})
}

var errNoChart = errors.New("the ledger was never opened")

func (r *rules) of(tx *views.Tx, ledgerID int64) (*ledger.Matcher, error) {
	if matcher, found := r.cache.Get(ledgerID); found {
		return matcher, nil
	}
	var kept struct {
		Type    string `db:"event_type"`
		Version int    `db:"event_version"`
		Event   []byte `db:"event"`
	}
	err := tx.Query(r.read, []any{ledgerID}, func(rows *sqlx.Rows) error { return rows.StructScan(&kept) })
	if err != nil {
		return nil, err
	}
	if kept.Type == "" {
		return nil, errNoChart
	}
	event, err := ledger.Decode(kept.Type, kept.Version, kept.Event)
	if err != nil {
		return nil, fmt.Errorf("read the chart: %w", err)
	}
	opened, ok := event.(ledger.LedgerOpened)
	if !ok {
		return nil, errNoChart
	}
	matcher := opened.Chart.Matcher()
	r.cache.Put(ledgerID, matcher)
	return matcher, nil
}
