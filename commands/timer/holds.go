package timer

import (
	"context"
	"time"
)

const (
	// maxUnit is how many holds of one ledger are ended in one piece.
	maxUnit = 500
	// maxRows bounds what is read at one look: the ones that wait for the read models are read again at each.
	maxRows = 100_000
	// unitTimeout bounds how long one ledger may keep the others waiting.
	unitTimeout = 10 * time.Second
	// again is after how long a hold is ended again that was ended and is still told to be open. The read models are behind
	// then; or it was not ended after all, because a clock has jumped.
	again = 10 * time.Second
)

// holds ends those that are due.
type holds struct {
	*Timer

	health health
	// done has the holds that were ended of late, and when: the read models may not know it yet.
	done map[key]time.Time
	// failing has the ledgers that could not be written to. One hold of each is tried, so that others are not kept waiting.
	failing map[string]bool
}

type key struct {
	ledger string
	id     uint64
}

func newHolds(t *Timer) *holds {
	return &holds{Timer: t, health: newHealth(t.options.Logger, t.metrics), done: map[key]time.Time{}, failing: map[string]bool{}}
}

// look ends what is due, and tells how long there is nothing to do then.
func (h *holds) look(ctx context.Context) time.Duration {
	now := h.options.Clock()
	h.forget(now)
	due, wait := h.read(ctx, now)
	worked := false
	for ledger, ids := range due.each() {
		for len(ids) > 0 && ctx.Err() == nil {
			piece := ids[:min(len(ids), maxUnit)]
			if !h.expire(ctx, ledger, piece, now) {
				break
			}
			worked = true
			ids = ids[len(piece):]
		}
	}
	if wait <= 0 && !worked {
		return h.options.Every
	}
	return wait
}

// read gives what is due, and how long it takes until the next one is.
func (h *holds) read(ctx context.Context, now time.Time) (due dueHolds, wait time.Duration) {
	wait = h.options.Every
	rows, taken := 0, 0
	for hold, err := range h.due.Holds(ctx, now.Add(h.options.Every)) {
		if rows++; err != nil || rows > maxRows {
			h.health.report(ctx, "read the holds that are due", err)
			return due, wait
		}
		if left := hold.ExpiresAt.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		if _, done := h.done[key{hold.Ledger, hold.ID}]; done {
			continue
		}
		if h.failing[hold.Ledger] && len(due.ids[hold.Ledger]) > 0 {
			continue
		}
		if taken == h.options.MaxHolds {
			wait = 0
			break
		}
		taken++
		due.add(hold)
	}
	h.health.report(ctx, "read the holds that are due", nil)
	return due, wait
}

// expire ends holds of one ledger, and tells whether that went well.
func (h *holds) expire(ctx context.Context, ledger string, ids []uint64, now time.Time) bool {
	limited, cancel := context.WithTimeout(ctx, unitTimeout)
	defer cancel()
	expired, err := h.ledgers.Expire(limited, ledger, ids)
	h.metrics.expired.Add(float64(expired))
	h.health.report(ctx, "expire holds of ledger "+ledger, err)
	if err != nil {
		h.failing[ledger] = true
		return false
	}
	delete(h.failing, ledger)
	for _, id := range ids {
		h.done[key{ledger, id}] = now
	}
	return true
}

// forget drops what was done long ago, or in a future that the clock has jumped back from.
func (h *holds) forget(now time.Time) {
	for k, at := range h.done {
		if age := now.Sub(at); age < 0 || age >= again {
			delete(h.done, k)
		}
	}
}

// dueHolds are holds by ledger, the ledger with the earliest end first.
type dueHolds struct {
	ledgers []string
	ids     map[string][]uint64
}

func (d *dueHolds) add(h Hold) {
	if d.ids == nil {
		d.ids = map[string][]uint64{}
	}
	if len(d.ids[h.Ledger]) == 0 {
		d.ledgers = append(d.ledgers, h.Ledger)
	}
	d.ids[h.Ledger] = append(d.ids[h.Ledger], h.ID)
}

func (d *dueHolds) each() func(yield func(string, []uint64) bool) {
	return func(yield func(string, []uint64) bool) {
		for _, ledger := range d.ledgers {
			if !yield(ledger, d.ids[ledger]) {
				return
			}
		}
	}
}
