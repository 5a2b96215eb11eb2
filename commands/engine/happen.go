package engine

import (
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// happen adds the events of a command to the open batch and to the state: all of them, or none.
func (s *stream[S, C, E]) happen(d *decision[C, E], c *Command[C], events []E) ([]Event[E], error) {
	records, head := len(s.open.records), s.head
	happened := d.place(events)
	var err error
	if d.job.DryRun {
		s.imagine(d, happened)
	} else {
		err = s.seal(d, c, happened)
	}
	if err == nil {
		err = s.evolve(events, d.job.Atomic || d.job.DryRun)
	}
	if err != nil {
		s.open.truncate(records)
		s.head = head
		return nil, err
	}
	s.noteNames(happened...)
	return happened, nil
}

// place finds room for events, of which many units of many commands share one piece of memory.
func (d *decision[C, E]) place(events []E) []Event[E] {
	const most = 1024
	if cap(d.room)-len(d.room) < len(events) {
		d.room = make([]Event[E], 0, max(len(events), min(2*cap(d.room), len(d.job.Commands), most)))
	}
	from := len(d.room)
	for _, event := range events {
		d.room = append(d.room, Event[E]{Event: event})
	}
	return d.room[from:len(d.room):len(d.room)]
}

// imagine gives events the places that they would have.
func (s *stream[S, C, E]) imagine(d *decision[C, E], events []Event[E]) {
	for i := range events {
		events[i].Revision = s.head.next()
		events[i].Envelope.RecordedAt, events[i].Envelope.Actor = d.at, d.job.Actor
		s.head.exists, s.head.revision = true, events[i].Revision
	}
}

// seal gives events their places and envelopes, and adds them to the open batch.
func (s *stream[S, C, E]) seal(d *decision[C, E], c *Command[C], events []Event[E]) error {
	for i := range events {
		event := &events[i]
		payload, err := s.decider.Encode(event.Event)
		if err != nil {
			return fmt.Errorf("encode an event: %w", err)
		}
		id := s.options.NewID()
		event.Revision = s.head.next()
		event.Envelope = envelope.Envelope{
			ID: id, Schema: payload.Schema, RecordedAt: d.at,
			Actor: d.job.Actor, Correlation: d.job.Correlation, Causation: d.job.Causation,
			Key: c.Key, Previous: s.head.hash,
		}
		if c.Key != "" {
			event.Envelope.Request = c.Request
		}
		place := envelope.Place{Stream: s.name, Revision: uint64(event.Revision), Type: payload.Type}
		if err := event.Envelope.Seal(place, payload.Data); err != nil {
			return err //nolint:wrapcheck // it says which event
		}
		s.head = head{exists: true, revision: event.Revision, hash: event.Envelope.Hash, recordedAt: d.at}
		s.scratch = event.Envelope.AppendJSON(s.scratch[:0])
		s.open.add(eventstore.Record{
			ID: id, Type: payload.Type, Data: payload.Data, Metadata: s.open.keep(s.scratch),
		})
		if s.open.bytes-d.from > s.options.MaxUnitBytes {
			return fmt.Errorf("%w: more than %d bytes in one unit", ErrTooLarge, s.options.MaxUnitBytes)
		}
	}
	return nil
}

// evolve changes the state by all the events or by none. Within is whether the unit can be rolled back as a whole, and
// will be: deciders do not nest.
func (s *stream[S, C, E]) evolve(events []E, within bool) error {
	guard := len(events) > 1 && !within
	if guard {
		s.decider.Begin(s.state)
	}
	for _, event := range events {
		if err := s.decider.Evolve(s.state, event); err != nil {
			if guard {
				s.decider.Rollback(s.state)
			}
			return fmt.Errorf("evolve by what was decided: %w", err)
		}
	}
	if guard {
		s.decider.Commit(s.state)
	}
	return nil
}
