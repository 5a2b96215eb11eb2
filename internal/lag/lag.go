// Package lag keeps commands from outrunning the read models without bound.
//
// Appending an event is cheaper than applying it to every read model. Under a load that lasts, the distance between the
// two would grow for as long as it does: reads would show an ever older past, and a restart would have ever more to
// catch up. A [Bound] knows how many events the log has, because whoever appends tells it, and how many each read model
// has, because the projections tell it. When the slowest is too far behind it lets no more commands in, until that has
// caught up by some.
//
// It counts and does no I/O. Numbers come in from the wiring around the event store and from the projections; commands
// ask whether they may come in, which costs them the load of one word.
package lag

import (
	"errors"
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
	log    uint64 // events of ledgers that the log has, those included that are just being appended
	models map[string]*model
}

// model is a read model that is being fed.
type model struct {
	has uint64
	// told is what it lacks, as somebody said who knows the whole log, or nil where that is counted here.
	told *uint64
	// least is the least number of events that it was behind since it counts.
	least uint64
}

// New makes a bound of so many events, or none with 0. The log has so many events at present.
func New(most, log uint64, registerer prometheus.Registerer) *Bound {
	b := &Bound{most: most, slack: max(1, most/10), log: log, models: make(map[string]*model)}
	b.refused = registerMetrics(b, registerer)
	return b
}

// Append counts events that are about to be appended. It has to be called before the append: a read model may have them
// before the append returns.
func (b *Bound) Append(events int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log += uint64(events)
	b.judge()
}

// Failed takes back what [Bound.Append] counted, because it was not appended. Where that is not known it is taken back as
// well: if the events are there, the read models will tell.
func (b *Bound) Failed(events int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log -= min(uint64(events), b.log)
	b.judge()
}

// Has says that a read model which is being fed has so many events of the log.
func (b *Bound) Has(projection string, events uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = max(b.log, events) // what a read model has was appended, by whomever
	m := b.models[projection]
	if m == nil {
		m = &model{least: b.log - events}
		b.models[projection] = m
	}
	m.has, m.told = events, nil
	b.judge()
}

// Lacks says how many events a read model lacks that is being fed. It is for where several processes append to the log, so that
// none can count what all of them do: then only this is told of a read model, and neither [Bound.Has] nor [Bound.Append].
func (b *Bound) Lacks(projection string, events uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.models[projection]
	if m == nil {
		m = &model{least: events}
		b.models[projection] = m
	}
	m.told = &events
	b.judge()
}

// Gone says that a read model is not being fed any more.
func (b *Bound) Gone(projection string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.models, projection)
	b.judge()
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
		most = max(most, b.behind(m))
	}
	return most
}

func (b *Bound) behind(m *model) uint64 {
	if m.told != nil {
		return *m.told
	}
	return b.log - min(m.has, b.log)
}

// judge holds commands up, or lets them in again, as the numbers are now.
func (b *Bound) judge() {
	resumed := b.resumed.Load()
	tooFar := false
	for _, m := range b.models {
		m.least = min(m.least, b.behind(m))
		tooFar = tooFar || b.behind(m) > b.limit(m, resumed != nil)
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

// limit is how far a read model may be behind. One that begins further behind than the bound, because it was lost or had
// stopped, may be what it is: commands go on while it gains on the log, and wait when it loses what it had gained.
func (b *Bound) limit(m *model, held bool) uint64 {
	limit := max(b.most, m.least+b.slack)
	if held {
		limit -= b.slack
	}
	return limit
}
