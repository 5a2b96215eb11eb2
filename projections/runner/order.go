package runner

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/projections/projector"
)

// item is an event on its way into the read models.
type item struct {
	ledger   string
	revision uint64
	kind     string
	data     []byte
	metadata []byte

	decoded bool
	event   projector.Event
}

// itemOf gives the event of a ledger; other streams of the log are none of the projections' concern.
func itemOf(record *eventstore.Recorded) (item, bool) {
	name, ok := ledgername.Of(record.Stream)
	return item{
		ledger: name, revision: uint64(record.Revision), kind: record.Type, data: record.Data, metadata: record.Metadata,
	}, ok
}

func itemsOf(events []stream.Event) []item {
	items := make([]item, len(events))
	for i := range events {
		e := &events[i]
		items[i] = item{ledger: e.Ledger, revision: e.Revision, kind: e.Type, data: e.Data, metadata: e.Metadata}
	}
	return items
}

// arrange gives the items that some member needs to commit, in the order of each ledger and with those that are missing
// from the store; in parts where that are many. It commits a last part even where it is empty.
func (g *group) arrange(ctx context.Context, items []item, commit func(part []item, last bool) error) error {
	next := make(map[string]uint64)
	ready, early := make([]item, 0, len(items)), make(map[string][]item)
	for i := range items {
		it := &items[i]
		expected, seen := next[it.ledger]
		if !seen {
			expected = g.need(it.ledger)
			next[it.ledger] = expected
		}
		switch {
		case it.revision < expected:
			g.metrics.duplicates.Inc()
		case it.revision > expected:
			early[it.ledger] = append(early[it.ledger], *it)
		default:
			ready = append(ready, *it)
			next[it.ledger] = expected + 1
		}
	}
	for name, waiting := range early {
		slices.SortFunc(waiting, func(a, b item) int { return cmp.Compare(a.revision, b.revision) })
		for _, it := range waiting {
			for it.revision > next[name] {
				missing, err := g.missing(ctx, name, next[name], it.revision)
				if err != nil {
					return err
				}
				ready = append(ready, missing...)
				next[name] += uint64(len(missing))
				if len(ready) < g.BatchMax {
					continue
				}
				if err := commit(ready, false); err != nil {
					return err
				}
				ready = ready[:0]
			}
			if it.revision < next[name] {
				g.metrics.duplicates.Inc()
				continue
			}
			ready = append(ready, it)
			next[name]++
		}
	}
	return commit(ready, true)
}

// missing reads the events of a ledger from one revision up to before another, or the first of them.
func (g *group) missing(ctx context.Context, name string, from, before uint64) ([]item, error) {
	var found []item
	for record, err := range g.Store.ReadStream(ctx, ledgername.Stream(name), eventstore.Revision(from)) {
		if err != nil {
			return nil, fmt.Errorf("read the missing events of ledger %q from revision %d: %w", name, from, err)
		}
		it, _ := itemOf(&record)
		found = append(found, it)
		if it.revision+1 == before || len(found) == g.BatchMax {
			break
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("read the missing events of ledger %q: the store has none from revision %d", name, from)
	}
	g.metrics.gaps.Add(float64(len(found)))
	return found, nil
}

// need is the least revision of a ledger that a member needs next.
func (g *group) need(name string) uint64 {
	least, first := uint64(0), true
	for _, m := range g.members {
		if next := m.next[name]; m.active && (first || next < least) {
			least, first = next, false
		}
	}
	return least
}

// decode gives the events of items up to one that cannot be read. A transport may have spoilt it, so then the store is
// asked for it.
func (g *group) decode(ctx context.Context, items []item) (events []projector.Event, undecodable error) {
	events = make([]projector.Event, 0, len(items))
	for i := range items {
		it := &items[i]
		err := it.decode()
		if err != nil {
			var again []item
			if again, err = g.missing(ctx, it.ledger, it.revision, it.revision+1); err == nil {
				*it = again[0]
				err = it.decode()
			}
		}
		if err != nil {
			return events, fmt.Errorf("read revision %d of ledger %q: %w", it.revision, it.ledger, err)
		}
		events = append(events, it.event)
	}
	return events, nil
}

func (it *item) decode() error {
	if it.decoded {
		return nil
	}
	sealed, err := envelope.Parse(it.metadata)
	if err != nil {
		return fmt.Errorf("its envelope: %w", err)
	}
	body, err := ledger.Decode(it.kind, sealed.Schema, it.data)
	if err != nil {
		return fmt.Errorf("its data: %w", err)
	}
	it.event = projector.Event{
		Ledger: it.ledger, Revision: it.revision, RecordedAt: sealed.RecordedAt, Actor: sealed.Actor, Body: body,
	}
	it.decoded = true
	return nil
}
