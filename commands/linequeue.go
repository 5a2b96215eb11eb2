package commands

import "sync"

// lineItem is a line's command, or its problem.
type lineItem struct {
	item

	line int
	size int
}

// lineQueue holds the lines that were read and not yet submitted, bounded by their number and their bytes. One
// goroutine puts, one takes.
type lineQueue struct {
	maxItems, maxBytes int

	mu        sync.Mutex
	changed   sync.Cond
	items     []lineItem
	bytes     int
	closed    bool // nothing more will be put
	abandoned bool // nothing more will be taken
}

func newLineQueue(maxItems, maxBytes int) *lineQueue {
	q := &lineQueue{maxItems: maxItems, maxBytes: maxBytes}
	q.changed.L = &q.mu
	return q
}

// put waits until there is room; an item that is larger than the queue goes in when it is empty. It is false where
// nobody takes any more.
func (q *lineQueue) put(it lineItem, size int) bool {
	it.size = size
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.abandoned && len(q.items) > 0 && (len(q.items) >= q.maxItems || q.bytes+size > q.maxBytes) {
		q.changed.Wait()
	}
	if q.abandoned {
		return false
	}
	q.items = append(q.items, it)
	q.bytes += size
	if len(q.items) == 1 {
		q.changed.Signal()
	}
	return true
}

// take waits until there is something, and appends up to most of it to dst. It gives nothing when the queue is closed
// and empty.
func (q *lineQueue) take(dst []lineItem, most int) []lineItem {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.changed.Wait()
	}
	n := min(most, len(q.items))
	dst = append(dst, q.items[:n]...)
	for i := range q.items[:n] {
		q.bytes -= q.items[i].size
	}
	left := copy(q.items, q.items[n:])
	clear(q.items[left:])
	q.items = q.items[:left]
	q.changed.Signal()
	return dst
}

func (q *lineQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.changed.Broadcast()
}

func (q *lineQueue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.abandoned = true
	q.changed.Broadcast()
}
