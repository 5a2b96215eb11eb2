package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
)

// replay reads the original events of the commands whose keys were known. It runs in the caller's goroutine: an engine
// does not wait for it.
func (e *Engines[S, C, E]) replay(ctx context.Context, stream string, answers []Answer[E]) error {
	var spans []span
	for i := range answers {
		if answers[i].Replayed {
			spans = append(spans, answers[i].known)
		}
	}
	if len(spans) == 0 {
		return nil
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	originals := map[span][]Event[E]{}
	for spans = slices.Compact(spans); len(spans) > 0; {
		read, err := e.readSpans(ctx, stream, spans, originals)
		if err != nil {
			return err
		}
		spans = spans[read:]
	}
	for i := range answers {
		if answers[i].Replayed {
			answers[i].Events = originals[answers[i].known]
		}
	}
	return nil
}

// readSpans reads the first span and those that are near it, and tells how many it read.
func (e *Engines[S, C, E]) readSpans(
	ctx context.Context, stream string, spans []span, into map[span][]Event[E],
) (int, error) {
	const near = 256 // events that are rather read over than left out by another read
	read := 0
	for recorded, err := range e.store.ReadStream(ctx, stream, spans[0].first) {
		if err != nil {
			return 0, unreadable("read original events of stream %q: %w", stream, err)
		}
		at := spans[read]
		if recorded.Revision < at.first {
			continue
		}
		event, err := e.unseal(recorded)
		if err != nil {
			return 0, err
		}
		into[at] = append(into[at], event)
		if event.Revision < at.last {
			continue
		}
		if read++; read == len(spans) || spans[read].first > eventstore.Revision(near)+at.last {
			return read, nil
		}
	}
	return 0, fmt.Errorf("%w: stream %q ends before revision %d", ErrCorrupt, stream, spans[read].last)
}
