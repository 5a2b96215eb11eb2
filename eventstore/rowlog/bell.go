package rowlog

import "sync/atomic"

// Bell wakes those who wait for records. The zero bell is ready for use.
type Bell struct {
	// next holds a channel that is closed, and replaced, by each ring.
	next atomic.Pointer[chan struct{}]
}

// Next gives what the next ring closes. Whoever takes it before reading the log, and then waits for it, misses nothing
// that is announced after the reading.
func (b *Bell) Next() <-chan struct{} {
	for {
		if next := b.next.Load(); next != nil {
			return *next
		}
		fresh := make(chan struct{})
		b.next.CompareAndSwap(nil, &fresh)
	}
}

// Ring wakes all who wait.
func (b *Bell) Ring() {
	if waiting := b.next.Swap(nil); waiting != nil {
		close(*waiting)
	}
}
