package ledger

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A ledger's closed days are all days up to one, which closings move on and reopenings move back. The book keeps the
// closings in force, each through a later day than the one before.

// Closed gives the last day on which nothing more may be effective, and whether there is one.
func (b *Book) Closed() (through Day, closed bool) {
	if len(b.closings) == 0 {
		return 0, false
	}
	return b.closings[len(b.closings)-1], true
}

// effective says when something counts that is wanted at a time (the zero time: now) and recorded now. Where that is in a
// closed period it is the start of the first open day, if that is what late says, and intended is the time that it was
// wanted at.
func (b *Book) effective(wanted time.Time, late Late, now time.Time) (effective, intended time.Time, r *Rejection) {
	if wanted.IsZero() {
		wanted = now
	}
	wanted = wanted.Round(0).UTC() // Round takes a monotonic reading off
	through, closed := b.Closed()
	if !closed || DayOf(wanted) > through {
		return wanted, time.Time{}, nil
	}
	open := through + 1
	if late == RerouteLate {
		return open.Start(), wanted, nil
	}
	return time.Time{}, time.Time{}, &Rejection{
		Code:      PeriodIsClosed,
		FirstOpen: &open,
		Detail: fmt.Sprintf("%s is in a closed period; the first open day is %s, to which \"late\": \"reroute\" would move the transaction",
			wanted.Format(time.RFC3339Nano), open),
		Fields: []Field{{"/effective_at", fmt.Sprintf("want %s or later", open)}},
	}
}

func (b *Book) decideClosePeriod(c ClosePeriod) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	if through, closed := b.Closed(); closed && c.Through <= through {
		return nil, invalidThrough(fmt.Sprintf("all days up to %s are closed already; want a later one", through))
	}
	return []Event{PeriodClosed(c)}, nil
}

func (b *Book) decideReopenPeriod(c ReopenPeriod) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	at := slices.Index(b.closings, c.Through)
	switch {
	case len(b.closings) == 0:
		return nil, invalidThrough("no period is closed")
	case at < 0:
		return nil, invalidThrough("want the day of a closing in force: " + b.closingsInForce())
	}
	event := PeriodReopened{Through: c.Through, Reason: c.Reason}
	if at > 0 {
		event.Closed = new(b.closings[at-1])
	}
	return []Event{event}, nil
}

// closingsInForce names the closings that can be taken back, latest first and no more than anybody reads.
func (b *Book) closingsInForce() string {
	const most = 24
	var days []string
	for _, day := range slices.Backward(b.closings) {
		if len(days) == most {
			days = append(days, "…")
			break
		}
		days = append(days, day.String())
	}
	return strings.Join(days, ", ")
}

func invalidThrough(detail string) *Rejection {
	return &Rejection{Code: InvalidField, Detail: "/through: " + detail, Fields: []Field{{"/through", detail}}}
}

func (b *Book) evolvePeriodClosed(e PeriodClosed) error {
	if b.opened == nil {
		return fmt.Errorf("close the period through %s: %w", e.Through, errNotOpen)
	}
	if through, closed := b.Closed(); closed && e.Through <= through {
		return fmt.Errorf("close the period through %s: it is closed through %s", e.Through, through)
	}
	b.setClosings(append(b.closings, e.Through))
	return nil
}

func (b *Book) evolvePeriodReopened(e PeriodReopened) error {
	at := slices.Index(b.closings, e.Through)
	if at < 0 {
		return fmt.Errorf("reopen the period through %s: no closing in force has this day", e.Through)
	}
	if at == 0 && e.Closed != nil || at > 0 && (e.Closed == nil || *e.Closed != b.closings[at-1]) {
		return fmt.Errorf("reopen the period through %s: another day would be the last closed one", e.Through)
	}
	b.setClosings(b.closings[:at:at]) // cut off, so that the next closing is not written over those taken back
	return nil
}

func (b *Book) setClosings(closings []Day) {
	before := b.closings
	b.closings = closings
	b.onRollback(func() { b.closings = before })
}

func (f *faults) through(d Day) {
	if d < firstDay || d >= lastDay {
		f.addf("/through", "want a day from %s to %s: one has to be left open", firstDay, lastDay-1)
	}
}
