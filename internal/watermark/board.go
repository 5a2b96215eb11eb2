// Package watermark tells readers how far the projections of this process have come.
//
// Projectors publish the revision that they have committed for a ledger; queries that must see a certain revision wait
// for it. It is a hint that saves polling, never the truth: what a projection holds is in its checkpoint, and a query
// reads that again in the transaction that reads the rows. Progress of another process is seen as far as somebody publishes that here
// too (internal/progress).
//
// It keeps numbers in memory only, and does no I/O.
package watermark

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
)

// marksKept bounds the (projection, ledger) pairs that a board remembers while nobody waits for them.
const marksKept = 1 << 17

// Board has the revision last published for each projection and ledger, and those who wait for a later one.
// It is safe for concurrent use.
//
// Memory is bounded by a constant plus the waiters: past marksKept pairs any that nobody waits for is forgotten. A
// wait for a forgotten one lasts until the next publication, so a caller looks at the checkpoint itself now and then.
type Board struct {
	mu    sync.Mutex
	marks map[pair]*mark
	kept  int
	// awaited has a token when somebody has begun to wait.
	awaited chan struct{}
}

// New is a board on which nothing was published.
func New() *Board {
	return &Board{marks: make(map[pair]*mark), kept: marksKept, awaited: make(chan struct{}, 1)}
}

// Awaited has a token when somebody has begun to wait since the last one was taken. Projectors that let work gather take
// it for a reason not to.
func (b *Board) Awaited() <-chan struct{} { return b.awaited }

// Publish says that a projection has committed everything up to the revision of a ledger. A revision below one that
// was published before changes nothing.
func (b *Board) Publish(projection, ledger string, revision uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := pair{projection, ledger}
	m := b.marks[at]
	if m == nil {
		b.forget()
		m = &mark{}
		b.marks[at] = m
	}
	if m.published && revision <= m.revision {
		return
	}
	m.published, m.revision = true, revision
	for len(m.waiters) > 0 && m.waiters[0].revision <= revision {
		w := heap.Pop(&m.waiters).(*waiter) //nolint:forcetypeassert // the heap holds nothing else
		close(w.reached)
	}
}

// Wait returns nil when all the projections have published the revision of the ledger, or a later one, and the error
// of ctx when that ends first. A ledger that nobody has heard of is waited for like any other.
func (b *Board) Wait(ctx context.Context, ledger string, revision uint64, projections ...string) error {
	// Revisions only grow, so what was reached while waiting for the first is still reached after the last.
	for _, projection := range projections {
		if err := b.wait(ctx, pair{projection, ledger}, revision); err != nil {
			return fmt.Errorf("wait for revision %d of ledger %q in projection %q: %w", revision, ledger, projection, err)
		}
	}
	return nil
}

func (b *Board) wait(ctx context.Context, at pair, revision uint64) error {
	w := b.enter(at, revision)
	if w == nil {
		return nil
	}
	select {
	case <-w.reached:
		return nil
	case <-ctx.Done():
		b.leave(at, w)
		return context.Cause(ctx)
	}
}

// enter is nil where the revision was published already.
func (b *Board) enter(at pair, revision uint64) *waiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.marks[at]
	if m == nil {
		m = &mark{}
		b.marks[at] = m
	}
	if m.published && m.revision >= revision {
		return nil
	}
	w := &waiter{revision: revision, reached: make(chan struct{})}
	heap.Push(&m.waiters, w)
	select {
	case b.awaited <- struct{}{}:
	default:
	}
	return w
}

func (b *Board) leave(at pair, w *waiter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.place < 0 {
		return // it was woken at the same moment
	}
	m := b.marks[at]
	heap.Remove(&m.waiters, w.place)
	if len(m.waiters) == 0 && !m.published {
		delete(b.marks, at)
	}
}

// forget makes room for one more mark, if there is one that nobody waits for among the first few met: maps are walked
// in no order, so old ones go as well as new.
func (b *Board) forget() {
	if len(b.marks) < b.kept {
		return
	}
	tries := 32
	for at, m := range b.marks {
		if len(m.waiters) == 0 {
			delete(b.marks, at)
			return
		}
		if tries--; tries == 0 {
			return
		}
	}
}
