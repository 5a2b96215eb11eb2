package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	errHoldNotOpen  = errors.New("the hold is not open")
	errHoldEntries  = errors.New("the entries are not what the hold has set aside")
	errHoldOrigin   = errors.New("the hold was not placed there, or captured otherwise")
	errHoldDeadline = errors.New("the hold does not end by itself")
)

func (b *Book) evolveHoldPlaced(e *HoldPlaced) error {
	if err := b.canPlace(e); err != nil {
		return fmt.Errorf("place hold %d: %w", e.ID, err)
	}
	b.apply(&b.scratch)
	if e.Reference != "" {
		b.addReference(e.Reference, holdOwner(e.ID))
	}
	entries, _ := b.heldOf(e.Entries)
	b.holds.statuses.add(StatusOpen)
	b.holds.put(&hold{
		id:          e.ID,
		entries:     entries,
		expiresAt:   e.ExpiresAt,
		description: strings.Clone(e.Description), // which is often part of a longer text
		single:      len(e.Entries) == 2,
		origin:      HoldOrigin{Placed: b.revision},
	})
	b.onRollback(func() {
		b.holds.statuses.truncate(uint32(e.ID - 1))
		b.holds.take(e.ID)
	})
	return nil
}

func (b *Book) canPlace(e *HoldPlaced) error {
	if b.opened == nil {
		return errNotOpen
	}
	if e.ID != b.Holds()+1 {
		return fmt.Errorf("the one before has number %d", b.Holds())
	}
	return b.canMove(e.Entries, e.Reference, &effect{placed: e.Entries})
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
	left := *b.holds.find(e.ID)
	left.entries, left.origin.Captures = rest, slices.Clone(e.Captures)
	b.setHold(e.ID, StatusOpen, &left)
	return nil
}

// canCapture tests a capture and gathers what it releases: the transaction that follows posts what was captured.
func (b *Book) canCapture(e *HoldCaptured) (rest []held, err error) {
	h := b.holds.find(e.ID)
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
	return rest, b.canDo(&effect{released: released})
}

func (b *Book) evolveHoldEnded(id uint64, status HoldStatus, origin HoldOrigin) error {
	h := b.holds.find(id)
	var err error
	switch {
	case h == nil:
		err = errHoldNotOpen
	case h.origin.Placed != origin.Placed || !slices.Equal(h.origin.Captures, origin.Captures):
		err = errHoldOrigin
	case status == StatusExpired && h.expiresAt.IsZero():
		err = errHoldDeadline
	default:
		err = b.canDo(&effect{released: b.entriesHeld(h.entries)})
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
	before := b.holds.find(id)
	if status != StatusOpen {
		*b.holds.statuses.edit(uint32(id - 1)) = status
	}
	if now == nil {
		b.holds.take(id)
	} else {
		b.holds.put(now)
	}
	b.onRollback(func() {
		*b.holds.statuses.edit(uint32(id - 1)) = StatusOpen
		b.holds.put(before)
	})
}

// setPending keeps what is pending in a holding after a command, where it changes.
func (b *Book) setPending(t *touch) {
	holding := t.holding
	before, after, _ := b.pended(t)
	if before == after {
		return
	}
	b.putPending(holding, after)
	b.onRollback(func() { b.putPending(holding, before) })
}

func (b *Book) putPending(holding uint32, pending sums) {
	if pending == (sums{}) {
		delete(b.pending, holding)
		return
	}
	if account := b.holdings.at(holding).account; !b.accounts.at(account).pends {
		b.accounts.edit(account).pends = true
	}
	b.pending[holding] = pending
}
