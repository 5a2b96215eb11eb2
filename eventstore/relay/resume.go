package relay

import (
	"context"
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/stream"
)

// resume finds where to go on.
//
// What the broker has last is not enough to know. When a batch failed or the process was killed in the middle of one,
// messages may be stored after one that is not; but never outside of the one batch that was under way. So a relay that
// starts goes back a batch. One that failed knows up to where everything was acknowledged, unless the broker
// lost what it had.
func (r *Relay) resume(ctx context.Context) (eventstore.Position, error) {
	r.metrics.begin()
	if err := r.broker.Ensure(ctx); err != nil {
		return eventstore.Start, err //nolint:wrapcheck // it says what was tried
	}
	if r.published != eventstore.Start {
		last, err := r.position(ctx, 0)
		if err != nil {
			return eventstore.Start, err
		}
		if last.Compare(r.sent) >= 0 {
			return r.published, nil
		}
		r.log.WarnContext(ctx, "the broker lost events, publishing again what it misses",
			"published", r.sent.String(), "last", last.String())
		r.published, r.sent = eventstore.Start, eventstore.Start
	}
	return r.position(ctx, uint64(r.options.MaxEvents))
}

func (r *Relay) position(ctx context.Context, but uint64) (eventstore.Position, error) {
	text, err := r.broker.LastPosition(ctx, but)
	if err != nil {
		return eventstore.Start, fmt.Errorf("find what was published last: %w", err)
	}
	if text == "" {
		return eventstore.Start, nil
	}
	position, err := eventstore.ParsePosition(text)
	if err != nil {
		r.log.WarnContext(ctx, "cannot read the position of what was published last, publishing everything again", "error", err)
		return eventstore.Start, nil
	}
	return position, nil
}

// event is what a record of a ledger's stream is on its way; ok is false for records of other streams.
func event(r *eventstore.Recorded) (e stream.Event, ok bool) {
	ledger, ok := ledgername.Of(r.Stream)
	if !ok {
		return stream.Event{}, false
	}
	return stream.Event{
		Ledger: ledger, Revision: uint64(r.Revision), Position: r.Position.String(), Type: r.Type, ID: r.ID.String(),
		Data: r.Data, Metadata: r.Metadata,
	}, true
}
