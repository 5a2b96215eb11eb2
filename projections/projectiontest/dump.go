// Package projectiontest helps to check that the read models equal the log: it writes all of them out in a form that can
// be compared, makes random histories, and works out by itself, slowly and plainly, what the read models must hold.
package projectiontest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Dump is what the read models hold: for each view its rows as text, sorted, with names in place of short numbers and of links. Two
// databases that hold the same have equal dumps, whatever numbers and generations they have.
type Dump map[string][]string

const (
	joinLedger  = ` JOIN ledger_ids l ON l.ledger_id = x.ledger_id`
	joinAccount = ` JOIN account_ids i ON i.account_id = x.account_id JOIN ledger_ids l ON l.ledger_id = i.ledger_id`
)

// dumps are the queries, by view.
var dumps = map[string]string{ //nolint:gochecknoglobals // a constant table
	"ledgers":              `SELECT l.name AS ledger, x.created_at, x.accounts, x.transactions, x.chart, x.metadata FROM ledgers x` + joinLedger,
	"accounts":             `SELECT l.name AS ledger, i.address, x.type, x.status, x.min_balance, x.max_balance, x.own_min_balance, x.own_max_balance, x.metadata, x.opened_at, x.opened_revision FROM accounts x` + joinAccount,
	"balances":             `SELECT l.name AS ledger, i.address, x.asset, x.debits, x.credits, x.pending_debits, x.pending_credits FROM balances x` + joinAccount,
	"entries":              `SELECT l.name AS ledger, i.address, x.day, x.nanos, x.transaction_id, x.idx, row_number() OVER (PARTITION BY l.name ORDER BY x.entry_id) AS number, x.asset, x.side, x.amount, x.place, p.transaction_id || '/' || p.idx AS previous, x.debits, x.credits FROM entries x LEFT JOIN entries p ON p.entry_id = x.previous` + joinAccount,
	"closings":             `SELECT l.name AS ledger, i.address, x.asset, x.day, x.debits, x.credits, p.transaction_id || '/' || p.idx AS last, x.place, x.nanos, x.late_debits, x.late_credits FROM closings x LEFT JOIN entries p ON p.entry_id = x.last` + joinAccount,
	"transactions":         `SELECT l.name AS ledger, x.transaction_id, x.revision, x.day, x.nanos, x.recorded_at, x.actor, x.reference, x.description, x.metadata, x.entries, x.intended_day, x.intended_nanos, x.reverts, x.reverted_by, x.hold, x.forced, x.reason FROM transactions x` + joinLedger,
	"transaction_metadata": `SELECT l.name AS ledger, x.key, x.value, x.transaction_id FROM transaction_metadata x` + joinLedger,
	"account_holds":        `SELECT l.name AS ledger, x.hold_id, x.idx, i.address, x.asset, x.side, x.amount FROM account_holds x` + joinAccount,
	"holds":                `SELECT l.name AS ledger, x.hold_id, x.revision, x.day, x.nanos, x.expires_at, x.expires_unix, x.recorded_at, x.actor, x.reference, x.description, x.metadata, x.entries, x.remaining, x.status, x.transactions AS captures, x.changed_revision FROM holds x` + joinLedger,
	"periods":              `SELECT l.name AS ledger, x.revision, x.action, x.through, x.closed, x.in_force, x.recorded_at, x.actor, x.reason FROM periods x` + joinLedger,
	"assertions":           `SELECT l.name AS ledger, x.assertion_id, x.revision, x.pattern, x.asset, x.at_day, x.at_nanos, x.eq, x.gte, x.lte, x.status, x.balance, x.broken_by, x.declared_at, x.changed_at, x.changed_revision, x.actor FROM assertions x` + joinLedger,
	"live_checkpoints":     `SELECT x.projection, l.name AS ledger, x.revision FROM live_checkpoints x` + joinLedger,
}

// documents are the columns that hold JSON.
var documents = []string{"chart", "metadata", "entries", "remaining", "captures"} //nolint:gochecknoglobals // a constant list

// Of dumps the live read models, all in one state of the database.
func Of(ctx context.Context, db *views.DB) (Dump, error) {
	tx, err := db.View(ctx)
	if err != nil {
		return nil, fmt.Errorf("dump the read models: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	dump := make(Dump)
	for view, query := range dumps {
		rows, err := dumpView(ctx, tx, query)
		if err != nil {
			return nil, fmt.Errorf("dump %s: %w", view, err)
		}
		dump[view] = rows
	}
	return dump, nil
}

// OfLog dumps what the log says: it projects it into a new database at path.
func OfLog(ctx context.Context, config runner.Config, path string) (dump Dump, err error) {
	if config.Views, err = views.Open(ctx, path); err != nil {
		return nil, err
	}
	defer func() {
		if e := config.Views.Close(); err == nil {
			err = e
		}
	}()
	r := runner.New(config)
	if err := r.Prepare(ctx); err != nil {
		return nil, err
	}
	if err := r.Rebuild(ctx, nil, nil); err != nil {
		return nil, err
	}
	return Of(ctx, config.Views)
}

func dumpView(ctx context.Context, tx *sqlx.Tx, query string) ([]string, error) {
	found, err := tx.QueryxContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	columns, err := found.Columns()
	if err != nil {
		return nil, err
	}
	rows := []string{}
	for found.Next() {
		values, err := found.SliceScan()
		if err != nil {
			return nil, err
		}
		fields := make([]string, len(values))
		for i, value := range values {
			fields[i] = columns[i] + "=" + text(columns[i], value)
		}
		rows = append(rows, strings.Join(fields, " "))
	}
	slices.Sort(rows)
	return rows, found.Err()
}

// text writes JSON columns in one way, whoever wrote them.
func text(column string, value any) string {
	switch {
	case value == nil:
		return "null"
	case slices.Contains(documents, column):
		return canonical(fmt.Sprint(value))
	default:
		return fmt.Sprintf("%q", fmt.Sprint(value))
	}
}

func canonical(document string) string {
	var value any
	if err := json.Unmarshal([]byte(document), &value); err != nil {
		return "NOT JSON: " + document
	}
	again, err := json.Marshal(value)
	if err != nil {
		return "NOT JSON: " + document
	}
	return string(again)
}
