package loadgen

import (
	"slices"
	"sync"
	"time"
)

// Lag measures for each acknowledged revision how long it took from its acknowledgement until a reader saw it. It keeps
// the revisions that no reader has seen yet, and a [Histogram] of the others. It is safe for concurrent use.
type Lag struct {
	mu      sync.Mutex
	seen    uint64
	seenAt  time.Time
	waiting []acknowledged
	lags    Histogram
}

type acknowledged struct {
	revision uint64
	at       time.Time
}

// Acknowledged says that a writer was told of a revision. What a reader saw before that has a lag of zero.
func (l *Lag) Acknowledged(revision uint64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision <= l.seen {
		l.lags.Record(l.seenAt.Sub(at)) // above zero only where the reader overtook the writer on the way to this lock
		return
	}
	l.waiting = append(l.waiting, acknowledged{revision, at})
}

// Seen says that a reader had an answer which reflects everything up to a revision.
func (l *Lag) Seen(revision uint64, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if revision <= l.seen {
		return
	}
	l.seen, l.seenAt = revision, at
	l.waiting = slices.DeleteFunc(l.waiting, func(a acknowledged) bool {
		if a.revision > revision {
			return false
		}
		l.lags.Record(at.Sub(a.at))
		return true
	})
}

// Waiting is how many acknowledged revisions no reader has seen.
func (l *Lag) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting)
}

// Histogram is of the lags of all revisions that were both acknowledged and seen. It is read when nothing is measured any
// more.
func (l *Lag) Histogram() *Histogram { return &l.lags }
