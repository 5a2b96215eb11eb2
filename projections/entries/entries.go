// Package entries is the read model of accounts through time: every entry, linked to the one before it of the same account
// and asset, and for each day on which an account moved its totals at the end of that day.
//
// Rows come from TransactionPosted; they go to the queries of statements and of balances at a date. Entries are appended
// as they arrive and never change. A balance at a date is one closing, however long the history; the price is that a late
// entry rewrites the closings after its day.
package entries

import (
	"fmt"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

type applier struct {
	chains *chains
	table  string
	last   int64 // the number of the last entry
	rows   views.Buffer
}

func newApplier(generation int64) projector.Applier {
	table := entries()
	of := table.Of(generation)
	return &applier{
		table:  of,
		chains: newChains(generation),
		rows:   views.Buffer{Bulk: views.Insert(of, table.Names()[1:])},
	}
}

func (a *applier) Reset() {
	a.rows.Reset()
	a.chains.reset()
}

// Defer is that of [projector.Deferrer].
func (a *applier) Defer() { a.chains.deferring = true }

// Flush is that of [projector.Deferrer].
func (a *applier) Flush(tx *views.Tx) error { return a.chains.write(tx) }

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	var err error
	if a.last, err = tx.Largest(a.table, "entry_id"); err != nil {
		return fmt.Errorf("read the last entry: %w", err)
	}
	a.chains.begin()
	chains, err := a.chains.of(tx, events)
	if err != nil {
		return err
	}
	for i := range events {
		posted, ok := events[i].Body.(ledger.TransactionPosted)
		if !ok {
			continue
		}
		n := len(posted.Entries)
		if err := a.append(tx, &events[i], &posted, chains[:n]); err != nil {
			return err
		}
		chains = chains[n:]
	}
	if err := a.rows.Flush(tx); err != nil {
		return err
	}
	return a.chains.end(tx)
}

// append makes the rows of a transaction's entries, and links them to their chains. It leaves out their numbers: each row is
// given the one after the largest, which is quicker in SQLite than to be told it and to look whether it is there.
func (a *applier) append(tx *views.Tx, event *projector.Event, posted *ledger.TransactionPosted, chains []*chain) error {
	day, nanos := effective.Split(posted.EffectiveAt)
	// Of what the rows have in common only one is made.
	var dayColumn, nanosColumn, transaction any = day, nanos, projector.Revision(posted.ID)
	for i := range posted.Entries {
		entry := &posted.Entries[i]
		c := chains[i]
		a.last++
		a.rows.Values = append(a.rows.Values, c.columns[0], c.columns[1], dayColumn, nanosColumn, transaction, int64(i),
			int64(entry.Side), projector.Amount(entry.Amount))
		var err error
		if a.rows.Values, err = c.link(a.rows.Values, a.last, arrival{day, nanos, entry.Side, entry.Amount}); err != nil {
			return projector.Fail(event, err)
		}
	}
	return a.rows.Spill(tx)
}
