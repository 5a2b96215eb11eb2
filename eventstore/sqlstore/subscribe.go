package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Subscribe implements [eventstore.Store].
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		c := newCursor(s, ctx, after)
		for {
			// Taken before the log is read: what is appended after the reading closes it.
			changed := *s.changed.Load()
			goOn, err := c.drain(func(r eventstore.Recorded) bool { return yield(r, nil) })
			if err == nil && goOn {
				err = s.wait(ctx, changed)
			}
			if err != nil {
				yield(eventstore.Recorded{}, fmt.Errorf("subscription to the log: %w", err))
			}
			if err != nil || !goOn {
				return
			}
		}
	}
}

// wait returns when there may be more to read.
func (s *Store) wait(ctx context.Context, changed <-chan struct{}) error {
	poll := time.NewTimer(s.options.PollInterval)
	defer poll.Stop()
	select {
	case <-changed:
	case <-poll.C: // another process may have appended
	case <-ctx.Done():
	case <-s.closing:
	}
	return s.ended(ctx)
}
