package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/stream"
)

// resume finds where to go on: right after the last event that the stream has. What this process thought it had does not count.
//
// An event is stored only right after the one before it. So whatever dies, what the stream has last has everything before it.
func (r *Relay) resume(ctx context.Context) (eventstore.Position, error) {
	r.metrics.begin()
	if err := r.broker.Ensure(ctx); err != nil {
		return eventstore.Start, err //nolint:wrapcheck // it says what was tried
	}
	end, err := r.broker.End(ctx, func(e *stream.Event) (bool, error) { return r.ours(ctx, e) })
	if err != nil {
		return eventstore.Start, fmt.Errorf("find what was published last: %w", err)
	}
	before := r.end
	r.end = end
	if end.Sequence < before.Sequence {
		r.log.WarnContext(ctx, "the broker lost events, publishing again what it misses",
			"had", before.Sequence, "has", end.Sequence)
	}
	if end.Last == nil {
		if end.Sequence > 0 {
			r.log.WarnContext(ctx, "the stream does not say what was published of this log, publishing everything")
		}
		return eventstore.Start, nil
	}
	return eventstore.ParsePosition(end.Last.Position) //nolint:wrapcheck // it is the log's own
}

// ours tells whether the log has an event where a message says that it is.
func (r *Relay) ours(ctx context.Context, e *stream.Event) (bool, error) {
	for record, err := range r.store.ReadStream(ctx, ledgername.Stream(e.Ledger), eventstore.Revision(e.Revision)) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("look for event %d of ledger %s in the log: %w", e.Revision, e.Ledger, err)
		}
		return record.ID.String() == e.ID && record.Position.String() == e.Position, nil
	}
	return false, nil
}

// note tells the broker how far the stream is, once in a while. Where it cannot be told, more is published again one day.
func (r *Relay) note(ctx context.Context) {
	if r.options.Now().Sub(r.noted) >= noteEvery {
		r.noteNow(ctx)
	}
}

func (r *Relay) noteNow(ctx context.Context) {
	if r.end.Last == nil || r.end.Sequence == r.notedSequence {
		return
	}
	r.noted = r.options.Now()
	err := r.broker.Note(ctx, r.end)
	if err == nil {
		r.notedSequence = r.end.Sequence
	} else if ctx.Err() == nil {
		r.log.DebugContext(ctx, "cannot note what was published last", "error", err)
	}
}

// noteAtEnd tells the broker where a relay that was asked to end leaves the stream. One that failed does not know.
func (r *Relay) noteAtEnd(ctx context.Context) {
	if r.behind {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteAtMost)
	defer cancel()
	r.noteNow(ctx)
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
