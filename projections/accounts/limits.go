package accounts

import (
	"database/sql"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// walkRows is how many accounts are looked at before those that change are written.
const walkRows = 5000

// limits are the accounts' limits in force, of which those that are not an account's own follow the chart.
type limits struct {
	walk    string
	changes *views.Changes
}

// standing is an account's limits as its row has them.
type standing struct {
	ID      int64          `db:"account_id"`
	Address string         `db:"address"`
	OwnMin  sql.NullString `db:"own_min_balance"`
	OwnMax  sql.NullString `db:"own_max_balance"`
	Min     sql.NullString `db:"min_balance"`
	Max     sql.NullString `db:"max_balance"`
}

func newLimits(generation int64) *limits {
	table := accounts()
	of := table.Of(generation)
	return &limits{
		// The addresses come from what all projections share, where they are in order. Accounts without a row in this
		// generation are opened later.
		walk: `SELECT a.account_id, i.address, a.own_min_balance, a.own_max_balance, a.min_balance, a.max_balance
			FROM account_ids i CROSS JOIN ` + of + ` a
			WHERE a.account_id = i.account_id AND i.ledger_id = ? AND i.address > ? AND (a.own_min_balance IS NULL OR a.own_max_balance IS NULL)
			ORDER BY i.address LIMIT ?`,
		changes: views.NewChanges(of, table.Key, []string{"min_balance", "max_balance"}),
	}
}

// follow makes the limits of a ledger's accounts those of its new chart. It goes through them part by part.
func (l *limits) follow(tx *views.Tx, ledgerID int64, matcher *ledger.Matcher) error {
	part := make([]standing, 0, walkRows)
	for after := ""; ; after = part[len(part)-1].Address {
		part = part[:0]
		err := tx.Query(l.walk, []any{ledgerID, after, walkRows}, func(rows *sqlx.Rows) error {
			var one standing
			if err := rows.StructScan(&one); err != nil {
				return fmt.Errorf("read limits: %w", err)
			}
			part = append(part, one)
			return nil
		})
		if err != nil {
			return err
		}
		for i := range part {
			l.match(&part[i], matcher)
		}
		if err := l.changes.Write(tx); err != nil {
			return err
		}
		if len(part) < walkRows {
			return nil
		}
	}
}

func (l *limits) match(one *standing, matcher *ledger.Matcher) {
	rule, _ := matcher.Match(address.Address(one.Address))
	least, most := inForce(one.OwnMin, projector.Limit(rule.Limits.Min)), inForce(one.OwnMax, projector.Limit(rule.Limits.Max))
	if least != value(one.Min) || most != value(one.Max) {
		l.changes.Set(one.ID, least, most)
	}
}

func inForce(own sql.NullString, rule any) any {
	if own.Valid {
		return own.String
	}
	return rule
}

func value(column sql.NullString) any { return inForce(column, nil) }
