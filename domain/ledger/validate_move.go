package ledger

import (
	"strconv"
	"time"
)

// movement tests what a command moves and what is said of it. What a capture moves has to be exact.
func (f *faults) movement(m *Movement, exact bool) {
	f.moves(m, exact)
	f.about(m)
}

// about tests all of a movement but what moves.
func (f *faults) about(m *Movement) {
	f.when(m.EffectiveAt, m.Late)
	f.reference(m.Reference)
	f.text("/description", m.Description, maxDescription)
	f.metadata(m.Metadata)
}

func (f *faults) when(effective time.Time, late Late) {
	f.time("/effective_at", effective)
	if late != RefuseLate && late != RerouteLate {
		f.addf("/late", "want %q, or nothing to have it refused", RerouteLate)
	}
}

func (f *faults) placeHold(c *PlaceHold) {
	f.movement(&c.Movement, false)
	f.preconditions(c.Preconditions)
	f.time("/expires_at", c.ExpiresAt)
	switch {
	case c.ExpiresIn < 0:
		f.addf("/expires_in", "want more than 0")
	case c.ExpiresIn > 0 && !c.ExpiresAt.IsZero():
		f.addf("/expires_in", "give expires_at or expires_in, not both")
	}
}

func (f *faults) captureHold(c *CaptureHold) {
	some := c.Entries != nil || c.Transfers != nil
	switch {
	case some && !c.Amount.IsZero():
		f.addf("/amount", "give one of amount, entries and transfers")
		f.about(&c.Movement)
	case some:
		f.movement(&c.Movement, true)
	default:
		f.about(&c.Movement)
	}
}

// balanced gives the faults, or where there are none whether entries balance.
func (f *faults) balanced(entries []Entry) error {
	if len(*f) == 0 && len(entries) > 0 {
		if r := unbalanced(entries); r != nil {
			return r
		}
	}
	return f.err()
}

func (f *faults) entry(i int, e *Entry) {
	if e.Account != "" && e.Asset != "" && e.Side <= Credit && !e.Amount.IsZero() {
		return
	}
	pointer := "/entries/" + strconv.Itoa(i)
	if e.Account == "" {
		f.addf(pointer+"/account", "want the address of an account")
	}
	if e.Asset == "" {
		f.addf(pointer+"/asset", "want an asset")
	}
	switch {
	case e.Side > Credit:
		f.addf(pointer, "want a debit or a credit")
	case e.Amount.IsZero():
		f.addf(pointer+"/"+e.Side.String(), "want more than 0")
	}
}
