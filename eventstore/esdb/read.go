package esdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-ledger/daybook/eventstore"
)

// ReadStream implements [eventstore.Store].
func (s *Store) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		err := s.readStream(ctx, stream, from, func(r eventstore.Recorded) bool { return yield(r, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(eventstore.Recorded{}, fmt.Errorf("read stream %q: %w", stream, err))
		}
	}
}

// errStopped means that whoever takes the records wants no more.
var errStopped = errors.New("the loop was left")

func (s *Store) readStream(
	ctx context.Context, stream string, next eventstore.Revision, yield func(eventstore.Recorded) bool,
) error {
	if stream == identityStream {
		return eventstore.ErrStreamNotFound
	}
	// The server would follow a stream that grows. Where it ends is asked first, of a stream that is damaged there too.
	damaged := false
	last, exists, err := s.head(ctx, stream)
	switch {
	case s.ended(ctx) != nil:
		return s.ended(ctx)
	case errors.Is(err, eventstore.ErrCorrupt) && !errors.Is(err, errGone):
		last, damaged = math.MaxInt64, true
	case err != nil:
		return err
	case !exists:
		return eventstore.ErrStreamNotFound
	}
	if next > last {
		return nil
	}
	return s.persist(ctx, readAttempts, func(ctx context.Context, session *session) (int, error) {
		first := next
		events, err := session.read(ctx, func(ctx context.Context) (*client.ReadStream, error) {
			return session.client.ReadStream(ctx, stream, client.ReadStreamOptions{From: client.Revision(uint64(next))}, uint64(last-next)+1)
		})
		if err != nil {
			return 0, err
		}
		defer events.close()
		for event, err := range events.all(ctx) {
			if err != nil {
				return int(next - first), err
			}
			r, ok := recorded(event)
			if !ok || r.Revision != next {
				return int(next - first), fmt.Errorf("%w: where revision %d is expected there is %d, a %q: the stream was truncated, or is not Daybook's",
					eventstore.ErrCorrupt, next, event.EventNumber, event.EventType)
			}
			if err := s.hand(ctx, r, yield); err != nil {
				return int(next - first), err
			}
			next++
		}
		if next <= last && !damaged {
			return int(next - first), errBrokenOff
		}
		return int(next - first), nil
	})
}

// hand gives a record to whoever takes them, unless it is too late for that.
func (s *Store) hand(ctx context.Context, r eventstore.Recorded, yield func(eventstore.Recorded) bool) error {
	if err := s.ended(ctx); err != nil {
		return err
	}
	if !yield(r) {
		return errStopped
	}
	return nil
}

// head is the revision of a stream's last record, if it has one. An append that is under way asks for it even while the
// store is being closed.
func (s *Store) head(ctx context.Context, stream string) (last eventstore.Revision, exists bool, err error) {
	err = s.tryHard(ctx, readAttempts, func(ctx context.Context, session *session) (int, error) {
		events, err := session.read(ctx, func(ctx context.Context) (*client.ReadStream, error) {
			return session.client.ReadStream(ctx, stream, client.ReadStreamOptions{From: client.End{}, Direction: client.Backwards}, 1)
		})
		if err != nil {
			return 0, err
		}
		defer events.close()
		for event, err := range events.all(ctx) {
			if err != nil {
				return 0, err
			}
			last, exists = eventstore.Revision(event.EventNumber), true
		}
		if !exists {
			return 0, errBrokenOff
		}
		return 0, nil
	})
	switch {
	case errors.Is(err, eventstore.ErrStreamNotFound):
		err = s.neverWas(ctx, stream)
	case errors.Is(err, errBrokenOff): // however often it is asked
		err = errGone
	}
	return last, exists, err
}

// errGone means that a stream has lost all its events.
var errGone = fmt.Errorf("%w: the stream was deleted, or all of it truncated", eventstore.ErrCorrupt)

