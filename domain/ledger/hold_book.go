package ledger

import (
	"time"

	"github.com/daybook-ledger/daybook/domain/money"
)

// HoldStatus is what has become of a hold.
type HoldStatus uint8

// A hold is open until it is captured for good, voided, or expired.
const (
	StatusOpen HoldStatus = iota
	StatusCaptured
	StatusVoided
	StatusExpired
)

var holdStatuses = [...]string{"open", "captured", "voided", "expired"} //nolint:gochecknoglobals // a table

// String is the status in one word, as the API has it.
func (s HoldStatus) String() string { return holdStatuses[s] }

// holds are the holds of a book: of all of them the status, and more of those that are open.
type holds struct {
	statuses pages[HoldStatus] // by number less 1
	open     pages[*hold]      // nil where one was that has ended
	places   map[uint64]uint32 // in open, by number
	free     []uint32          // places without a hold
}

// find gives an open hold, nil where there is none with that number.
func (h *holds) find(id uint64) *hold {
	if at, open := h.places[id]; open {
		return *h.open.at(at)
	}
	return nil
}

// put puts an open hold in its place, or in that of the one with its number.
func (h *holds) put(now *hold) {
	if at, open := h.places[now.id]; open {
		*h.open.edit(at) = now
		return
	}
	if h.places == nil {
		h.places = map[uint64]uint32{}
	}
	if last := len(h.free) - 1; last >= 0 {
		at := h.free[last]
		h.free = h.free[:last]
		*h.open.edit(at), h.places[now.id] = now, at
		return
	}
	h.places[now.id] = h.open.len()
	h.open.add(now)
}

// take takes out the open hold with a number.
func (h *holds) take(id uint64) {
	at := h.places[id]
	*h.open.edit(at) = nil
	delete(h.places, id)
	h.free = append(h.free, at)
}

// hold is an open hold. It is never changed: an event puts another one in its place.
type hold struct {
	id          uint64
	entries     []held // what is set aside now
	expiresAt   time.Time
	description string
	single      bool // it was placed with one transfer
	origin      HoldOrigin
}

// held is an entry of an open hold, in the book's own numbers.
type held struct {
	place  heldPlace
	amount money.Amount
}

// heldPlace is where an entry counts.
type heldPlace struct {
	account, asset uint32
	side           Side
}

// Hold is a hold as it stands in a book. All but the status is zero where it is not open any more.
type Hold struct {
	HoldOrigin

	Status    HoldStatus
	Remaining []Entry
	ExpiresAt time.Time
}

// Hold gives a hold, if it was placed. The status of one whose deadline has passed is open until HoldExpired.
func (b *Book) Hold(id uint64) (Hold, bool) {
	if id == 0 || id > b.Holds() {
		return Hold{}, false
	}
	found := Hold{Status: *b.holds.statuses.at(uint32(id - 1))}
	if h := b.holds.find(id); h != nil {
		found.Remaining, found.ExpiresAt, found.HoldOrigin = b.entriesHeld(h.entries), h.expiresAt, h.origin
	}
	return found, true
}

// Holds is the number of holds that were placed, and the id of the last one.
func (b *Book) Holds() uint64 { return uint64(b.holds.statuses.len()) }

// openAt tells whether a hold can be captured or voided at a time. At its deadline it no longer can.
func (h *hold) openAt(at time.Time) bool {
	return h != nil && (h.expiresAt.IsZero() || at.Before(h.expiresAt))
}
