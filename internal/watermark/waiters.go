package watermark

type pair struct{ projection, ledger string }

// mark is how far one projection has come with one ledger.
type mark struct {
	published bool
	revision  uint64
	waiters   waiters
}

// waiter is one call of Wait. The board closes reached, once, when it takes the waiter out of its heap.
type waiter struct {
	revision uint64
	reached  chan struct{}
	place    int // in the heap; -1 when out of it
}

// waiters is a heap by revision, so that a publication touches those it wakes and no others.
//
//nolint:recvcheck // as container/heap wants it: only Push and Pop change the slice itself
type waiters []*waiter

func (w waiters) Len() int           { return len(w) }
func (w waiters) Less(i, j int) bool { return w[i].revision < w[j].revision }

func (w waiters) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].place, w[j].place = i, j
}

func (w *waiters) Push(x any) {
	added := x.(*waiter) //nolint:forcetypeassert // the heap holds nothing else
	added.place = len(*w)
	*w = append(*w, added)
}

func (w *waiters) Pop() any {
	last := len(*w) - 1
	taken := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	taken.place = -1
	return taken
}