// neverWas fails where a stream that is not found was deleted: its metadata say so. Who may not see them is not told.
func (s *Store) neverWas(ctx context.Context, stream string) error {
	err := s.tryHard(ctx, readAttempts, func(ctx context.Context, session *session) (int, error) {
		events, err := session.read(ctx, func(ctx context.Context) (*client.ReadStream, error) {
			return session.client.ReadStream(ctx, "$$"+stream, client.ReadStreamOptions{From: client.End{}, Direction: client.Backwards}, 1)
		})
		if err != nil {
			return 0, err
		}
		defer events.close()
		for event, err := range events.all(ctx) {
			var denied *client.Error
			if errors.As(err, &denied) && denied.IsErrorCode(client.ErrorCodeAccessDenied) {
				return 0, nil
			}
			if err != nil {
				return 0, err
			}
			var metadata struct {
				TruncateBefore int64 `json:"$tb"`
			}
			if json.Unmarshal(event.Data, &metadata) == nil && metadata.TruncateBefore == math.MaxInt64 {
				return 0, errGone
			}
		}
		return 0, nil
	})
	if errors.Is(err, eventstore.ErrStreamNotFound) {
		err = nil
	}
	return err
}

// ReadAll implements [eventstore.Store].
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		end, err := s.end(ctx)
		if err == nil {
			err = s.readAll(ctx, after, end, func(r eventstore.Recorded) bool { return yield(r, nil) })
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(eventstore.Recorded{}, fmt.Errorf("read the log: %w", err))
		}
	}
}

// end is the position of the last event in the log, whosever it is.
func (s *Store) end(ctx context.Context) (end eventstore.Position, err error) {
	err = s.scan(ctx, eventstore.End, client.Backwards, 1, func(_ context.Context, at eventstore.Position, _ *client.RecordedEvent) error {
		end = at
		return nil
	}, func(at eventstore.Position) bool { return at != eventstore.End }) // the log has at least the event that began it
	if errors.Is(err, eventstore.ErrCorrupt) {
		return eventstore.End, nil // what comes before the damage can be read
	}
	return end, err
}

func (s *Store) readAll(
	ctx context.Context, after, end eventstore.Position, yield func(eventstore.Recorded) bool,
) error {
	if after.Compare(end) >= 0 {
		return s.ended(ctx)
	}
	err := s.scan(ctx, after, client.Forwards, math.MaxInt64, func(ctx context.Context, at eventstore.Position, event *client.RecordedEvent) error {
		if at.Compare(end) > 0 {
			return errEnd
		}
		if at == after { // which a reading forwards begins with
			return nil
		}
		if r, ok := recorded(event); ok {
			return s.hand(ctx, r, yield)
		}
		return nil
	}, func(at eventstore.Position) bool { return at.Compare(end) >= 0 || end == eventstore.End })
	if errors.Is(err, errEnd) {
		return nil
	}
	return err
}

// errEnd means that the end of the log has been reached, as it was when the reading began.
var errEnd = errors.New("the end of the log")

// ReadAllBackwards implements [eventstore.Store].
func (s *Store) ReadAllBackwards(
	ctx context.Context, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		err := s.scan(ctx, before, client.Backwards, math.MaxInt64, func(ctx context.Context, _ eventstore.Position, event *client.RecordedEvent) error {
			if r, ok := recorded(event); ok {
				return s.hand(ctx, r, func(r eventstore.Recorded) bool { return yield(r, nil) })
			}
			return nil
		}, func(eventstore.Position) bool { return true })
		if err != nil && !errors.Is(err, errStopped) {
			yield(eventstore.Recorded{}, fmt.Errorf("read the log backwards: %w", err))
		}
	}
}

// scan reads the whole log in either direction, everybody's events among it, each once. Done tells whether it may end after
// the event at a position.
func (s *Store) scan(
	ctx context.Context, at eventstore.Position, direction client.Direction, count uint64,
	take func(context.Context, eventstore.Position, *client.RecordedEvent) error, done func(eventstore.Position) bool,
) error {
	resumed := false
	return s.persist(ctx, readAttempts, func(ctx context.Context, session *session) (progress int, err error) {
		events, err := session.read(ctx, func(ctx context.Context) (*client.ReadStream, error) {
			return session.client.ReadAll(ctx, client.ReadAllOptions{From: from(at), Direction: direction}, count)
		})
		if err != nil {
			return 0, err
		}
		defer events.close()
		for event, err := range events.all(ctx) {
			if err != nil {
				return progress, err
			}
			here := position(event.Position.Commit)
			if resumed && here == at { // forwards, it begins with what was taken last
				continue
			}
			if err := take(ctx, here, event); err != nil {
				return progress, err
			}
			at, resumed = here, true
			progress++
		}
		if !done(at) {
			return progress, errBrokenOff
		}
		return progress, nil
	})
}
