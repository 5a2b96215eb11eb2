package engine

import (
	"errors"
	"slices"
	"time"
)

// decision is the work of deciding one unit.
type decision[C, E any] struct {
	decided[C, E]

	at   time.Time
	from int        // bytes in the batch before the unit
	room []Event[E] // where the next events go
}

// decide decides a unit against the state, which evolves, and adds it to the open batch.
func (s *stream[S, C, E]) decide(j *job[C, E]) {
	at := s.now()
	if s.open == nil {
		s.open = newBatch(s.head, s.writing)
		s.register.pass(at, s.head.next(), s.options.KeyRetention)
	}
	s.open.records = slices.Grow(s.open.records, len(j.Commands))
	d := decision[C, E]{decided: decided[C, E]{job: j}, at: at, from: s.open.bytes}
	records, head, register := len(s.open.records), s.head, s.register.mark()
	if j.Atomic || j.DryRun {
		s.decider.Begin(s.state)
	}
	d.err = s.decideCommands(&d)
	switch {
	case j.DryRun || j.Atomic && d.err != nil:
		s.decider.Rollback(s.state)
		s.open.truncate(records)
		s.register.rewind(register)
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
	if d.job.Key != "" && !d.job.DryRun {
		switch known, found, err := s.findKey(d.job.Actor, d.job.Key); {
		case err != nil:
			return err
		case found && !known.is(d.job.Request):
			return ErrKeyReused
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
		if d.job.Atomic && errors.Is(answer.Err, ErrTooLarge) {
			return answer.Err
		}
		if d.job.Atomic {
			return &RefusedError{Index: i, Err: answer.Err}
		}
		if errors.Is(answer.Err, ErrTooLarge) {
			// What comes after it may build on it: it is for the caller to go on, with another unit.
			for j := range d.result.Answers[i+1:] {
				d.result.Answers[i+1+j].Err = answer.Err
			}
			return nil
		}
	}
	return nil
}

// decideCommand decides one command; where it is rejected or fails, nothing has changed.
func (s *stream[S, C, E]) decideCommand(d *decision[C, E], c *Command[C], answer *Answer[E]) error {
	var known knownKey
	keyed := c.Key != "" && !d.job.DryRun
	if keyed {
		var found bool
		var err error
		switch known, found, err = s.findKey(d.job.Actor, c.Key); {
		case err != nil:
			return err
		case found && !known.is(c.Request):
			return ErrKeyReused
		case found:
			answer.Replayed, answer.known = true, known.span()
			return nil
		}
	}
	if err := s.recall(c.Command); err != nil {
		return err
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
		s.register.use(d.job.Actor, c.Key, knownKey{
			digest: known.digest, request: short(c.Request), first: first, count: uint32(len(events)),
		})
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
