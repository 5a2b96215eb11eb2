package engine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
)

// resolve asks the log about the batches in doubt. All of them demanded to begin at the same revision: when an event
// stands there, the batch that it belongs to was written, whole, and the others never will be.
func (s *stream[S, C, E]) resolve() error {
	if len(s.doubts) == 0 {
		return nil
	}
	doubts := s.doubts
	for recorded, err := range s.store.ReadStream(s.life, s.name, doubts[0].before.next()) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return nil
		}
		if err != nil {
			return unreadable("ask stream %q what became of an append: %w", s.name, err)
		}
		for _, b := range doubts {
			if b.records[0].ID == recorded.ID {
				s.accept(b)
			}
		}
		s.doubts = nil
		s.queue = slices.DeleteFunc(s.queue, func(j *job[C, E]) bool { return j.answered })
		return nil
	}
	return nil
}

func inDoubt() error {
	return fmt.Errorf("%w, and the log did not tell it afterwards", ErrOutcomeUnknown)
}
