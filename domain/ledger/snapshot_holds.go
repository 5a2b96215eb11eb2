package ledger

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	ofOneTransfer = 1
	hasDeadline   = 2
)

// writeHolds: count, then the status of each hold, a byte each; then each open one, in order: entries (count, then each:
// account, asset, side as a byte, amount), flags, deadline if it has one (seconds since year 1 and nanoseconds),
// description, revision of its placing, captures (count, then each).
func (b *Book) writeHolds(w *snapshotWriter) {
	w.number(b.Holds())
	for _, status := range b.holds.statuses.all {
		w.byte(byte(*status))
		w.pass()
	}
	var open []*hold
	for _, h := range b.holds.open.all {
		if *h != nil {
			open = append(open, *h)
		}
	}
	slices.SortFunc(open, func(a, b *hold) int { return cmp.Compare(a.id, b.id) })
	for _, h := range open {
		w.hold(h)
		w.pass()
	}
}

func (w *snapshotWriter) hold(h *hold) {
	w.number(uint64(len(h.entries)))
	for _, e := range h.entries {
		w.number(uint64(e.place.account))
		w.number(uint64(e.place.asset))
		w.byte(byte(e.place.side))
		w.amount(e.amount)
	}
	var flags byte
	if h.single {
		flags |= ofOneTransfer
	}
	if !h.expiresAt.IsZero() {
		flags |= hasDeadline
	}
	w.byte(flags)
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
		b.holds.statuses.add(HoldStatus(status))
		if HoldStatus(status) != StatusOpen || r.err != nil {
			continue
		}
		h := r.hold(b)
		h.id = uint64(i) + 1
		b.holds.put(h)
		for _, e := range h.entries {
			r.must(r.err == nil && b.restorePending(e))
		}
	}
}

// restorePending adds an entry of an open hold to what is pending, which is nothing else than the sum of them.
func (b *Book) restorePending(e held) (ok bool) {
	at, found := b.findHolding(e.place.account, e.place.asset)
	if !found {
		return false
	}
	more := sums{debits: e.amount}
	if e.place.side == Credit {
		more = sums{credits: e.amount}
	}
	pending, ok := b.pending[at].plus(more)
	if !ok {
		return false
	}
	b.putPending(at, pending)
	_, ok = b.holdings.at(at).plus(pending)
	return ok
}

func (r *snapshotReader) hold(b *Book) *hold {
	h := &hold{entries: make([]held, r.count(5))}
	for i := range h.entries {
		e := &h.entries[i]
		e.place.account = uint32(r.below(uint64(b.accounts.len())))
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
	w.number(uint64(b.reverts.list.len()))
	for _, pair := range b.reverts.list.all {
		w.number(pair.original)
		w.number(pair.by)
		w.pass()
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
