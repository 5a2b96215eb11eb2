package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// errStale: a snapshot does not belong to the log as it is.
var errStale = errors.New("the log is not the one that the snapshot was taken of")

// unload drops the state, which nobody can rely on any more.
func (s *stream[S, C, E]) unload() {
	s.abandon()
	s.register.close()
	var none S
	s.loaded, s.state, s.head, s.register = false, none, head{}, newRegister()
}

// load makes the state from the snapshot and the events after it, or from all events, and then finds out what became of
// the batches in doubt. The order matters: what arrives between the two is found in the log, and is never decided again
// on a state that has it.
func (s *stream[S, C, E]) load() error {
	started := time.Now()
	err := s.loadState()
	if err == nil {
		err = s.resolve()
	}
	s.metrics.loadSeconds.Observe(time.Since(started).Seconds())
	if err != nil {
		s.log.Error("the stream could not be loaded", "error", err)
		s.unload()
		return err
	}
	s.loaded = true
	s.startMerging() // who comes seldom and with much has nothing merged otherwise
	return nil
}

func (s *stream[S, C, E]) loadState() error {
	for s.restore() {
		err := s.readTail()
		if !errors.Is(err, errStale) {
			return err
		}
		if !s.ignore(err) {
			break
		}
	}
	s.unload()
	s.state = s.decider.New()
	s.snapshots.covered, s.snapshots.size, s.snapshots.since, s.snapshots.retired = 0, 0, 0, nil
	if s.runs != nil {
		if err := s.runs.Keep(nil); err != nil {
			s.log.Warn("runs of a snapshot that is lost stay", "error", err)
		}
	}
	return s.readTail()
}

// readTail evolves the state by the events that it does not have, and checks the chain on the way. Where the state comes
// from a snapshot, the event that it ends with is read once more: the log must have it.
func (s *stream[S, C, E]) readTail() error {
	from, check := s.head.next(), s.head.exists
	if check {
		from = s.head.revision
	}
	key := ""
	for recorded, err := range s.store.ReadStream(s.life, s.name, from) {
		switch {
		case errors.Is(err, eventstore.ErrStreamNotFound) && !check:
			return nil
		case errors.Is(err, eventstore.ErrStreamNotFound):
			return errStale
		case err != nil:
			return unreadable("read stream %q: %w", s.name, err)
		}
		event, err := s.unseal(recorded)
		if err != nil {
			return err
		}
		if check {
			if recorded.Revision != s.head.revision || event.Envelope.Hash != s.head.hash {
				return errStale
			}
			check = false
			continue
		}
		// A long tail is saved on the way, but not between the events of one command.
		if (event.Envelope.Key == "" || event.Envelope.Key != key) && s.snapshotDue() {
			s.startSaving(s.takeSnapshot())
		}
		if err := s.follow(event); err != nil {
			return err
		}
		s.metrics.loadEvents.Inc()
		s.snapshots.since += len(recorded.Type) + len(recorded.Data) + len(recorded.Metadata)
		if key = event.Envelope.Key; key != "" {
			s.register.see(&event.Envelope, event.Revision)
		}
	}
	if check {
		return errStale
	}
	return nil
}

// follow evolves the state by an event of the log.
func (s *stream[S, C, E]) follow(event Event[E]) error {
	e := &event.Envelope
	switch {
	case event.Revision != s.head.next():
		return s.corrupt("revision %d stands where %d should", event.Revision, s.head.next())
	case e.Previous != s.head.hash:
		return s.corrupt("event %d does not continue the chain of hashes", event.Revision)
	case e.RecordedAt.Before(s.head.recordedAt):
		return s.corrupt("event %d was recorded before the one that precedes it", event.Revision)
	}
	if err := s.decider.Evolve(s.state, event.Event); err != nil {
		return s.corrupt("event %d cannot follow: %w", event.Revision, err)
	}
	s.head = head{exists: true, revision: event.Revision, hash: e.Hash, recordedAt: e.RecordedAt}
	s.register.pass(e.RecordedAt, event.Revision, s.options.KeyRetention)
	s.noteNames(event)
	return nil
}

// unreadable is why a stream could not be read: it is corrupt, or else trying again later may help.
func unreadable(format, stream string, err error) error {
	wrapped := fmt.Errorf(format, stream, err) //nolint:err113 // it wraps
	if errors.Is(err, ErrCorrupt) {
		return wrapped
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, wrapped)
}

func (s *stream[S, C, E]) corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: stream %q: %w", ErrCorrupt, s.name, fmt.Errorf(format, args...))
}

// unseal reads an event as it is recorded, and checks that it is what was sealed.
func (e *Engines[S, C, E]) unseal(r eventstore.Recorded) (Event[E], error) {
	event := Event[E]{Revision: r.Revision}
	var err error
	if event.Envelope, err = envelope.Parse(r.Metadata); err != nil {
		return event, fmt.Errorf("%w: event %d of stream %q: %w", ErrCorrupt, r.Revision, r.Stream, err)
	}
	place := envelope.Place{Stream: r.Stream, Revision: uint64(r.Revision), Type: r.Type}
	if err = event.Envelope.Verify(place, r.Data); err == nil && event.Envelope.ID != r.ID {
		err = errors.New("it has two ids")
	}
	if err != nil {
		return event, fmt.Errorf("%w: event %d of stream %q: %w", ErrCorrupt, r.Revision, r.Stream, err)
	}
	event.Event, err = e.decider.Decode(Payload{Type: r.Type, Schema: event.Envelope.Schema, Data: r.Data})
	if err != nil {
		return event, fmt.Errorf("%w: event %d of stream %q: %w", ErrCorrupt, r.Revision, r.Stream, err)
	}
	return event, nil
}
