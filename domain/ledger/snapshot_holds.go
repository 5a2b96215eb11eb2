package ledger

import (
	"math"
	"time"
)

// writePending: count, then each holding that has something pending, in order: its place, debits, credits.
func (b *Book) writePending(w *snapshotWriter) {
	w.number(uint64(len(b.pending)))
	if len(b.pending) == 0 {
		return
	}
	for i := range b.holdings {
		if pending := b.pendingOf(uint32(i)); pending != (sums{}) {
			w.number(uint64(i))
			w.sums(pending)
		}
	}
}

func (b *Book) readPending(r *snapshotReader) {
	least := uint64(0)
	for range r.count(5) {
		at := r.below(uint64(len(b.holdings)))
		pending := r.sums()
		if r.err != nil || at < least || pending == (sums{}) {
			r.fail(errSnapshotValue)
			return
		}
		if _, fits := b.holdings[at].plus(pending); !fits {
			r.fail(errSnapshotValue)
			return
		}
		b.putPending(uint32(at), pending)
		least = at + 1
	}
}

const (
	ofOneTransfer = 1
	hasDeadline   = 2
)

// writeHolds: count, then the status of each hold, a byte each; then each open one, in order: entries (count, then each:
// account, asset, side as a byte, amount), flags, deadline if it has one (seconds since year 1 and nanoseconds),
// description, revision of its placing, captures (count, then each).
func (b *Book) writeHolds(w *snapshotWriter) {
	w.number(b.Holds())
	for _, status := range b.holds.statuses {
		w.b = append(w.b, byte(status))
	}
	for i, status := range b.holds.statuses {
		if status == StatusOpen {
			w.hold(b.holds.open[uint64(i)+1])
		}
	}
}

func (w *snapshotWriter) hold(h *hold) {
	w.number(uint64(len(h.entries)))
	for _, e := range h.entries {
		w.number(uint64(e.place.account))
		w.number(uint64(e.place.asset))
		w.b = append(w.b, byte(e.place.side))
		w.amount(e.amount)
	}
	var flags byte
	if h.single {
		flags |= ofOneTransfer
	}
	if !h.expiresAt.IsZero() {
		flags |= hasDeadline
	}
	w.b = append(w.b, flags)
	if !h.expiresAt.IsZero() {
		w.number(uint64(h.expiresAt.Unix() - time.Time{}.Unix()))
		w.number(uint64(h.expiresAt.Nanosecond()))
	}
	w.text(h.description)
	w.number(h.origin.Placed)
	w.number(uint64(len(h.origin.Captures)))
	for _, transaction := range h.origin.Captures {
		w.number(transaction)
	}
}

func (b *Book) readHolds(r *snapshotReader) {
	statuses := r.bytes(uint64(r.count(1)))
	for i, status := range statuses {
		if int(status) >= len(holdStatuses) {
			r.fail(errSnapshotValue)
		}
		b.holds.statuses = append(b.holds.statuses, HoldStatus(status))
		if HoldStatus(status) == StatusOpen && r.err == nil {
			b.holds.open[uint64(i)+1] = r.hold(b)
		}
	}
}

func (r *snapshotReader) hold(b *Book) *hold {
	h := &hold{entries: make([]held, r.count(5))}
	for i := range h.entries {
		e := &h.entries[i]
		e.place.account = uint32(r.below(uint64(len(b.accounts))))
		e.place.asset = uint32(r.below(uint64(len(b.assets))))
		e.place.side = Side(r.byte())
		e.amount = r.amount()
		if e.place.side > Credit || e.amount.IsZero() {
			r.fail(errSnapshotValue)
		}
	}
	flags := r.byte()
	h.single = flags&ofOneTransfer != 0
	if flags > ofOneTransfer|hasDeadline {
		r.fail(errSnapshotValue)
	}
	if flags&hasDeadline != 0 {
		seconds := r.below(math.MaxInt64 / 2)
		h.expiresAt = time.Unix(int64(seconds)+time.Time{}.Unix(), int64(r.below(uint64(time.Second)))).UTC()
	}
	h.description = string(r.text())
	h.origin.Placed = r.number()
	for range r.count(1) {
		h.origin.Captures = append(h.origin.Captures, r.number())
	}
	return h
}

// writeReverts: count, then each in the order in which they came: the original, its reversal.
func (b *Book) writeReverts(w *snapshotWriter) {
	w.number(uint64(len(b.reverts.list)))
	for _, pair := range b.reverts.list {
		w.number(pair.original)
		w.number(pair.by)
	}
}

func (b *Book) readReverts(r *snapshotReader) {
	n := r.count(2)
	b.reverts.index.reserve(n)
	for range n {
		original, by := r.number(), r.number()
		if _, twice := b.RevertedBy(original); r.err != nil || twice {
			r.fail(errSnapshotValue)
			return
		}
		b.addRevert(original, by)
	}
}
