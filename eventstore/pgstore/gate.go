package pgstore

import (
	"sync"

	"github.com/daybook-ledger/daybook/eventstore"
)

// gate bounds the appends that wait for a connection, in number and in bytes, and knows when all that came in have their
// answers.
type gate struct {
	maxWaiting, maxBytes int

	under sync.WaitGroup // appends that have no answer yet

	mu             sync.Mutex
	waiting, bytes int
	closed         bool
}

func newGate(maxWaiting, maxBytes int) *gate {
	return &gate{maxWaiting: maxWaiting, maxBytes: maxBytes}
}

// enter lets an append wait; [gate.pass] and then [gate.leave] have to follow. It fails, and has not taken it up, where too
// much is waiting or the gate is closed.
func (g *gate) enter(bytes int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return eventstore.ErrClosed
	}
	// An append may be larger than what is left for all: where none waits any is let in.
	if g.waiting >= g.maxWaiting || g.waiting > 0 && g.bytes+bytes > g.maxBytes {
		return eventstore.ErrOverloaded
	}
	g.waiting++
	g.bytes += bytes
	g.under.Add(1)
	return nil
}

// pass says that an append waits no more.
func (g *gate) pass(bytes int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
	g.bytes -= bytes
}

// leave says that an append has its answer.
func (g *gate) leave() { g.under.Done() }

// close lets nothing more in. It tells whether it was open until now.
func (g *gate) close() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	open := !g.closed
	g.closed = true
	return open
}

// wait returns when all that came in have their answers. The gate has to be closed.
func (g *gate) wait() { g.under.Wait() }

// length is the number of appends that wait.
func (g *gate) length() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}
