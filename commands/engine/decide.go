package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// decision is the work of deciding one unit.
type decision[C, E any] struct {
	decided[C, E]

	at   time.Time
	room []Event[E] // where the next events go
}

// decide decides a unit against the state, which evolves, and adds it to the open batch.
func (s *stream[S, C, E]) decide(j *job[C, E]) {
	at := s.now()
	if s.open == nil {
		s.open = &batch[C, E]{before: s.head}
		s.keys.prune(at.Add(-s.options.KeyRetention))
	}
	s.open.records = slices.Grow(s.open.records, len(j.Commands))
	d := decision[C, E]{decided: decided[C, E]{job: j}, at: at}
	records, head, keys := len(s.open.records), s.head, s.keys.mark()
	if j.Atomic || j.DryRun {
		s.decider.Begin(s.state)
	}
	d.err = s.decideCommands(&d)
	switch {
	case j.DryRun || j.Atomic && d.err != nil:
		s.decider.Rollback(s.state)
		s.open.truncate(records)
		s.keys.rewind(keys)
		s.head = head
	case j.Atomic:
		s.decider.Commit(s.state)
	}
	if d.err != nil {
		d.result.Answers = nil
	}
	d.records = len(s.open.records) - records
	d.result.Exists, d.result.Revision = s.head.exists, s.head.revision
	s.open.rejections = s.open.rejections || d.err != nil || j.DryRun
	s.open.units = append(s.open.units, d.decided)
}

// decideCommands gives each command its answer. It fails where the unit does as a whole, which may be in its middle.
func (s *stream[S, C, E]) decideCommands(d *decision[C, E]) error {
	if d.job.OneKey && !d.job.DryRun {
		if err := s.checkKeys(d.job); err != nil {
			return err
		}
	}
	d.result.Answers = make([]Answer[E], len(d.job.Commands))
	for i := range d.job.Commands {
		answer := &d.result.Answers[i]
		answer.Err = s.decideCommand(d, &d.job.Commands[i], answer)
		if answer.Err == nil {
			continue
		}
		s.open.rejections = true
		if d.job.Atomic {
			return &RefusedError{Index: i, Err: answer.Err}
		}
	}
	return nil
}

func (s *stream[S, C, E]) checkKeys(j *job[C, E]) error {
	for i := range j.Commands {
		c := &j.Commands[i]
		if c.Key == "" {
			continue
		}
		if known, found := s.keys.find(digestKey(j.Actor, c.Key)); found && !known.is(c.Request) {
			return ErrKeyReused
		}
	}
	return nil
}

// decideCommand decides one command; where it is rejected or fails, nothing has changed.
func (s *stream[S, C, E]) decideCommand(d *decision[C, E], c *Command[C], answer *Answer[E]) error {
	var key keyDigest
	keyed := c.Key != "" && !d.job.DryRun
	if keyed {
		key = digestKey(d.job.Actor, c.Key)
		if known, found := s.keys.find(key); found {
			if !known.is(c.Request) {
				return ErrKeyReused
			}
			answer.Replayed, answer.known = true, known.span()
			return nil
		}
	}
	events, err := s.decider.Decide(s.state, c.Command, d.at)
	if err != nil {
		return err //nolint:wrapcheck // the decider's rejection, as promised
	}
	first := s.head.next()
	if answer.Events, err = s.happen(d, c, events); err != nil {
		return err
	}
	if keyed && len(events) > 0 {
		s.keys.add(knownKey{
			digest: key, request: short(c.Request), recorded: d.at.Unix(), first: first, count: uint32(len(events)),
		})
	}
	return nil
}

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
		s.log.Error("a decision could not be carried out", "error", err)
		return nil, err
	}
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

// now is the time at which the next events are recorded: it never goes back along a stream.
func (s *stream[S, C, E]) now() time.Time {
	at := s.options.Clock().UTC().Round(0)
	if at.Before(s.head.recordedAt) {
		return s.head.recordedAt
	}
	return at
}
