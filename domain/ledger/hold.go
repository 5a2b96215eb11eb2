package ledger

import (
	"fmt"
	"slices"
	"time"
)

// MaxCaptures is how often a hold is captured at most. Every event that changes a hold names all its captures, so that
// without an end to them the events would grow, in the log and on the wire, until none could be written any more.
const MaxCaptures = 1000

func (b *Book) decidePlaceHold(c *PlaceHold, at time.Time) ([]Event, *Rejection) {
	expires := c.ExpiresAt
	if c.ExpiresIn != 0 {
		expires = at.Add(c.ExpiresIn)
	}
	if r := expiry(c, expires, at); r != nil {
		return nil, r
	}
	entries, refused := b.entriesOf(&c.Movement, true)
	if r := b.referable(c.Reference, refused); r != nil {
		return nil, r
	}
	s, rejection := b.judge(&deal{effect: effect{placed: entries}, preconditions: c.Preconditions, refused: refused})
	if rejection != nil {
		return nil, rejection
	}
	placed := HoldPlaced{
		ID:          b.Holds() + 1,
		Entries:     entries,
		EffectiveAt: plain(c.EffectiveAt),
		ExpiresAt:   plain(expires),
		Reference:   c.Reference,
		Description: c.Description,
		Metadata:    c.Metadata,
	}
	if c.EffectiveAt.IsZero() {
		placed.EffectiveAt = plain(at)
	}
	return append(b.openings(s), placed), nil
}

// expiry tests what Validate cannot, which does not know the time.
func expiry(c *PlaceHold, expires, at time.Time) *Rejection {
	if expires.IsZero() || expires.After(at) && expires.UTC().Year() <= maxYear {
		return nil
	}
	pointer := "/expires_at"
	if c.ExpiresIn != 0 {
		pointer = "/expires_in"
	}
	detail := fmt.Sprintf("want a time after the hold is placed, which is %s, up to the year %d", plain(at).Format(time.RFC3339), maxYear)
	return &Rejection{Code: InvalidField, Detail: pointer + ": " + detail, Fields: []Field{{pointer, detail}}}
}

// plain takes off what an event does not tell: where the time was read, and the monotonic reading.
func plain(t time.Time) time.Time { return t.Round(0).UTC() }

func (b *Book) decideCaptureHold(c *CaptureHold, at time.Time) ([]Event, *Rejection) {
	h, rejection := b.existingHold(c.ID)
	if rejection != nil {
		return nil, rejection
	}
	if r := b.referable(c.Reference, nil); r != nil {
		return nil, r
	}
	if !h.openAt(at) {
		return nil, b.holdNotOpen(c.ID)
	}
	held := b.entriesHeld(h.entries)
	entries, rejection := b.capturing(c, h, held)
	if rejection != nil {
		return nil, rejection
	}
	rest, refused := b.takeFrom(c.ID, h.entries, entries)
	final := c.Final || len(rest) == 0
	if !final && len(h.origin.Captures)+1 >= MaxCaptures {
		return nil, capturedTooOften(c.ID)
	}
	captured := HoldCaptured{ID: c.ID, Transaction: b.transactions + 1, Entries: entries, Final: final}
	captured.HoldOrigin = h.origin
	captured.Captures = append(slices.Clone(h.origin.Captures), captured.Transaction)

	p := posting{
		deal: deal{effect: effect{posted: entries}, refused: refused},
		transaction: TransactionPosted{
			Reference: c.Reference, Description: c.Description, Metadata: c.Metadata, Hold: c.ID,
		},
		wanted:   c.EffectiveAt,
		reroute:  c.Late,
		captured: &captured,
	}
	if p.transaction.Description == "" {
		p.transaction.Description = h.description
	}
	switch {
	case refused != nil:
	case final:
		p.released = held
	default:
		p.released, captured.Remaining = entries, b.entriesHeld(rest)
	}
	return b.post(&p, at)
}

func capturedTooOften(id uint64) *Rejection {
	detail := fmt.Sprintf("a hold is captured %d times at most, and the last of them has to be final", MaxCaptures)
	return &Rejection{Code: InvalidField, Hold: id, Detail: "/final: " + detail, Fields: []Field{{"/final", detail}}}
}

// capturing gives the entries that a capture asks for.
func (b *Book) capturing(c *CaptureHold, h *hold, held []Entry) ([]Entry, *Rejection) {
	switch {
	case !c.Amount.IsZero() && !h.single:
		const detail = "the hold is of more than one transfer; say what to capture in entries or transfers"
		return nil, &Rejection{
			Code: InvalidField, Hold: c.ID, Detail: "/amount: " + detail, Fields: []Field{{"/amount", detail}},
		}
	case !c.Amount.IsZero():
		entries := slices.Clone(held)
		for i := range entries {
			entries[i].Amount = c.Amount
		}
		return entries, nil
	case len(c.Entries)+len(c.Transfers) == 0:
		return held, nil
	default:
		return b.entriesOf(&c.Movement, false)
	}
}

func (b *Book) decideVoidHold(c VoidHold, at time.Time) ([]Event, *Rejection) {
	h, rejection := b.existingHold(c.ID)
	if rejection != nil {
		return nil, rejection
	}
	if !h.openAt(at) {
		return nil, b.holdNotOpen(c.ID)
	}
	return []Event{HoldVoided{ID: c.ID, Reason: c.Reason, HoldOrigin: h.origin}}, nil
}

func (b *Book) decideExpireHold(c ExpireHold, at time.Time) ([]Event, *Rejection) {
	h, rejection := b.existingHold(c.ID)
	switch {
	case rejection != nil:
		return nil, rejection
	case h == nil:
		return nil, b.holdNotOpen(c.ID)
	case h.openAt(at):
		return nil, &Rejection{
			Code: HoldNotOpen, Hold: c.ID, Detail: fmt.Sprintf("hold %d has not come to its end yet", c.ID),
		}
	}
	return []Event{HoldExpired{ID: c.ID, HoldOrigin: h.origin}}, nil
}

// existingHold gives a hold that there has to be; nil where it is not open any more.
func (b *Book) existingHold(id uint64) (*hold, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	if id == 0 || id > b.Holds() {
		return nil, &Rejection{
			Code: HoldNotFound, Hold: id, Detail: fmt.Sprintf("the ledger has no hold %d; its last one is %d", id, b.Holds()),
		}
	}
	return b.holds.find(id), nil
}

// holdNotOpen rejects what comes too late for a hold: one without another status has passed its deadline.
func (b *Book) holdNotOpen(id uint64) *Rejection {
	r := &Rejection{Code: HoldNotOpen, Hold: id}
	if status := *b.holds.statuses.at(uint32(id - 1)); status != StatusOpen {
		r.Detail = fmt.Sprintf("hold %d is %s, and can no longer be captured or voided", id, status)
	} else {
		r.Detail = fmt.Sprintf("hold %d expired at %s", id, b.holds.find(id).expiresAt.Format(time.RFC3339Nano))
	}
	return r
}
