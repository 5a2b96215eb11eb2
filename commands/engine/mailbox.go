package engine

import (
	"context"
	"sync"
	"sync/atomic"
)

// job is a unit on its way through an engine. Its caller owns it until it is in the mailbox and after done is closed;
// in between the stream's goroutine does.
type job[C, E any] struct {
	Unit[C]

	ctx  context.Context //nolint:containedctx // the caller's: a unit that nobody waits for need not be decided
	done chan struct{}   // closed when result and err are set

	result Result[E]
	err    error

	waits    bool // counted as waiting
	answered bool // done is closed
	doubtful bool // the outcome of an append that carried it is unknown
	attempts int  // appends that failed with it
}

// mailbox is where the units for one stream wait. It is bounded by the number of their commands.
type mailbox[C, E any] struct {
	limit int
	total *atomic.Int64 // commands that wait, in all mailboxes
	count atomic.Int64  // commands that wait, in this one

	wake chan struct{} // has a token when something may have changed

	mu      sync.Mutex
	jobs    []*job[C, E]
	closed  bool // nothing more is to come; what comes all the same is taken
	retired bool // nobody takes any more
}

type putOutcome int

const (
	taken putOutcome = iota
	full
	retired
)

func (b *mailbox[C, E]) put(j *job[C, E]) putOutcome {
	n := int64(len(j.Commands))
	if waiting := b.count.Add(n); waiting > int64(b.limit) && waiting != n {
		b.count.Add(-n)
		return full
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.retired {
		b.count.Add(-n)
		return retired
	}
	b.total.Add(n)
	j.waits = true
	b.jobs = append(b.jobs, j)
	b.signal()
	return taken
}

// take empties the mailbox into the caller's hands, and goes on with the caller's old slice.
func (b *mailbox[C, E]) take(old []*job[C, E]) []*job[C, E] {
	clear(old)
	b.mu.Lock()
	defer b.mu.Unlock()
	jobs := b.jobs
	b.jobs = old[:0]
	return jobs
}

// release says that a job waits no more.
func (b *mailbox[C, E]) release(j *job[C, E]) {
	if j.waits {
		j.waits = false
		b.count.Add(-int64(len(j.Commands)))
		b.total.Add(-int64(len(j.Commands)))
	}
}

func (b *mailbox[C, E]) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.signal()
}

func (b *mailbox[C, E]) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// retire ends the mailbox, unless something is in it.
func (b *mailbox[C, E]) retire() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.retired = len(b.jobs) == 0
	return b.retired
}

func (b *mailbox[C, E]) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}
