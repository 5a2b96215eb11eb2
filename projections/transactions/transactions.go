// Package transactions is the read model of what was posted: one row a transaction, with its entries as the API shows
// them, and one row for each key of its metadata.
//
// Rows come from TransactionPosted. A reversal notes itself in the row of what it reverts, and TransactionMetadataSet
// changes metadata; nothing else ever changes. They go to the queries that list and find transactions.
package transactions

import (
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

type applier struct {
	// plain are rows without the columns that few transactions have; full are rows with them.
	plain, full views.Buffer
	keys        views.Buffer
	reverted    *views.Changes
	patches     *patches
	text        []byte
	recorded    timestamp
}

// timestamp is the text of a time, which those that are recorded together have in common.
type timestamp struct {
	at   time.Time
	text any
}

func (t *timestamp) of(at time.Time) any {
	if t.text == nil || !t.at.Equal(at) {
		t.at, t.text = at, projector.Timestamp(at)
	}
	return t.text
}

func newApplier(generation int64) projector.Applier {
	table, keys := transactions(), metadata()
	of, names := table.Of(generation), table.Names()
	return &applier{
		plain:    views.Buffer{Bulk: views.Insert(of, names[:plainColumns])},
		full:     views.Buffer{Bulk: views.Insert(of, names[:insertedColumns])},
		keys:     views.Buffer{Bulk: views.Insert(keys.Of(generation), keys.Names())},
		reverted: views.NewChanges(of, table.Key, []string{"reverted_by"}),
		patches:  newPatches(generation),
	}
}

func (a *applier) Reset() {
	for _, rows := range a.buffers() {
		rows.Reset()
	}
	a.reverted.Reset()
	a.patches.reset()
}

func (a *applier) buffers() []*views.Buffer { return []*views.Buffer{&a.plain, &a.full, &a.keys} }

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	for i := range events {
		switch e := events[i].Body.(type) {
		case ledger.TransactionPosted:
			if err := a.add(tx, &events[i], &e); err != nil {
				return err
			}
		case ledger.TransactionMetadataSet:
			a.patches.note(&events[i], e)
		}
	}
	for _, rows := range a.buffers() {
		if err := rows.Flush(tx); err != nil {
			return err
		}
	}
	if err := a.reverted.Write(tx); err != nil {
		return err
	}
	return a.patches.write(tx)
}

func (a *applier) add(tx *views.Tx, event *projector.Event, posted *ledger.TransactionPosted) error {
	to := &a.plain
	special := posted.Reverts != 0 || posted.Hold != 0 || posted.Forced || posted.Reason != "" || !posted.IntendedAt.IsZero()
	if special {
		to = &a.full
	}
	day, nanos := effective.Split(posted.EffectiveAt)
	id := projector.Revision(posted.ID)
	a.text = render.AppendEntries(a.text[:0], posted.Entries)
	to.Values = append(to.Values, event.LedgerID, id, projector.Revision(event.Revision), day, nanos,
		a.recorded.of(event.RecordedAt), event.Actor, projector.Text(posted.Reference), posted.Description,
		projector.Metadata(posted.Metadata), string(a.text))
	if special {
		a.addSpecial(event, posted)
	}
	if err := to.Spill(tx); err != nil {
		return err
	}
	for key, value := range posted.Metadata {
		a.keys.Values = append(a.keys.Values, event.LedgerID, key, value, id)
	}
	return a.keys.Spill(tx)
}

func (a *applier) addSpecial(event *projector.Event, posted *ledger.TransactionPosted) {
	var intendedDay, intendedNanos any
	if !posted.IntendedAt.IsZero() {
		intendedDay, intendedNanos = effective.Split(posted.IntendedAt)
	}
	a.full.Values = append(a.full.Values, intendedDay, intendedNanos, projector.Number(posted.Reverts),
		projector.Number(posted.Hold), posted.Forced, projector.Text(posted.Reason))
	if posted.Reverts != 0 {
		a.reverted.Set(event.LedgerID, projector.Revision(posted.Reverts), projector.Revision(posted.ID))
	}
}
