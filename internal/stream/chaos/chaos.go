// Package chaos is a transport of events that does, on purpose and often, all that NATS may do: lose, repeat, delay and
// reorder. It is for tests. The same seed and the same events give the same misfortune.
package chaos

import (
	"math/rand/v2"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/memory"
)

// Faults are how likely each misfortune is for an event, from 0 to 1.
type Faults struct {
	// Drop loses the event for ever.
	Drop float64
	// Repeat delivers it twice, the second time at once or, if delayed, later.
	Repeat float64
	// Delay keeps it back until up to MaxDelay later events have been published: it arrives out of order.
	Delay    float64
	MaxDelay int
}

// Severe is a mixture in which hardly an event comes through in its place.
func Severe() Faults { return Faults{Drop: 0.1, Repeat: 0.2, Delay: 0.3, MaxDelay: 20} }

// New makes a transport with these faults; each subscription suffers its own. [memory.Transport.Settle] ends it: what is
// delayed arrives then, and subscribers are told that something may be missing.
func New(seed uint64, f Faults, o memory.Options) *memory.Transport {
	var subscriptions uint64
	o.Path = func() memory.Path {
		subscriptions++
		return &path{faults: f, random: rand.New(rand.NewPCG(seed, subscriptions))} //nolint:gosec // not for secrets
	}
	return memory.New(o)
}

type path struct {
	faults Faults
	random *rand.Rand
	held   []held
}

// held is an event that arrives after so many others have been published.
type held struct {
	event stream.Event
	after int
}

func (p *path) Pass(e stream.Event) []stream.Event {
	arrived := p.release()
	if p.happens(p.faults.Drop) {
		return arrived
	}
	copies := 1
	if p.happens(p.faults.Repeat) {
		copies = 2
	}
	for range copies {
		if p.happens(p.faults.Delay) && p.faults.MaxDelay > 0 {
			p.held = append(p.held, held{event: e, after: 1 + p.random.IntN(p.faults.MaxDelay)})
		} else {
			arrived = append(arrived, e)
		}
	}
	p.random.Shuffle(len(arrived), func(i, j int) { arrived[i], arrived[j] = arrived[j], arrived[i] })
	return arrived
}

func (p *path) Settle() []stream.Event {
	arrived := make([]stream.Event, 0, len(p.held))
	for _, h := range p.held {
		arrived = append(arrived, h.event)
	}
	p.held = nil
	return arrived
}

func (p *path) happens(likelihood float64) bool { return p.random.Float64() < likelihood }

// release counts one more event published, and gives those whose time has come.
func (p *path) release() []stream.Event {
	var arrived []stream.Event
	kept := p.held[:0]
	for _, h := range p.held {
		if h.after--; h.after <= 0 {
			arrived = append(arrived, h.event)
		} else {
			kept = append(kept, h)
		}
	}
	p.held = kept
	return arrived
}
