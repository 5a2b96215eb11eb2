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
			goOn, err := c.advance(func(r eventstore.Recorded) bool { return yield(r, nil) })
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

// advance yields what has come: what this process has appended since from memory, anything else from the file.
func (c *cursor) advance(yield func(eventstore.Recorded) bool) (bool, error) {
	rows := c.store.tail.from(c.row)
	if len(rows) == 0 {
		return c.drain(yield)
	}
	return c.yieldAll(rows, yield)
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
