package sqlstore

import (
	"context"
	"iter"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// Subscribe implements [eventstore.Store].
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return rowlog.Subscribe(&s.changed, func() rowlog.Follower {
		return &follower{Store: s, ctx: ctx, cursor: rowlog.NewCursor(ctx, source{s}, after)}
	})
}

// follower is a subscription's place in the log.
type follower struct {
	*Store

	ctx    context.Context //nolint:containedctx // lives as long as the loop
	cursor *rowlog.Cursor
}

// Advance implements [rowlog.Follower]: what this process has appended comes from memory, anything else from the file.
func (f *follower) Advance(yield func(eventstore.Recorded) bool) (bool, error) {
	rows := f.tail.from(f.cursor.Row())
	if len(rows) == 0 {
		return f.cursor.Drain(yield) //nolint:wrapcheck // wrapped by the sequence
	}
	return f.cursor.Yield(rows, yield) //nolint:wrapcheck // wrapped by the sequence
}

// Wait implements [rowlog.Follower].
func (f *follower) Wait(changed <-chan struct{}) error {
	poll := time.NewTimer(f.options.PollInterval)
	defer poll.Stop()
	select {
	case <-changed:
	case <-poll.C: // another process may have appended
	case <-f.ctx.Done():
	case <-f.closing:
	}
	return f.ended(f.ctx)
}
