package sqlstore

import (
	"slices"
	"sync"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// request is one append on its way through the writer.
type request struct {
	stream   string
	expected eventstore.Expected
	rows     []rowlog.Part
	records  int
	bytes    int // of all payloads
	stored   []rowlog.Row

	// The answer, which the writer gives before it closes done.
	appended eventstore.Appended
	err      error
	done     chan struct{}
}

func newRequest(stream string, expected eventstore.Expected, records []eventstore.Record) *request {
	r := &request{
		stream: stream, expected: expected, rows: rowlog.Encode(records), records: len(records), done: make(chan struct{}),
	}
	for i := range r.rows {
		r.bytes += len(r.rows[i].Payload)
	}
	return r
}

// answer ends a request that the writer has taken.
func (r *request) answer(appended eventstore.Appended, err error) {
	r.appended, r.err = appended, err
	r.rows, r.stored = nil, nil
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
// where there is one. With nothing left it tells whether the queue is closed.
func (q *queue) take(maxRequests, maxBytes int) (batch []*request, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes := 0
	for _, r := range q.items {
		if len(batch) == maxRequests || len(batch) > 0 && bytes+r.bytes > maxBytes {
			break
		}
		batch = append(batch, r)
		bytes += r.bytes
	}
	q.items = slices.Delete(q.items, 0, len(batch))
	q.bytes -= bytes
	return batch, q.closed && len(batch) == 0
}

// withdraw removes a request, which then is never written. It tells whether it could: not where the writer has taken it.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.items, r)
	if i < 0 {
		return false
	}
	q.items = slices.Delete(q.items, i, i+1)
	q.bytes -= r.bytes
	return true
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
