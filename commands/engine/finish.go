package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
)

// finish does what the outcome of the append calls for.
func (s *stream[S, C, E]) finish(err error) {
	b := s.writing
	s.writing = nil
	switch {
	case err == nil:
		s.accept(b)
	case errors.Is(err, ErrTooLarge), errors.Is(err, eventstore.ErrInvalid):
		s.divide(b, err)
	case errors.Is(err, eventstore.ErrConflict):
		s.metrics.conflicts.Inc()
		s.decideAgain(b)
	case errors.Is(err, ErrUnavailable), errors.Is(err, ErrOverloaded), errors.Is(err, ErrClosed), len(b.records) == 0:
		s.log.Warn("nothing could be appended", "events", len(b.records), "error", err)
		s.putBack(b.units)
		s.failAll(err)
	default: // ErrOutcomeUnknown, and whatever does not promise that nothing was written
		s.log.Warn("the outcome of an append is unknown", "events", len(b.records), "error", err)
		s.metrics.unknown.Inc()
		b.snapshot = nil // of a state that is dropped
		s.doubts = append(s.doubts, b)
		for i := range b.units {
			b.units[i].job.doubtful = true
		}
		s.decideAgain(b)
	}
}

// accept answers the callers of a batch that is durable.
func (s *stream[S, C, E]) accept(b *batch[C, E]) {
	if len(b.records) > 0 {
		s.doubts = nil // another event stands in their place
		s.metrics.batchEvents.Observe(float64(len(b.records)))
	}
	for i := range b.units {
		u := &b.units[i]
		s.tell(u)
		switch {
		case u.job.answered:
		case u.job.doubtful && len(s.doubts) > 0:
			s.fail(u.job, inDoubt())
		default:
			s.count(u)
			s.answer(u.job, u.result, u.err)
		}
	}
	s.startSaving(b.snapshot)
}

// tell passes on what a unit has appended, whether or not somebody still waits for its answer. It comes before the answer,
// after which the result is the caller's.
func (s *stream[S, C, E]) tell(u *decided[C, E]) {
	if u.records == 0 || s.decider.Happened == nil {
		return
	}
	for i := range u.result.Answers {
		if events := u.result.Answers[i].Events; len(events) > 0 {
			s.decider.Happened(s.name, events)
		}
	}
}

// divide has a batch that the store does not take appended in two halves. The state stays as it is: it is the same
// events, one after another.
func (s *stream[S, C, E]) divide(b *batch[C, E], err error) {
	if len(b.units) > 1 {
		first, second := b.halve()
		s.halves = slices.Insert(s.halves, 0, first, second)
		return
	}
	s.fail(b.units[0].job, fmt.Errorf("append to stream %q: %w", s.name, err))
	s.putBack(nil)
}

// decideAgain has the units of a failed batch decided again, unless that was tried too often.
func (s *stream[S, C, E]) decideAgain(failed *batch[C, E]) {
	again := make([]decided[C, E], 0, len(failed.units))
	for _, u := range failed.units {
		if u.job.attempts++; u.job.attempts < s.options.MaxAttempts {
			again = append(again, u)
			continue
		}
		s.fail(u.job, fmt.Errorf("%w: stream %q was never as expected, %d times", ErrOverloaded, s.name, u.job.attempts))
	}
	s.putBack(again)
}

// putBack drops what was speculated, and puts the given units and those decided on top of them back to the front of the
// queue, in the same order.
func (s *stream[S, C, E]) putBack(units []decided[C, E]) {
	for _, b := range s.halves {
		units = append(units, b.units...)
	}
	if s.open != nil {
		units = append(units, s.open.units...)
	}
	again := make([]*job[C, E], 0, len(units)+len(s.queue))
	for _, u := range units {
		again = append(again, u.job)
	}
	s.queue = append(again, s.queue...)
	s.halves, s.open = nil, nil
	s.unload()
}

// failAll fails everything that was taken. Nothing is being appended.
func (s *stream[S, C, E]) failAll(err error) {
	for _, j := range s.queue {
		s.fail(j, fmt.Errorf("stream %q: %w", s.name, err))
	}
	s.queue, s.doubts = nil, nil
}

// fail answers that nothing of the unit was written, as far as that is known.
func (s *stream[S, C, E]) fail(j *job[C, E], err error) {
	if j.doubtful && len(s.doubts) > 0 {
		err = inDoubt()
	}
	s.metrics.failed.Add(float64(len(j.Commands)))
	s.answer(j, Result[E]{}, err)
}

func (s *stream[S, C, E]) answer(j *job[C, E], result Result[E], err error) {
	s.box.release(j)
	j.result, j.err, j.answered = result, err, true
	close(j.done)
}
