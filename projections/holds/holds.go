// Package holds is the read model of holds: one row each, with what was set aside, what of it still is, and what became
// of it.
//
// Rows come from HoldPlaced and are changed by HoldCaptured, HoldVoided and HoldExpired; they go to the queries of holds,
// and to whoever has to end those whose time has come.
package holds

import (
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

// The statuses of a hold.
const (
	open     = "open"
	captured = "captured"
	voided   = "voided"
	expired  = "expired"
)

type applier struct {
	insert  views.Bulk
	changes *views.Changes
}

func newApplier(generation int64) projector.Applier {
	table := holds()
	return &applier{
		insert: views.Insert(table.Of(generation), table.Names()),
		changes: views.NewChanges(table.Of(generation), table.Key,
			[]string{"status", "remaining", "transactions", "changed_revision"}),
	}
}

func (a *applier) Reset() { a.changes.Reset() }

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	var placed []any
	for i := range events {
		event := &events[i]
		switch e := event.Body.(type) {
		case ledger.HoldPlaced:
			placed = append(placed, row(event, &e)...)
		case ledger.HoldCaptured:
			status, remaining := captured, projector.Remaining(e)
			if len(remaining) > 0 {
				status = open
			}
			a.change(event, e.ID, status, remaining, e.HoldOrigin)
		case ledger.HoldVoided:
			a.change(event, e.ID, voided, nil, e.HoldOrigin)
		case ledger.HoldExpired:
			a.change(event, e.ID, expired, nil, e.HoldOrigin)
		}
	}
	if err := a.insert.Write(tx, placed); err != nil {
		return err
	}
	return a.changes.Write(tx)
}

func row(event *projector.Event, placed *ledger.HoldPlaced) []any {
	day, nanos := effective.Split(placed.EffectiveAt)
	var expiresAt, expiresUnix any
	if !placed.ExpiresAt.IsZero() {
		expiresAt, expiresUnix = projector.Timestamp(placed.ExpiresAt), placed.ExpiresAt.Unix()
	}
	entries := string(render.AppendEntries(nil, placed.Entries))
	revision := projector.Revision(event.Revision)
	return []any{
		event.LedgerID, projector.Revision(placed.ID), revision, day, nanos, expiresAt, expiresUnix,
		projector.Timestamp(event.RecordedAt), event.Actor, projector.Text(placed.Reference), placed.Description,
		projector.Metadata(placed.Metadata), entries, entries, open, projector.Numbers(nil), revision,
	}
}

func (a *applier) change(event *projector.Event, id uint64, status string, left []ledger.Entry, origin ledger.HoldOrigin) {
	a.changes.Set(event.LedgerID, projector.Revision(id), status, string(render.AppendEntries(nil, left)),
		projector.Numbers(origin.Captures), projector.Revision(event.Revision))
}
