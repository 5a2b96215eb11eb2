package pgstore

import (
	"context"
	"iter"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// firstPause is how soon a subscription looks again for positions that were on their way. Nobody announces the end of an
// append that wrote nothing, or whose process died, and yet it may be all that later ones wait for.
const firstPause = 2 * time.Millisecond

// Subscribe implements [eventstore.Store].
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return rowlog.Subscribe(&s.changed, func() rowlog.Follower {
		f := &follower{source: source{Store: s}, ctx: ctx, pause: firstPause}
		f.cursor = rowlog.NewCursor(ctx, &f.source, after)
		return f
	})
}

// follower is a subscription's place in the log.
type follower struct {
	source

	ctx    context.Context //nolint:containedctx // lives as long as the loop
	cursor *rowlog.Cursor
	pause  time.Duration
}

// Advance implements [rowlog.Follower].
func (f *follower) Advance(yield func(eventstore.Recorded) bool) (bool, error) {
	return f.cursor.Drain(yield) //nolint:wrapcheck // wrapped by the sequence
}

// Wait implements [rowlog.Follower]. While there are positions on their way it looks again soon, and then less and less
// often.
func (f *follower) Wait(changed <-chan struct{}) error {
	pause := f.options.PollInterval
	if f.pending {
		pause = min(pause, f.pause)
		f.pause *= 2
	} else {
		f.pause = firstPause
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-f.ctx.Done():
	case <-f.closing:
	}
	return f.ended(f.ctx)
}
