// Package accounts is the read model of accounts as they are now: their type, whether they are open, the limits in force,
// what was ever debited and credited to them in each asset, and what holds set aside.
//
// Rows come from the events of accounts, charts, transactions and holds; they go to the queries of accounts and of present
// balances.
package accounts

import (
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

// The statuses of an account.
const (
	open   = "open"
	closed = "closed"
)

type applier struct {
	charts   *rules
	limits   *limits
	holds    *openHolds
	balances *totals

	insert             views.Bulk
	statuses, metadata *views.Changes
	// opened are the accounts that the batch opens, values their rows that are not written yet.
	opened map[int64]bool
	values []any
}

func newApplier(generation int64) projector.Applier {
	table := accounts()
	of := table.Of(generation)
	return &applier{
		charts:   newRules(generation),
		limits:   newLimits(generation),
		holds:    newOpenHolds(generation),
		balances: newTotals(generation),
		insert:   views.Insert(of, table.Names()),
		statuses: views.NewChanges(of, table.Key, []string{"status"}),
		metadata: views.NewChanges(of, table.Key, []string{"metadata"}),
	}
}

func (a *applier) Reset() {
	a.charts.cache.Clear()
	a.holds.cache.Clear()
	a.balances.reset()
	a.limits.changes.Reset()
	a.statuses.Reset()
	a.metadata.Reset()
}

// Defer is that of [projector.Deferrer].
func (a *applier) Defer() { a.balances.deferring = true }

// Flush is that of [projector.Deferrer].
func (a *applier) Flush(tx *views.Tx) error { return a.balances.store(tx) }

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	a.charts.cache.Turn()
	a.opened, a.values = make(map[int64]bool), a.values[:0]
	for i := range events {
		if err := a.apply(tx, &events[i]); err != nil {
			return projector.Fail(&events[i], err)
		}
	}
	if err := a.writeOpened(tx); err != nil {
		return err
	}
	if err := a.statuses.Write(tx); err != nil {
		return err
	}
	if err := a.metadata.Write(tx); err != nil {
		return err
	}
	moved, err := a.holds.apply(tx, events)
	if err != nil {
		return err
	}
	return a.balances.apply(tx, events, moved, a.opened)
}

// apply notes what an event changes in the accounts' own rows.
func (a *applier) apply(tx *views.Tx, event *projector.Event) error {
	switch e := event.Body.(type) {
	case ledger.LedgerOpened:
		return a.charts.set(tx, event.LedgerID, e, e.Chart)
	case ledger.ChartReplaced:
		return a.replaceChart(tx, event, e)
	case ledger.AccountOpened:
		matcher, err := a.charts.of(tx, event.LedgerID)
		if err != nil {
			return err
		}
		a.opened[event.Accounts[0]] = true
		a.values = append(a.values, row(event, e, matcher)...)
	case ledger.AccountClosed:
		a.statuses.Set(event.Accounts[0], closed)
	case ledger.AccountReopened:
		a.statuses.Set(event.Accounts[0], open)
	case ledger.AccountMetadataSet:
		a.metadata.Set(event.Accounts[0], projector.Metadata(e.Metadata))
	}
	return nil
}

// replaceChart changes the limits of all accounts up to here, which must have their rows for that.
func (a *applier) replaceChart(tx *views.Tx, event *projector.Event, replaced ledger.ChartReplaced) error {
	if err := a.charts.set(tx, event.LedgerID, replaced, replaced.Chart); err != nil {
		return err
	}
	if err := a.writeOpened(tx); err != nil {
		return err
	}
	matcher, err := a.charts.of(tx, event.LedgerID)
	if err != nil {
		return err
	}
	return a.limits.follow(tx, event.LedgerID, matcher)
}

func (a *applier) writeOpened(tx *views.Tx) error {
	err := a.insert.Write(tx, a.values)
	clear(a.values)
	a.values = a.values[:0]
	return err
}

func row(event *projector.Event, opened ledger.AccountOpened, matcher *ledger.Matcher) []any {
	rule, _ := matcher.Match(opened.Address)
	inForce := opened.Limits.Over(rule.Limits)
	return []any{
		event.Accounts[0], event.LedgerID, string(opened.Type), open,
		projector.Limit(inForce.Min), projector.Limit(inForce.Max),
		projector.Limit(opened.Limits.Min), projector.Limit(opened.Limits.Max),
		projector.Metadata(opened.Metadata), projector.Timestamp(event.RecordedAt), projector.Revision(event.Revision),
	}
}
