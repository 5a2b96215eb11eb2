// Package accounts is the read model of accounts as they are now: their type, the limits in force, and what was ever
// debited and credited to them in each asset.
//
// Rows come from AccountOpened and TransactionPosted; they go to the queries of accounts and of present balances.
package accounts

import (
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

type applier struct {
	charts   *rules
	balances *totals
	open     views.Bulk
}

func newApplier(generation int64) projector.Applier {
	table := accounts()
	return &applier{
		charts:   newRules(generation),
		balances: newTotals(generation),
		open:     views.Insert(table.Of(generation), table.Names()),
	}
}

func (a *applier) Reset() {
	a.charts.cache.Clear()
	a.balances.cache.Clear()
}

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	a.charts.cache.Turn()
	opened := make(map[int64]bool)
	var values []any
	for i := range events {
		event := &events[i]
		switch e := event.Body.(type) {
		case ledger.LedgerOpened:
			if err := a.charts.set(tx, event.LedgerID, e); err != nil {
				return projector.Fail(event, err)
			}
		case ledger.AccountOpened:
			matcher, err := a.charts.of(tx, event.LedgerID)
			if err != nil {
				return projector.Fail(event, err)
			}
			opened[event.Accounts[0]] = true
			values = append(values, row(event, e, matcher)...)
		}
	}
	if err := a.open.Write(tx, values); err != nil {
		return err
	}
	return a.balances.apply(tx, events, opened)
}

func row(event *projector.Event, opened ledger.AccountOpened, matcher *ledger.Matcher) []any {
	rule, _ := matcher.Match(opened.Address)
	limits := opened.Limits.Over(rule.Limits)
	return []any{
		event.Accounts[0], event.LedgerID, string(opened.Type), "open", limit(limits.Min), limit(limits.Max),
		string(wire.AppendMetadata(nil, opened.Metadata)), projector.Timestamp(event.RecordedAt), projector.Revision(event.Revision),
	}
}

func limit(of *money.Signed) any {
	if of == nil {
		return nil
	}
	return of.String()
}
