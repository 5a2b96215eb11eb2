package sqlstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// ReadStream implements [eventstore.Store]. While the outcome of an append is not settled it fails with ErrUnavailable,
// because a record that it does not show might still turn up.
func (s *Store) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	settled := rowlog.ReadStream(ctx, source{s}, stream, from)
	return func(yield func(eventstore.Recorded, error) bool) {
		if s.unsettled.Load() {
			yield(eventstore.Recorded{}, fmt.Errorf("read stream %q: %w: the outcome of an append is not settled",
				stream, eventstore.ErrUnavailable))
			return
		}
		settled(yield)
	}
}

// ReadAll implements [eventstore.Store].
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return rowlog.ReadAll(ctx, source{s}, after)
}

// ReadAllBackwards implements [eventstore.Store].
func (s *Store) ReadAllBackwards(
	ctx context.Context, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return rowlog.ReadAllBackwards(ctx, source{s}, before)
}
