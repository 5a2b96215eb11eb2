package storetest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Faulty is a store that fails on purpose. It sits at the port, over any store, and does to appends and reads what tests
// tell it. Without faults it is the store it wraps.
type Faulty struct {
	inner eventstore.Store

	mu     sync.Mutex
	next   []Fault // for the appends to come, one each
	always Fault   // for those that no fault of next is left for; nil for none
	reads  error   // what reads fail with; nil for none
	count  int     // appends that arrived

	late sync.WaitGroup // appends that go on after their callers were answered
}

var _ eventstore.Store = (*Faulty)(nil)

// NewFaulty wraps a store. Closing the Faulty closes the store.
func NewFaulty(inner eventstore.Store) *Faulty { return &Faulty{inner: inner} }

// Traits implements [eventstore.Store].
func (f *Faulty) Traits() eventstore.Traits { return f.inner.Traits() }

// Inner is the store underneath: appending to it is what a second writer does behind the first one's back.
func (f *Faulty) Inner() eventstore.Store { return f.inner }

// Next gives faults to the appends to come, one each, in order, after those given before.
func (f *Faulty) Next(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = append(f.next, faults...)
}

// Always gives a fault to every append that Next left none for, until it is given another one; nil ends it. A store that
// is away for a while is Always(Refused(eventstore.ErrUnavailable)), and later Always(nil).
func (f *Faulty) Always(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = fault
}

// FailReads makes reads and new subscriptions yield err, until it is given nil.
func (f *Faulty) FailReads(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads = err
}

// Appends is the number of appends that arrived, whatever became of them.
func (f *Faulty) Appends() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Append implements [eventstore.Store].
func (f *Faulty) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	fault := f.take()
	if fault == nil {
		return f.inner.Append(ctx, stream, expected, records) //nolint:wrapcheck // the store's own answer
	}
	// A fault may carry the append out after its caller was answered, and the caller's bytes are its own again then.
	kept := slices.Clone(records)
	for i := range kept {
		kept[i].Data, kept[i].Metadata = bytes.Clone(kept[i].Data), bytes.Clone(kept[i].Metadata)
	}
	return fault(ctx, f, func(ctx context.Context) (eventstore.Appended, error) {
		return f.inner.Append(ctx, stream, expected, kept)
	})
}

func (f *Faulty) take() Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	if len(f.next) == 0 {
		return f.always
	}
	fault := f.next[0]
	f.next = f.next[1:]
	return fault
}

// ReadStream implements [eventstore.Store].
func (f *Faulty) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	return f.read(f.inner.ReadStream(ctx, stream, from))
}

// ReadAll implements [eventstore.Store].
func (f *Faulty) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return f.read(f.inner.ReadAll(ctx, after))
}

// ReadAllBackwards implements [eventstore.Store].
func (f *Faulty) ReadAllBackwards(
	ctx context.Context, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return f.read(f.inner.ReadAllBackwards(ctx, before))
}

// Subscribe implements [eventstore.Store].
func (f *Faulty) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return f.read(f.inner.Subscribe(ctx, after))
}

func (f *Faulty) read(inner iter.Seq2[eventstore.Recorded, error]) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		f.mu.Lock()
		err := f.reads
		f.mu.Unlock()
		if err != nil {
			yield(eventstore.Recorded{}, fmt.Errorf("fault on purpose: %w", err))
			return
		}
		inner(yield)
	}
}

// Close implements [eventstore.Store]. It waits for late appends too: release them first.
func (f *Faulty) Close() error {
	f.late.Wait()
	return f.inner.Close() //nolint:wrapcheck // the store's own answer
}
