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
		write: views.Replace(table.Of(generation), table.Names()),
	}
}

// set keeps the event that gave a ledger its chart.
func (r *rules) set(tx *views.Tx, ledgerID int64, event ledger.Event, chart ledger.Chart) error {
	encoded, err := ledger.Encode(event)
	if err != nil {
		return fmt.Errorf("keep the chart: %w", err)
	}
	r.cache.Put(ledgerID, chart.Matcher())
	return r.write.Write(tx, []any{ledgerID, encoded.Type, int64(encoded.Version), string(encoded.Data)})
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
	var matcher *ledger.Matcher
	switch e := event.(type) {
	case ledger.LedgerOpened:
		matcher = e.Chart.Matcher()
	case ledger.ChartReplaced:
		matcher = e.Chart.Matcher()
	default:
		return nil, errNoChart
	}
	r.cache.Put(ledgerID, matcher)
	return matcher, nil
}
