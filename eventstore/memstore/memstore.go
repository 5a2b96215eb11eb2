// Package memstore is the event store's reference implementation: a log in memory, as simple as the port allows. Tests of
// other rooms run on it; nothing that must be kept may.
//
// What the port leaves open it does as the SQLite store does. Faults are not its business: wrap it in storetest.Faulty.
package memstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"sort"
	"sync"

	"github.com/daybook-ledger/daybook/eventstore"
)

// MaxAppendBytes is what one append takes, in bytes, unless [NewLimited] says otherwise.
const MaxAppendBytes = 64 << 20

// Store is a handle on a log in memory. See [Store.Reopen] for a second one on the same log.
type Store struct {
	log      *log
	maxBytes int
	closing  chan struct{} // closed by Close

	alive  sync.RWMutex // held for reading by appends, so that Close waits for them
	closed bool
}

var _ eventstore.Store = (*Store)(nil)

// New makes an empty store.
func New() *Store { return NewLimited(MaxAppendBytes) }

// NewLimited makes an empty store that refuses appends of more than maxBytes bytes.
func NewLimited(maxBytes int) *Store {
	return open(&log{streams: map[string][]int{}, changed: make(chan struct{})}, maxBytes)
}

// Traits implements [eventstore.Store].
func (s *Store) Traits() eventstore.Traits {
	return eventstore.Traits{MaxAppendBytes: s.maxBytes, Withdraws: true}
}

func open(l *log, maxBytes int) *Store {
	return &Store{log: l, maxBytes: maxBytes, closing: make(chan struct{})}
}

// Reopen is another handle on the same log, as another process would have it, or this one after a restart. It works
// whether or not s is closed.
func (s *Store) Reopen() *Store { return open(s.log, s.maxBytes) }

// Append implements [eventstore.Store].
func (s *Store) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	if err := eventstore.CheckAppend(stream, records, s.maxBytes); err != nil {
		return eventstore.Appended{}, err
	}
	if err := ctx.Err(); err != nil {
		return eventstore.Appended{}, fmt.Errorf("append to stream %q: %w", stream, err)
	}
	s.alive.RLock()
	defer s.alive.RUnlock()
	if s.closed {
		return eventstore.Appended{}, eventstore.ErrClosed
	}
	return s.log.append(stream, expected, records)
}

// ReadStream implements [eventstore.Store].
func (s *Store) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		if err := s.ended(ctx); err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		records, index, exists := s.log.stream(stream)
		if !exists {
			yield(eventstore.Recorded{}, fmt.Errorf("stream %q: %w", stream, eventstore.ErrStreamNotFound))
			return
		}
		for r := from; r < eventstore.Revision(len(index)); r++ {
			if !s.yield(ctx, records[index[r]], yield) {
				return
			}
		}
	}
}

// ReadAll implements [eventstore.Store].
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		if err := s.ended(ctx); err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		records, _ := s.log.after(after)
		for _, r := range records {
			if !s.yield(ctx, r, yield) {
				return
			}
		}
	}
}

// ReadAllBackwards implements [eventstore.Store].
func (s *Store) ReadAllBackwards(
	ctx context.Context, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		if err := s.ended(ctx); err != nil {
			yield(eventstore.Recorded{}, err)
			return
		}
		for _, r := range slices.Backward(s.log.before(before)) {
			if !s.yield(ctx, r, yield) {
				return
			}
		}
	}
}

// Subscribe implements [eventstore.Store].
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for at := after; ; {
			records, changed := s.log.after(at)
			for _, r := range records {
				if !s.yield(ctx, r, yield) {
					return
				}
				at = r.Position
			}
			select {
			case <-changed:
			case <-ctx.Done():
			case <-s.closing:
			}
			if err := s.ended(ctx); err != nil {
				yield(eventstore.Recorded{}, err)
				return
			}
		}
	}
}

// Close implements [eventstore.Store]. The log stays for those who hold another handle on it.
func (s *Store) Close() error {
	s.alive.Lock()
	defer s.alive.Unlock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	return nil
}

// yield gives the caller a copy of r, or the reason why the sequence ends here; it tells whether to go on.
func (s *Store) yield(
	ctx context.Context, r eventstore.Recorded, yield func(eventstore.Recorded, error) bool,
) bool {
	if err := s.ended(ctx); err != nil {
		yield(eventstore.Recorded{}, err)
		return false
	}
	r.Record = clone(r.Record)
	return yield(r, nil)
}

// ended is the reason why a read cannot go on: the store is closed, or the context has ended.
func (s *Store) ended(ctx context.Context) error {
	select {
	case <-s.closing:
		return eventstore.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	return nil
}

// log is what all handles share.
type log struct {
	mu      sync.RWMutex
	records []eventstore.Recorded // in commit order; never changed but by adding to its end
	streams map[string][]int      // stream → revision → index in records
	appends uint64                // the number of appends: the first part of a position
	changed chan struct{}         // closed, and made anew, by every append
}

func (l *log) append(
	stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	index := l.streams[stream]
	next := eventstore.Revision(len(index))
	exists := next > 0
	head := next - min(next, 1)
	if !expected.Holds(exists, head) {
		return eventstore.Appended{}, &eventstore.ConflictError{
			Stream: stream, Expected: expected, Exists: exists, Actual: head,
		}
	}
	l.appends++
	var last eventstore.Recorded
	for i, r := range records {
		last = eventstore.Recorded{
			Record: clone(r), Stream: stream,
			Revision: next + eventstore.Revision(i), Position: eventstore.NewPosition(l.appends, uint64(i)),
		}
		index = append(index, len(l.records))
		l.records = append(l.records, last)
	}
	l.streams[stream] = index
	close(l.changed)
	l.changed = make(chan struct{})
	return eventstore.Appended{Last: last.Revision, Position: last.Position}, nil
}

// stream gives all records and, by revision, where in them those of the stream stand, as they are now.
func (l *log) stream(name string) (records []eventstore.Recorded, index []int, exists bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	index, exists = l.streams[name]
	return l.records, index, exists
}

// after gives the records after a position as they are now, and what is closed when there are more.
func (l *log) after(p eventstore.Position) (records []eventstore.Recorded, changed <-chan struct{}) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	first := sort.Search(len(l.records), func(i int) bool { return l.records[i].Position.Compare(p) > 0 })
	return slices.Clip(l.records[first:]), l.changed
}

// before gives the records before a position as they are now.
func (l *log) before(p eventstore.Position) []eventstore.Recorded {
	l.mu.RLock()
	defer l.mu.RUnlock()
	end := sort.Search(len(l.records), func(i int) bool { return l.records[i].Position.Compare(p) >= 0 })
	return l.records[:end:end]
}

func clone(r eventstore.Record) eventstore.Record {
	r.Data, r.Metadata = bytes.Clone(r.Data), bytes.Clone(r.Metadata)
	return r
}
