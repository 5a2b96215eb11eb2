package sqlstore

import (
	"sync"
	"sync/atomic"

	"github.com/daybook-ledger/daybook/eventstore"
)

// request is one append on its way through the writer.
type request struct {
	stream   string
	expected eventstore.Expected
	rows     []row
	records  int
	bytes    int // of all payloads

	state atomic.Uint32 // waiting, then either taken (by the writer) or withdrawn (by the caller)

	// The answer, which the writer gives before it closes done.
	appended eventstore.Appended
	err      error
	done     chan struct{}
}

const (
	waiting uint32 = iota
	taken
	withdrawn
)

func newRequest(stream string, expected eventstore.Expected, records []eventstore.Record) *request {
	r := &request{
		stream: stream, expected: expected, rows: encodeRows(records), records: len(records), done: make(chan struct{}),
	}
	for i := range r.rows {
		r.bytes += len(r.rows[i].payload)
	}
	return r
}

// take makes the request the writer's, unless the caller has withdrawn it.
func (r *request) take() bool { return r.state.CompareAndSwap(waiting, taken) }

// withdraw makes sure that the request is never written, unless the writer has taken it.
func (r *request) withdraw() bool { return r.state.CompareAndSwap(waiting, withdrawn) }

// answer ends a request that was taken.
func (r *request) answer(appended eventstore.Appended, err error) {
	r.appended, r.err = appended, err
	r.rows = nil
	close(r.done)
}

// queue holds the requests that wait for the writer, up to a number and up to a sum of bytes.
type queue struct {
	maxWaiting int
	maxBytes   int
	ready      chan struct{} // has an element where the writer has something to look at: requests, or the end

	mu     sync.Mutex
	items  []*request
	bytes  int
	closed bool
}

func newQueue(maxWaiting, maxBytes int) *queue {
	return &queue{maxWaiting: maxWaiting, maxBytes: maxBytes, ready: make(chan struct{}, 1)}
}

// push adds a request. It fails, and has not taken it up, where too much is waiting or the queue is closed.
func (q *queue) push(r *request) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return eventstore.ErrClosed
	}
	// A request may be larger than what is left for all: an empty queue takes any.
	if len(q.items) >= q.maxWaiting || len(q.items) > 0 && q.bytes+r.bytes > q.maxBytes {
		return eventstore.ErrOverloaded
	}
	q.items = append(q.items, r)
	q.bytes += r.bytes
	q.wake()
	return nil
}

// take removes requests from the front: as many as have come, up to a number and up to a sum of bytes, but at least one
// where there is one. Those that were withdrawn are dropped. With nothing left it tells whether the queue is closed.
func (q *queue) take(maxRequests, maxBytes int) (batch []*request, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes, n := 0, 0
	for ; n < len(q.items) && len(batch) < maxRequests; n++ {
		r := q.items[n]
		if len(batch) > 0 && bytes+r.bytes > maxBytes {
			break
		}
		q.bytes -= r.bytes
		if r.take() {
			batch = append(batch, r)
			bytes += r.bytes
		}
	}
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	return batch, q.closed && len(batch) == 0
}

// close lets nothing more in. It tells whether it was open until now.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.closed = true
	q.wake()
	return true
}

// length is the number of requests that wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

func (q *queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}
