package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// findKey looks for a key that was used up, and is not so old that it is forgotten; where there is none it gives its
// digest. What the disk says is looked up in the
// log, so it makes no difference whether another key has the same digest.
func (s *stream[S, C, E]) findKey(actor, key string) (knownKey, bool, error) {
	digest := s.register.digestKey(actor, key)
	if k, found := s.register.findNew(digest); found {
		return k, true, nil
	}
	if len(s.register.oldKeys.runs) == 0 {
		return knownKey{digest: digest}, false, nil
	}
	revisions, err := s.register.oldKeys.find(s.options.fold(binary.BigEndian.Uint64(digest[:])))
	if err != nil {
		return knownKey{}, false, s.distrust(err)
	}
	horizon := s.register.horizon(s.options.KeyRetention)
	for _, at := range revisions {
		if at < horizon {
			break
		}
		k, found, err := s.readKey(at, actor, key)
		if err != nil || found {
			return k, found, err
		}
	}
	return knownKey{digest: digest}, false, nil
}

// readKey reads the events of the command at a revision, if that is the first with the key or with a part of it.
func (s *stream[S, C, E]) readKey(at eventstore.Revision, actor, key string) (k knownKey, found bool, err error) {
	var first envelope.Envelope
	for event, err := range s.eventsFrom(at) {
		e := &event.Envelope
		whole, _, _ := strings.Cut(e.Key, partMark)
		switch {
		case err != nil:
			return k, false, err
		case k.count == 0 && (e.Actor != actor || e.Key != key && whole != key):
			return k, false, nil
		case k.count == 0:
			first = *e
			k = knownKey{request: short(e.Request), first: at, count: 1}
		case e.Key != first.Key || e.Actor != actor || !e.RecordedAt.Equal(first.RecordedAt):
			return k, true, nil
		default:
			k.count++
		}
	}
	return k, true, nil
}

// recall tells the state of the event that has the name that a command wants, where the state may have forgotten it.
func (s *stream[S, C, E]) recall(c C) error {
	if len(s.register.oldNames.runs) == 0 {
		return nil
	}
	name := s.decider.Names.Wanted(c)
	if name == "" {
		return nil
	}
	revisions, err := s.register.oldNames.find(s.options.fold(s.register.digestName(name)))
	if err != nil {
		return s.distrust(err)
	}
	for _, at := range revisions {
		for event, err := range s.eventsFrom(at) {
			if err != nil {
				return err
			}
			if s.decider.Names.Of(event.Event) == name {
				s.decider.Names.Recall(s.state, event.Event)
				return nil
			}
			break
		}
	}
	return nil
}

// noteNames remembers at which revisions names were taken.
func (s *stream[S, C, E]) noteNames(events ...Event[E]) {
	if s.options.Snapshots == nil || s.decider.Names.Of == nil {
		return
	}
	for i := range events {
		if name := s.decider.Names.Of(events[i].Event); name != "" {
			digest := s.options.fold(s.register.digestName(name))
			s.register.names = append(s.register.names, runs.Entry{Digest: digest, Place: uint64(events[i].Revision)})
		}
	}
}

// eventsFrom reads the log from a revision that it has, as the register says.
func (s *stream[S, C, E]) eventsFrom(at eventstore.Revision) func(yield func(Event[E], error) bool) {
	return func(yield func(Event[E], error) bool) {
		none := true
		for recorded, err := range s.store.ReadStream(s.life, s.name, at) {
			none = false
			if err != nil {
				yield(Event[E]{}, unreadable("look into stream %q: %w", s.name, err))
				return
			}
			event, err := s.unseal(recorded)
			if !yield(event, err) || err != nil {
				return
			}
		}
		if none {
			yield(Event[E]{}, s.distrust(fmt.Errorf("%w: it names revision %d, which the log does not have", errDistrusted, at)))
		}
	}
}

var errDistrusted = errors.New("what was handed over to the disk is not what the log has")

// distrust has everything that was ever saved of the stream dropped, and all of the stream read again, as soon as nothing
// is under way. The command that came upon it is not decided.
func (s *stream[S, C, E]) distrust(err error) error {
	s.drop(err)
	return fmt.Errorf("%w: stream %q: %w", ErrUnavailable, s.name, err)
}

func (s *stream[S, C, E]) drop(err error) {
	if !s.snapshots.distrusted {
		s.log.Error("the snapshot is dropped, and the stream read from its beginning", "error", err)
	}
	s.snapshots.distrusted = true
}
