package pgstore

import (
	"slices"
	"sync"

	"github.com/daybook-ledger/daybook/eventstore"
)

const (
	// maxTogether and maxTogetherBytes bound what is committed together; one append may be larger.
	maxTogether      = 32
	maxTogetherBytes = 4 << 20
)

// queue has the appends that wait for a connection. It bounds them, in number and in bytes, knows by how many connections they are being
// carried to the database, and when all that came in have their answers.
type queue struct {
	maxWaiting, maxBytes, maxCarriers int

	under sync.WaitGroup // appends that have no answer yet, and carriers

	mu       sync.Mutex
	waiting  []*request
	bytes    int // of those that wait
	carriers int
	closed   bool
}

func newQueue(maxWaiting, maxBytes, maxCarriers int) *queue {
	return &queue{maxWaiting: maxWaiting, maxBytes: maxBytes, maxCarriers: maxCarriers}
}

// enter lets an append wait, and tells whether whoever asks has to see to one more carrier. It fails, and has not taken the append up, where
// too much is waiting or the queue is closed.
func (q *queue) enter(r *request) (carrier bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false, eventstore.ErrClosed
	}
	// An append may be larger than what is left for all: where none waits any is let in.
	if len(q.waiting) >= q.maxWaiting || len(q.waiting) > 0 && q.bytes+r.bytes > q.maxBytes {
		return false, eventstore.ErrOverloaded
	}
	q.waiting = append(q.waiting, r)
	q.bytes += r.bytes
	q.under.Add(1)
	if carrier = q.carriers < q.maxCarriers; carrier {
		q.carriers++
		q.under.Add(1)
	}
	return carrier, nil
}

// withdraw takes an append back, if it still waits.
func (q *queue) withdraw(r *request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.Index(q.waiting, r)
	if i < 0 {
		return false
	}
	q.waiting = slices.Delete(q.waiting, i, i+1)
	q.bytes -= r.bytes
	q.under.Done()
	return true
}

// take gives a carrier what it is to carry next, in the order in which they came. Where nothing waits the carrier has to end.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		q.carriers--
		q.under.Done()
		return nil
	}
	n, bytes := 1, q.waiting[0].bytes
	for n < min(len(q.waiting), maxTogether) && !q.waiting[0].alone && !q.waiting[n].alone &&
		bytes+q.waiting[n].bytes <= maxTogetherBytes {
		bytes += q.waiting[n].bytes
		n++
	}
	together := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	q.bytes -= bytes
	return together
}

// again has appends that were taken together taken once more, each alone, and before all others. It tells how many more carriers whoever
// asks has to see to.
func (q *queue) again(together []*request) (carriers int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range together {
		r.alone = true
		q.bytes += r.bytes
	}
	q.waiting = slices.Concat(together, q.waiting)
	carriers = min(len(together)-1, q.maxCarriers-q.carriers) // the one that had them goes on
	q.carriers += carriers
	q.under.Add(carriers)
	return carriers
}

// answered says that an append that was taken has its answer.
func (q *queue) answered() { q.under.Done() }

// close lets nothing more in. It tells whether it was open until now.
func (q *queue) close() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	open := !q.closed
	q.closed = true
	return open
}

// wait returns when all that came in have their answers. The queue has to be closed.
func (q *queue) wait() { q.under.Wait() }

// length is the number of appends that wait.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
