// Package lag keeps commands from outrunning the read models without bound.
//
// Appending an event is cheaper than applying it to every read model. Under a load that lasts, the distance between the
// two would grow for as long as it does: reads would show an ever older past, and a restart would have ever more to
// catch up. A [Count] knows how many events the log has, because whoever appends tells it, and how many each read model
// has, because the projections tell it. A [Bound] is told what is lacking, and when the slowest is too far behind it lets no
// more commands in, until that has caught up by some. In a cluster the one is where the projections are, and the other on
// every node.
//
// They count and do no I/O. Numbers come in from the wiring around the event store and from the projections; commands
// ask whether they may come in, which costs them the load of one word.
package lag

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// ErrBehind means that no commands are taken until the read models have caught up.
var ErrBehind = errors.New("the read models are too far behind the log")

// Bound is how far the read models may be behind. It is safe for concurrent use, and a nil one never holds anything up.
//
// Only read models that are being fed count: one that has stopped, or is being built, has nothing to catch up with. Where
// none is fed, as in a process without projections, nothing is held up.
type Bound struct {
	// most is how many events the slowest may be behind; 0 for any number.
	most uint64
	// slack is what has to be caught up before commands come in again, so that they do not stutter.
	slack uint64

	// resumed is nil where commands may come in; otherwise it is closed when they may again. It changes under mu.
	resumed atomic.Pointer[chan struct{}]
	refused prometheus.Counter

	mu     sync.Mutex
	models map[string]*model
}

// model is a read model that is being fed.
type model struct {
	lacks uint64
	// least is the least number of events that it was behind since it counts.
	least uint64
}

// New makes a bound of so many events, or none with 0.
func New(most uint64, registerer prometheus.Registerer) *Bound {
	b := &Bound{most: most, slack: max(1, most/10), models: make(map[string]*model)}
	b.refused = registerMetrics(b, registerer)
	return b
}

// Tell says which read models are being fed, and how many events each of them lacks.
func (b *Bound) Tell(lacks map[string]uint64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	resumed := b.resumed.Load()
	tooFar := false
	for projection, events := range lacks {
		m := b.models[projection]
		if m == nil {
			m = &model{least: events}
			b.models[projection] = m
		}
		m.lacks, m.least = events, min(m.least, events)
		tooFar = tooFar || events > b.limit(m, resumed != nil)
	}
	if len(b.models) > len(lacks) {
		maps.DeleteFunc(b.models, func(projection string, _ *model) bool {
			_, fed := lacks[projection]
			return !fed
		})
	}
	switch {
	case b.most == 0 || tooFar == (resumed != nil):
	case tooFar:
		held := make(chan struct{})
		b.resumed.Store(&held)
	default:
		b.resumed.Store(nil)
		close(*resumed)
	}
}

// Admit tells whether so many commands may come in now. Its error is [ErrBehind].
func (b *Bound) Admit(commands int) error {
	if b == nil || b.resumed.Load() == nil {
		return nil
	}
	b.refused.Add(float64(commands))
	return ErrBehind
}

// Held gives nil where commands may come in, and otherwise what is closed when they may again.
func (b *Bound) Held() <-chan struct{} {
	if b == nil {
		return nil
	}
	if resumed := b.resumed.Load(); resumed != nil {
		return *resumed
	}
	return nil
}

// Behind is how many events the slowest read model is behind, of those that are being fed.
func (b *Bound) Behind() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	most := uint64(0)
	for _, m := range b.models {
		most = max(most, m.lacks)
	}
	return most
}

// limit is how far a read model may be behind. One that begins further behind than the bound, because it was lost or had
// stopped, may be what it is: commands go on while it gains on the log, and wait when it loses what it had gained.
func (b *Bound) limit(m *model, held bool) uint64 {
	limit := max(b.most, m.least+b.slack)
	if held {
		limit -= b.slack
	}
	return limit
}
