package esdb

import (
	"context"
	"errors"
	"fmt"
	"iter"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-ledger/daybook/eventstore"
)

// How many events the server looks at for a part of a subscription, and after how many such parts it tells of a checkpoint,
// which it insists on.
const (
	searchWindow    = 512
	checkpointEvery = 1 << 10
)

// Subscribe implements [eventstore.Store]. Where the connection breaks it goes on with the next one, for as long as it
// takes.
func (s *Store) Subscribe(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		at := after
		err := s.persist(ctx, forEver, func(ctx context.Context, session *session) (progress int, err error) {
			received, err := start(ctx, session, func(ctx context.Context) (func() (*client.SubscriptionEvent, error), error) {
				return session.subscribe(ctx, at)
			})
			if err != nil {
				return 0, err
			}
			defer received.close()
			return s.follow(ctx, received, &at, func(r eventstore.Recorded) bool { return yield(r, nil) })
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(eventstore.Recorded{}, fmt.Errorf("subscription to the log: %w", err))
		}
	}
}

// subscribe begins a subscription after a position, and gives what receives its messages.
func (s *session) subscribe(ctx context.Context, after eventstore.Position) (func() (*client.SubscriptionEvent, error), error) {
	subscription, err := s.client.SubscribeToAll(ctx, client.SubscribeToAllOptions{
		From: from(after), Filter: client.ExcludeSystemEventsFilter(),
		MaxSearchWindow: searchWindow, CheckpointInterval: checkpointEvery,
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // told apart by persist
	}
	return func() (*client.SubscriptionEvent, error) {
		received := subscription.Recv()
		if received.SubscriptionDropped != nil {
			return nil, received.SubscriptionDropped.Error
		}
		return received, nil
	}, nil
}

// follow hands out what a subscription brings, and moves the position that it is at: to events alone. A checkpoint may be where
// the next event will begin (EventStoreDB up to 23.10), which would be taken for one that has been handed out, and which a
// subscription that begins there passes over; or it may be no position at all (from 24.2 on).
func (s *Store) follow(
	ctx context.Context, messages *pump[*client.SubscriptionEvent], at *eventstore.Position, yield func(eventstore.Recorded) bool,
) (progress int, err error) {
	for {
		received, err := messages.next(ctx)
		switch {
		case err != nil:
			return progress, err
		case received.EventAppeared != nil:
			event := received.EventAppeared.OriginalEvent()
			if event == nil {
				return progress, errNoEvent
			}
			here := position(event.Position.Commit)
			if here.Compare(*at) <= 0 {
				continue // it has been handed out
			}
			if r, ok := recorded(event); ok {
				if err := s.hand(ctx, r, yield); err != nil {
					return progress, err
				}
			}
			*at = here
			progress++
		}
	}
}
