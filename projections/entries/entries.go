// Package entries is the read model of accounts through time: every entry in effective order, and for each day on which
// an account moved its totals at the end of that day.
//
// Rows come from TransactionPosted; they go to the queries of statements and of balances at a date. A balance at a date is
// one closing, however long the history; the price is that a late entry rewrites the closings after its day.
package entries

import (
	"cmp"
	"slices"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

type applier struct {
	write  views.Bulk
	closed *days
	// lines and values are what a batch writes, kept from batch to batch for their memory.
	lines  []line
	values []any
}

// line is an entry with its place.
type line struct {
	accountID, day, nanos int64
	transactionID, index  int64
	revision              int64
	entry                 *ledger.Entry
	event                 *projector.Event
}

func newApplier(generation int64) projector.Applier {
	table := entries()
	return &applier{write: views.Insert(table.Of(generation), table.Names()), closed: newDays(generation)}
}

func (a *applier) Reset() { a.closed.tails.Clear() }

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	opened := a.gather(events)
	defer func() {
		clear(a.lines) // not to keep the batch's events alive
		clear(a.values)
	}()
	// In the order of the table, whose pages are then met once, and of each account's days.
	slices.SortFunc(a.lines, func(x, y line) int {
		return cmp.Or(cmp.Compare(x.accountID, y.accountID), cmp.Compare(x.day, y.day), cmp.Compare(x.nanos, y.nanos),
			cmp.Compare(x.transactionID, y.transactionID), cmp.Compare(x.index, y.index))
	})
	a.values = a.values[:0]
	for i := range a.lines {
		l := &a.lines[i]
		a.values = append(a.values, l.accountID, l.day, l.nanos, l.transactionID, l.index, l.revision,
			string(l.entry.Asset), int64(l.entry.Side), l.entry.Amount.String())
	}
	if err := a.write.Write(tx, a.values); err != nil {
		return err
	}
	return a.closed.apply(tx, a.lines, opened)
}

// gather sets the lines of a batch and tells which accounts it opens.
func (a *applier) gather(events []projector.Event) (opened map[int64]bool) {
	a.lines, opened = a.lines[:0], make(map[int64]bool)
	for i := range events {
		event := &events[i]
		if _, ok := event.Body.(ledger.AccountOpened); ok {
			opened[event.Accounts[0]] = true
			continue
		}
		posted, ok := event.Body.(ledger.TransactionPosted)
		if !ok {
			continue
		}
		day, nanos := effective.Split(posted.EffectiveAt)
		for j := range posted.Entries {
			a.lines = append(a.lines, line{
				accountID: event.Accounts[j], day: day, nanos: nanos,
				transactionID: projector.Revision(posted.ID), index: int64(j), revision: projector.Revision(event.Revision),
				entry: &posted.Entries[j], event: event,
			})
		}
	}
	return opened
}
