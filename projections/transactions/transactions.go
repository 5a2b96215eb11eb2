// Package transactions is the read model of what was posted: one row a transaction, with its entries as the API shows
// them, and one row for each key of its metadata.
//
// Rows come from TransactionPosted alone and are never changed; they go to the queries that list and find transactions.
package transactions

import (
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/wire"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// Projection is the read model.
func Projection() projector.Projection { return projector.Projection{Model: Model(), New: newApplier} }

type applier struct {
	rows, keys views.Bulk
	// values and keyValues are what is written, kept from batch to batch for their memory.
	values, keyValues []any
	text              []byte
}

func newApplier(generation int64) projector.Applier {
	rows, keys := transactions(), metadata()
	return &applier{
		rows: views.Insert(rows.Of(generation), rows.Names()),
		keys: views.Insert(keys.Of(generation), keys.Names()),
	}
}

func (a *applier) Reset() {}

func (a *applier) Apply(tx *views.Tx, events []projector.Event) error {
	a.values, a.keyValues = a.values[:0], a.keyValues[:0]
	for i := range events {
		if posted, ok := events[i].Body.(ledger.TransactionPosted); ok {
			a.add(&events[i], &posted)
		}
	}
	if err := a.rows.Write(tx, a.values); err != nil {
		return err
	}
	err := a.keys.Write(tx, a.keyValues)
	clear(a.values)
	clear(a.keyValues)
	return err
}

func (a *applier) add(event *projector.Event, posted *ledger.TransactionPosted) {
	day, nanos := effective.Split(posted.EffectiveAt)
	id := projector.Revision(posted.ID)
	var reference any
	if posted.Reference != "" {
		reference = posted.Reference
	}
	a.text = render.AppendEntries(a.text[:0], posted.Entries)
	a.values = append(a.values, event.LedgerID, id, projector.Revision(event.Revision), day, nanos,
		projector.Timestamp(event.RecordedAt), event.Actor, reference, posted.Description,
		string(wire.AppendMetadata(nil, posted.Metadata)), string(a.text))
	for key, value := range posted.Metadata {
		a.keyValues = append(a.keyValues, event.LedgerID, key, value, id)
	}
}
