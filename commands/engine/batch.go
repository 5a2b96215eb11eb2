package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
)

// batch is what is appended at once, and who waits for it.
type batch[C, E any] struct {
	before  head // where the stream ends before it
	records []eventstore.Record
	bytes   int
	units   []decided[C, E]
	// rejections tells whether some caller will be told of the state without having changed it.
	rejections bool
	// snapshot is of the state after the batch; nil for none.
	snapshot *saving

	arena []byte // where the records' metadata are, with room for more
}

// newBatch makes a batch with room for about as much as the one before it has.
func newBatch[C, E any](before head, last *batch[C, E]) *batch[C, E] {
	const most = 256
	b := &batch[C, E]{before: before}
	if last != nil {
		b.records = make([]eventstore.Record, 0, min(len(last.records), most))
		b.units = make([]decided[C, E], 0, min(len(last.units), most))
	}
	return b
}

// decided is a unit and what will be answered when its batch is durable.
type decided[C, E any] struct {
	job     *job[C, E]
	result  Result[E]
	err     error
	records int // how many of the batch's records are its
}

// keep copies bytes to where they may stay.
func (b *batch[C, E]) keep(p []byte) []byte {
	const most = 64 << 10
	if cap(b.arena)-len(b.arena) < len(p) {
		b.arena = make([]byte, 0, max(len(p), min(2*cap(b.arena), most)))
	}
	from := len(b.arena)
	b.arena = append(b.arena, p...)
	return b.arena[from:len(b.arena):len(b.arena)]
}

func (b *batch[C, E]) add(r eventstore.Record) {
	b.records = append(b.records, r)
	b.bytes += len(r.Type) + len(r.Data) + len(r.Metadata)
}

// truncate takes back all records but the first n.
func (b *batch[C, E]) truncate(n int) {
	for _, r := range b.records[n:] {
		b.bytes -= len(r.Type) + len(r.Data) + len(r.Metadata)
	}
	clear(b.records[n:])
	b.records = b.records[:n]
}

// halve divides the batch between its units, of which it has at least two.
func (b *batch[C, E]) halve() (first, second *batch[C, E]) {
	middle, records := len(b.units)/2, 0
	for _, u := range b.units[:middle] {
		records += u.records
	}
	first = &batch[C, E]{
		before: b.before, records: b.records[:records], units: b.units[:middle], rejections: b.rejections,
	}
	second = &batch[C, E]{
		before: b.before, records: b.records[records:], units: b.units[middle:], rejections: b.rejections,
		snapshot: b.snapshot,
	}
	if records > 0 {
		second.before = head{exists: true, revision: b.before.next() + eventstore.Revision(records) - 1}
	}
	return first, second
}

// write appends the batches that it is given, one at a time, until there are no more. It runs beside run, which waits
// for it.
func (s *stream[S, C, E]) write() {
	for b := range s.toWrite {
		if len(b.records) > 0 {
			s.written <- s.append(b)
		} else {
			s.written <- s.confirm(b)
		}
	}
}

// append is the one place that writes to the log.
func (s *stream[S, C, E]) append(b *batch[C, E]) error {
	expected := eventstore.NoStream()
	if b.before.exists {
		expected = eventstore.At(b.before.revision)
	}
	started := time.Now()
	_, err := s.store.Append(s.life, s.name, expected, b.records)
	s.metrics.appendSeconds.Observe(time.Since(started).Seconds())
	return err //nolint:wrapcheck // finish distinguishes the store's errors, and wraps them
}

// confirm takes the place of an append where there is nothing to append: it conflicts where the stream has grown.
func (s *stream[S, C, E]) confirm(b *batch[C, E]) error {
	for recorded, err := range s.store.ReadStream(s.life, s.name, b.before.next()) {
		switch {
		case errors.Is(err, eventstore.ErrStreamNotFound) && !b.before.exists:
			return nil
		case err != nil:
			return unreadable("confirm where stream %q ends: %w", s.name, err)
		default:
			return fmt.Errorf("%w: it has revision %d", eventstore.ErrConflict, recorded.Revision)
		}
	}
	return nil
}
