package accounts

import (
	"errors"
	"fmt"
	"unique"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/cache"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

const holdsKept = 1 << 16

var errNotOpen = errors.New("the hold is not open")

// openHolds are what open holds still set aside, because the events that end a hold do not say what it releases.
type openHolds struct {
	cache *cache.Cache[holdKey, *hold]
	read  string

	remove, insert views.Bulk
	// moved and changed are what a batch does.
	moved   []movement
	changed []*hold
}

type holdKey struct{ ledgerID, holdID int64 }

// hold is what a hold sets aside; nothing where it is not open.
type hold struct {
	holdKey

	entries []heldEntry
	// stored is how many rows it has. Where changed those are not what they should be.
	stored  int
	changed bool
}

type heldEntry struct {
	key

	side   ledger.Side
	amount money.Amount
}

// movement is something set aside, or released.
type movement struct {
	heldEntry

	release bool
	event   *projector.Event
}

func newOpenHolds(generation int64) *openHolds {
	table := holds()
	of := table.Of(generation)
	return &openHolds{
		cache:  cache.New[holdKey, *hold](holdsKept),
		read:   "SELECT account_id, asset, side, amount FROM " + of + " WHERE ledger_id = ? AND hold_id = ? ORDER BY idx",
		remove: views.Delete(of, table.Key),
		insert: views.Insert(of, table.Names()),
	}
}

// apply follows the holds through a batch, and tells what was set aside and released, in order.
func (o *openHolds) apply(tx *views.Tx, events []projector.Event) ([]movement, error) {
	o.cache.Turn()
	clear(o.moved) // not to keep the batch before alive
	clear(o.changed)
	o.moved, o.changed = o.moved[:0], o.changed[:0]
	for i := range events {
		event := &events[i]
		var err error
		switch e := event.Body.(type) {
		case ledger.HoldPlaced:
			at := holdKey{event.LedgerID, projector.Revision(e.ID)}
			o.cache.Put(at, &hold{holdKey: at})
			err = o.move(tx, event, e.ID, e.Entries)
		case ledger.HoldCaptured:
			err = o.move(tx, event, e.ID, projector.Remaining(e))
		case ledger.HoldVoided:
			err = o.move(tx, event, e.ID, nil)
		case ledger.HoldExpired:
			err = o.move(tx, event, e.ID, nil)
		}
		if err != nil {
			return nil, projector.Fail(event, err)
		}
	}
	return o.moved, o.store(tx)
}

// move makes a hold set aside the given entries, whose accounts the event has, in place of those before.
func (o *openHolds) move(tx *views.Tx, event *projector.Event, id uint64, entries []ledger.Entry) error {
	h, err := o.hold(tx, holdKey{event.LedgerID, projector.Revision(id)})
	if err != nil {
		return err
	}
	if _, placed := event.Body.(ledger.HoldPlaced); !placed && len(h.entries) == 0 {
		return errNotOpen
	}
	for _, entry := range h.entries {
		o.moved = append(o.moved, movement{entry, true, event})
	}
	h.entries = make([]heldEntry, 0, len(entries))
	for i := range entries {
		e := &entries[i]
		entry := heldEntry{key{event.Accounts[i], unique.Make(e.Asset)}, e.Side, e.Amount}
		h.entries = append(h.entries, entry)
		o.moved = append(o.moved, movement{entry, false, event})
	}
	if !h.changed {
		h.changed = true
		o.changed = append(o.changed, h)
	}
	return nil
}

func (o *openHolds) hold(tx *views.Tx, at holdKey) (*hold, error) {
	if h, found := o.cache.Get(at); found {
		return h, nil
	}
	h := &hold{holdKey: at}
	err := tx.Query(o.read, []any{at.ledgerID, at.holdID}, func(rows *sqlx.Rows) error {
		var entry heldEntry
		var asset money.Asset
		if err := rows.Scan(&entry.accountID, &asset, &entry.side, &entry.amount); err != nil {
			return fmt.Errorf("read what a hold sets aside: %w", err)
		}
		entry.asset = unique.Make(asset)
		h.entries = append(h.entries, entry)
		return nil
	})
	if err != nil {
		return nil, err
	}
	h.stored = len(h.entries)
	o.cache.Put(at, h)
	return h, nil
}

// store writes the rows of the holds that have changed. One that came and went in the same batch has none.
func (o *openHolds) store(tx *views.Tx) error {
	var removed, inserted []any
	for _, h := range o.changed {
		for i := range h.stored {
			removed = append(removed, h.ledgerID, h.holdID, int64(i))
		}
		for i, entry := range h.entries {
			inserted = append(inserted, h.ledgerID, h.holdID, int64(i), entry.accountID, string(entry.asset.Value()), int64(entry.side), projector.Amount(entry.amount))
		}
		h.stored, h.changed = len(h.entries), false
	}
	if err := o.remove.Write(tx, removed); err != nil {
		return err
	}
	return o.insert.Write(tx, inserted)
}
