package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
	statuses []HoldStatus // by number less 1
	open     map[uint64]*hold
}

// hold is an open hold. It is never changed: an event puts another one in its place.
type hold struct {
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
	Status    HoldStatus
	Remaining []Entry
	ExpiresAt time.Time
	HoldOrigin
}

// Hold gives a hold, if it was placed. The status of one whose deadline has passed is open until HoldExpired.
func (b *Book) Hold(id uint64) (Hold, bool) {
	if id == 0 || id > b.Holds() {
		return Hold{}, false
	}
	found := Hold{Status: b.holds.statuses[id-1]}
	if h := b.holds.open[id]; h != nil {
		found.Remaining, found.ExpiresAt, found.HoldOrigin = b.entriesHeld(h.entries), h.expiresAt, h.origin
	}
	return found, true
}

// Holds is the number of holds that were placed, and the id of the last one.
func (b *Book) Holds() uint64 { return uint64(len(b.holds.statuses)) }

// openAt tells whether a hold can be captured or voided at a time. At its deadline it no longer can.
func (h *hold) openAt(at time.Time) bool {
	return h != nil && (h.expiresAt.IsZero() || at.Before(h.expiresAt))
}

var (
	errHoldNotOpen  = errors.New("the hold is not open")
	errHoldEntries  = errors.New("the entries are not what the hold has set aside")
	errHoldOrigin   = errors.New("the hold was not placed there, or captured otherwise")
	errHoldDeadline = errors.New("the hold does not end by itself")
)

func (b *Book) evolveHoldPlaced(e *HoldPlaced) error {
	digest, err := b.canPlace(e)
	if err != nil {
		return fmt.Errorf("place hold %d: %w", e.ID, err)
	}
	b.apply(&b.scratch)
	if e.Reference != "" {
		b.addReference(digest, holdOwner(e.ID))
	}
	entries, _ := b.heldOf(e.Entries)
	b.holds.statuses = append(b.holds.statuses, StatusOpen)
	b.holds.open[e.ID] = &hold{
		entries:     entries,
		expiresAt:   e.ExpiresAt,
		description: strings.Clone(e.Description), // which is often part of a longer text
		single:      len(e.Entries) == 2,
		origin:      HoldOrigin{Placed: b.revision},
	}
	b.onRollback(func() {
		b.holds.statuses = b.holds.statuses[:e.ID-1]
		delete(b.holds.open, e.ID)
	})
	return nil
}

func (b *Book) canPlace(e *HoldPlaced) (digest [16]byte, err error) {
	if b.opened == nil {
		return digest, errNotOpen
	}
	if e.ID != b.Holds()+1 {
		return digest, fmt.Errorf("the one before has number %d", b.Holds())
	}
	return b.canMove(e.Entries, e.Reference, effect{placed: e.Entries})
}

func (b *Book) evolveHoldCaptured(e *HoldCaptured) error {
	rest, err := b.canCapture(e)
	if err != nil {
		return fmt.Errorf("capture hold %d: %w", e.ID, err)
	}
	b.apply(&b.scratch)
	if e.Final {
		b.setHold(e.ID, StatusCaptured, nil)
		return nil
	}
	left := *b.holds.open[e.ID]
	left.entries, left.origin.Captures = rest, slices.Clone(e.Captures)
	b.setHold(e.ID, StatusOpen, &left)
	return nil
}

// canCapture tests a capture and gathers what it releases: the transaction that follows posts what was captured.
func (b *Book) canCapture(e *HoldCaptured) (rest []held, err error) {
	h := b.holds.open[e.ID]
	if h == nil {
		return nil, errHoldNotOpen
	}
	if e.Transaction != b.transactions+1 || len(e.Entries) == 0 {
		return nil, errHoldEntries
	}
	captures := append(slices.Clone(h.origin.Captures), e.Transaction)
	if e.Placed != h.origin.Placed || !slices.Equal(e.Captures, captures) {
		return nil, errHoldOrigin
	}
	rest, r := b.takeFrom(e.ID, h.entries, e.Entries)
	if r != nil {
		return nil, r
	}
	released := e.Entries
	if e.Final {
		released = b.entriesHeld(h.entries)
		rest = nil
	}
	if !slices.Equal(b.entriesHeld(rest), e.Remaining) || !e.Final && len(rest) == 0 {
		return nil, errHoldEntries
	}
	return rest, b.canDo(effect{released: released})
}

func (b *Book) evolveHoldEnded(id uint64, status HoldStatus, origin HoldOrigin) error {
	h := b.holds.open[id]
	var err error
	switch {
	case h == nil:
		err = errHoldNotOpen
	case h.origin.Placed != origin.Placed || !slices.Equal(h.origin.Captures, origin.Captures):
		err = errHoldOrigin
	case status == StatusExpired && h.expiresAt.IsZero():
		err = errHoldDeadline
	default:
		err = b.canDo(effect{released: b.entriesHeld(h.entries)})
	}
	if err != nil {
		return fmt.Errorf("end hold %d as %s: %w", id, status, err)
	}
	b.apply(&b.scratch)
	b.setHold(id, status, nil)
	return nil
}

// setHold gives a hold its status and, where it stays open, puts what it is now in the place of what it was.
func (b *Book) setHold(id uint64, status HoldStatus, now *hold) {
	before := b.holds.open[id]
	b.holds.statuses[id-1] = status
	if now == nil {
		delete(b.holds.open, id)
	} else {
		b.holds.open[id] = now
	}
	b.onRollback(func() {
		b.holds.statuses[id-1] = StatusOpen
		b.holds.open[id] = before
	})
}
