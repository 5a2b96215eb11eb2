// Package backlog is a bounded queue between one who brings items singly and one who takes all that wait.
//
// It is how batches form without lingering: an idle taker gets an item at once, a busy one finds next time all that
// came meanwhile. It is bounded by number and by bytes; whoever brings more than fits waits.
package backlog

import (
	"context"
	"sync"
)

// Limits bound a number of items and the sum of their sizes in bytes.
type Limits struct {
	Items int
	Bytes int
}

// Backlog is the queue. Any number may bring; one takes.
type Backlog[T any] struct {
	capacity Limits

	mu    sync.Mutex
	items []T
	sizes []int
	bytes int
	// taken is how many were taken last: most often the next ones are as many.
	taken int

	// ready holds a token while there are items, room while there may be room for one more.
	ready chan struct{}
	room  chan struct{}
}

// New makes a backlog that holds up to its capacity, and what was brought last however large that is.
func New[T any](capacity Limits) *Backlog[T] {
	return &Backlog[T]{capacity: capacity, ready: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// Put brings one item, waiting until it fits. It fails with the context's error, and the item was not taken up then.
func (b *Backlog[T]) Put(ctx context.Context, item T, size int) error {
	if err := b.enter(ctx, size); err != nil {
		return err
	}
	defer b.leave(len(b.items))
	if b.items == nil {
		b.items = make([]T, 0, b.taken)
	}
	b.items = append(b.items, item)
	b.sizes = append(b.sizes, size)
	b.bytes += size
	return nil
}

// PutAll brings items that belong to the backlog from then on. It waits until the first fits, and takes up the others with
// it, which are in memory anyway; so what it brings at a time must be bounded. It fails with the context's error, and
// none was taken up then.
func (b *Backlog[T]) PutAll(ctx context.Context, items []T, size func(*T) int) error {
	if len(items) == 0 {
		return nil
	}
	if err := b.enter(ctx, size(&items[0])); err != nil {
		return err
	}
	defer b.leave(len(b.items))
	for i := range items {
		b.sizes = append(b.sizes, size(&items[i]))
		b.bytes += b.sizes[len(b.sizes)-1]
	}
	if b.items == nil {
		b.items = items // the usual case, without a copy
	} else {
		b.items = append(b.items, items...)
	}
	return nil
}

// enter locks the backlog where one more item fits.
func (b *Backlog[T]) enter(ctx context.Context, size int) error {
	for {
		b.mu.Lock()
		if b.fits(size) {
			return nil
		}
		b.mu.Unlock()
		select {
		case <-b.room:
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // the caller's own context
		}
	}
}

// leave unlocks it, where so many items had waited before.
func (b *Backlog[T]) leave(waited int) {
	if waited == 0 {
		signal(b.ready)
	}
	if b.fits(0) {
		// Another may be waiting for the room that is left.
		signal(b.room)
	}
	b.mu.Unlock()
}

func (b *Backlog[T]) fits(size int) bool {
	return len(b.items) == 0 || len(b.items) < b.capacity.Items && b.bytes+size <= b.capacity.Bytes
}

// Take waits until something is there, and takes as much of it as the limits allow, at least one item. It fails with
// the context's error.
func (b *Backlog[T]) Take(ctx context.Context, limits Limits) ([]T, error) {
	for {
		if taken := b.TryTake(limits); taken != nil {
			return taken, nil
		}
		select {
		case <-b.ready:
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // the caller's own context
		}
	}
}

// TryTake is Take that does not wait: it gives nil where nothing is there.
func (b *Backlog[T]) TryTake(limits Limits) []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		return nil
	}
	n, bytes := 1, b.sizes[0]
	for n < len(b.items) && n < limits.Items && bytes+b.sizes[n] <= limits.Bytes {
		bytes += b.sizes[n]
		n++
	}
	taken := b.items[:n:n]
	b.taken = n
	b.bytes -= bytes
	if n == len(b.items) {
		b.items, b.sizes = nil, b.sizes[:0]
	} else {
		b.items, b.sizes = b.items[n:], b.sizes[n:]
		signal(b.ready)
	}
	signal(b.room)
	return taken
}

// Ready yields a token when there may be something to take.
func (b *Backlog[T]) Ready() <-chan struct{} { return b.ready }

// Len is the number of items that wait.
func (b *Backlog[T]) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
