package esdb

import (
	"context"
	"errors"
	"fmt"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Append implements [eventstore.Store]. It waits for the server's answer, and sends the append again while that does not
// come; a context that ends meanwhile leaves the outcome unknown.
func (s *Store) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	events, err := s.check(stream, records)
	if err != nil {
		return eventstore.Appended{}, err
	}
	s.alive.RLock()
	defer s.alive.RUnlock()
	if err := s.ended(ctx); err != nil {
		return eventstore.Appended{}, fmt.Errorf("append to stream %q: %w", stream, err)
	}
	select {
	case s.waiting <- struct{}{}:
		defer func() { <-s.waiting }()
	default:
		return eventstore.Appended{}, fmt.Errorf("%w: %d appends are under way", eventstore.ErrOverloaded, cap(s.waiting))
	}
	a := appending{Store: s, stream: stream, expected: expected, events: events}
	var appended eventstore.Appended
	if expected == eventstore.Any() {
		appended, err = a.anywhere(ctx)
	} else {
		appended, err = a.send(ctx)
	}
	if err != nil {
		err = fmt.Errorf("append to stream %q: %w", stream, err)
	}
	return appended, err
}

// check refuses what the server would, which some clients of it do not survive.
func (s *Store) check(stream string, records []eventstore.Record) ([]client.EventData, error) {
	if err := eventstore.CheckAppend(stream, records, s.settings.maxAppendBytes()); err != nil {
		return nil, err //nolint:wrapcheck // it says all
	}
	if stream == identityStream {
		return nil, fmt.Errorf("%w: the stream %s says which log it is", eventstore.ErrInvalid, stream)
	}
	size := 0
	for i := range records {
		size += 2*len(records[i].Type) + len(records[i].Data) + len(records[i].Metadata)
	}
	if size > s.settings.appendSize {
		return nil, fmt.Errorf("%w: %d bytes in %d records for stream %q as EventStoreDB counts them, at most %d are taken in one append",
			eventstore.ErrTooLarge, size, len(records), stream, s.settings.appendSize)
	}
	return proposed(records)
}

// appending is one append.
type appending struct {
	*Store

	stream   string
	expected eventstore.Expected // never Any once it is sent
	events   []client.EventData
}

// anywhere appends to the end of the stream, wherever that is. The server is told where, so that sending it again is
// safe.
func (a *appending) anywhere(ctx context.Context) (eventstore.Appended, error) {
	for {
		head, exists, err := a.head(ctx, a.stream)
		if err != nil {
			return eventstore.Appended{}, err
		}
		a.expected = eventstore.NoStream()
		if exists {
			a.expected = eventstore.At(head)
		}
		appended, err := a.send(ctx)
		if !errors.Is(err, eventstore.ErrConflict) {
			return appended, err
		}
	}
}

// send sends the append until the server answers, or it was tried often enough. Sent again, it is recognised if it was
// written the first time.
func (a *appending) send(ctx context.Context) (eventstore.Appended, error) {
	doubtful := false
	for attempt := 1; ; attempt++ {
		appended, err := a.attempt(ctx)
		var unclear *unclearError
		switch {
		case err == nil:
			return appended, nil
		case errors.Is(err, eventstore.ErrConflict) && doubtful:
			return a.settle(ctx)
		case errors.Is(err, eventstore.ErrConflict):
			return eventstore.Appended{}, a.conflict(ctx)
		case !errors.As(err, &unclear) && !doubtful:
			return eventstore.Appended{}, err
		case unclear != nil && unclear.sent:
			doubtful = true
		}
		if attempt < a.options.Attempts && ctx.Err() == nil {
			a.metrics.retries.Inc()
			if pause(ctx, attempt) == nil {
				continue
			}
		}
		return eventstore.Appended{}, a.givenUp(ctx, doubtful, err)
	}
}

// givenUp is the error of an append that was not answered.
func (a *appending) givenUp(ctx context.Context, doubtful bool, err error) error {
	switch {
	case doubtful:
		return fmt.Errorf("%w: %w", eventstore.ErrOutcomeUnknown, errors.Join(err, ctx.Err()))
	case ctx.Err() != nil:
		return ctx.Err() //nolint:wrapcheck // wrapped by Append
	default:
		return fmt.Errorf("%w: %w", eventstore.ErrUnavailable, err)
	}
}

// settle tells what became of an append that conflicts with what was perhaps its own doing: it looks at what stands where
// it would stand.
func (a *appending) settle(ctx context.Context) (eventstore.Appended, error) {
	i := 0
	for r, err := range a.ReadStream(ctx, a.stream, a.expected.Next()) {
		switch {
		case err != nil:
			return eventstore.Appended{}, fmt.Errorf("%w: %w", eventstore.ErrOutcomeUnknown, err)
		case r.ID != recordID(a.events[i].EventID):
			return eventstore.Appended{}, a.conflict(ctx) // and it can never be written any more
		case r.ID == (eventstore.ID{}):
			return eventstore.Appended{}, fmt.Errorf("%w: records without ids are not recognised", eventstore.ErrOutcomeUnknown)
		}
		if i++; i == len(a.events) {
			return eventstore.Appended{Last: r.Revision, Position: r.Position}, nil
		}
	}
	return eventstore.Appended{}, fmt.Errorf("%w: it may still be on its way", eventstore.ErrOutcomeUnknown)
}

// conflict says how the stream is. Where that is what the append expects, it conflicts with one that the leader has written
// and that cannot be read yet: a majority of the nodes does not have it.
func (a *appending) conflict(ctx context.Context) error {
	head, exists, err := a.head(ctx, a.stream)
	if err != nil {
		return err // nothing was written, but where the stream ends cannot be told
	}
	if a.expected.Holds(exists, head) {
		return fmt.Errorf("%w: another append to the stream is on its way", eventstore.ErrUnavailable)
	}
	return &eventstore.ConflictError{Stream: a.stream, Expected: a.expected, Exists: exists, Actual: head}
}
