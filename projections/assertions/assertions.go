// Package assertions is the read model of what balances have to be: one row for each statement, with whether it holds.
//
// Rows come from AssertionDeclared and are changed by AssertionHeld and AssertionBroken; they go to the queries of
// assertions, and to whoever completes those that were never evaluated.
package assertions

import (
	"math/big"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

// The statuses of an assertion.
const (
	evaluating = "evaluating"
	holds      = "holds"
	broken     = "broken"
)

type applier struct {
	insert  views.Bulk
	changes *views.Changes
}

func newApplier(generation int64) projector.Applier {
	table := assertions()
	return &applier{
		insert: views.Insert(table.Of(generation), table.Names()),
		changes: views.NewChanges(table.Of(generation), table.Key,
			[]string{"status", "balance", "broken_by", "changed_at", "changed_revision"}),
	}
}

func (a *applier) Reset() { a.changes.Reset() }

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	var declared []any
	for i := range events {
		event := &events[i]
		switch e := event.Body.(type) {
		case ledger.AssertionDeclared:
			declared = append(declared, row(event, &e)...)
		case ledger.AssertionHeld:
			a.change(event, e.ID, holds, e.Balance, 0)
		case ledger.AssertionBroken:
			a.change(event, e.ID, broken, e.Balance, e.Transaction)
		}
	}
	if err := a.insert.Write(tx, declared); err != nil {
		return err
	}
	return a.changes.Write(tx)
}

func row(event *projector.Event, declared *ledger.AssertionDeclared) []any {
	var day, nanos any
	if !declared.At.IsZero() {
		day, nanos = effective.Split(declared.At)
	}
	revision, at := projector.Revision(event.Revision), projector.Timestamp(event.RecordedAt)
	return []any{
		event.LedgerID, projector.Revision(declared.ID), revision, declared.Pattern.String(), string(declared.Asset), day, nanos,
		projector.Limit(declared.Bounds.EQ), projector.Limit(declared.Bounds.GTE), projector.Limit(declared.Bounds.LTE),
		evaluating, nil, nil, at, at, revision, event.Actor,
	}
}

// change notes how an assertion stands. Its balance is of any size.
func (a *applier) change(event *projector.Event, id uint64, status string, balance *big.Int, transaction uint64) {
	a.changes.Set(event.LedgerID, projector.Revision(id), status, balance.String(), projector.Number(transaction),
		projector.Timestamp(event.RecordedAt), projector.Revision(event.Revision))
}
