// Package periods is the read model of the closing of days: one row for each time that a ledger's days were closed or
// reopened.
//
// Rows come from PeriodClosed and PeriodReopened; they go to the query of periods. A reopening takes closings back, whose
// rows stay, no longer in force.
package periods

import (
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

type applier struct {
	insert   views.Bulk
	takeBack string
}

func newApplier(generation int64) projector.Applier {
	table := periods()
	return &applier{
		insert:   views.Insert(table.Of(generation), table.Names()),
		takeBack: "UPDATE " + table.Of(generation) + " SET in_force = 0 WHERE ledger_id = ? AND through >= ?",
	}
}

func (a *applier) Reset() {}

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	for i := range events {
		event := &events[i]
		var err error
		switch e := event.Body.(type) {
		case ledger.PeriodClosed:
			err = a.add(tx, event, "close", e.Through, &e.Through, e.Reason)
		case ledger.PeriodReopened:
			// The closing that is named, and all after it: no closing in force goes further than a later one.
			if _, err = tx.Exec(a.takeBack, event.LedgerID, int64(e.Through)); err == nil {
				err = a.add(tx, event, "reopen", e.Through, e.Closed, e.Reason)
			}
		}
		if err != nil {
			return projector.Fail(event, err)
		}
	}
	return nil
}

func (a *applier) add(
	tx *views.Tx, event *projector.Event, action string, through ledger.Day, last *ledger.Day, reason string,
) error {
	var closed any
	if last != nil {
		closed = int64(*last)
	}
	return a.insert.Write(tx, []any{
		event.LedgerID, projector.Revision(event.Revision), action, int64(through), closed, action == "close",
		projector.Timestamp(event.RecordedAt), event.Actor, reason,
	})
}
