package runner

import (
	"fmt"
	"iter"

	"github.com/daybook-ledger/daybook/eventstore"
)

// part is some of what a store has yielded.
type part struct {
	items []item
	read  span
	err   error
}

// gatherer turns a sequence of records, which may pause at any point, into parts.
type gatherer struct {
	after eventstore.Position
	max   int
	// ahead makes it decode what it reads, while the part before is being written.
	ahead bool
	one   chan recorded
	parts chan part
}

func gather(records iter.Seq2[eventstore.Recorded, error], g *gatherer) <-chan part {
	g.one, g.parts = make(chan recorded, g.max), make(chan part, 1)
	go func() {
		defer close(g.one)
		for record, err := range records {
			g.one <- recorded{record, err}
		}
	}()
	go g.run()
	return g.parts
}

// drain waits for the reader of a store to end, which it does when its context ends.
func drain(parts <-chan part) {
	for range parts { // what comes is not wanted any more
	}
}

type recorded struct {
	record eventstore.Recorded
	err    error
}

// run reads to the end of the records.
func (g *gatherer) run() {
	defer close(g.parts)
	p := part{read: span{g.after, g.after}}
	started := false
	for {
		var out chan<- part
		if started {
			out = g.parts
		}
		in := g.one
		if len(p.items) >= g.max || p.err != nil {
			in = nil
		}
		select {
		case next, open := <-in:
			if !open {
				if started {
					g.parts <- p
				}
				return
			}
			started = true
			p.add(&next, g.ahead)
		case out <- p:
			if p.err != nil {
				for range g.one { // nothing follows an error
				}
				return
			}
			// The next part is likely to be as long.
			p, started = part{read: span{p.read.upTo, p.read.upTo}, items: make([]item, 0, len(p.items))}, false
		}
	}
}

func (p *part) add(next *recorded, ahead bool) {
	if next.err != nil {
		p.err = fmt.Errorf("read the event store: %w", next.err)
		return
	}
	p.read.upTo = next.record.Position
	it, ok := itemOf(&next.record)
	if !ok {
		return
	}
	if ahead {
		_ = it.decode() // an item that cannot be decoded here is tried again where that can be dealt with
	}
	p.items = append(p.items, it)
}
