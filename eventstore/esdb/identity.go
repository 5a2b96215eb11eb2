package esdb

import (
	"context"
	"errors"
	"fmt"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/daybook-ledger/daybook/eventstore"
)

// EventStoreDB has no identity of its own that clients could ask for. The log's is the id of the one event in a stream that
// belongs to this package, and that nobody sees through it.
const (
	identityStream = "daybook-log"
	identityType   = "LogBegun"
)

// ID identifies the log for ever, wherever its cluster is moved to: a UUID.
func (s *Store) ID() string { return s.id }

// identify learns the identity of the log, and refuses another one than is wanted, if one is. A log that has none gets one,
// unless one is wanted or the log is to be read alone.
func (s *Store) identify(ctx context.Context, wanted string, readOnly bool) (err error) {
	for {
		s.id, err = s.identity(ctx)
		switch {
		case err != nil:
			return fmt.Errorf("read the identity of the log: %w", err)
		case s.id == "" && wanted != "":
			return fmt.Errorf("there is no log of Daybook, and the log %s is wanted", wanted)
		case s.id == "" && readOnly:
			return errors.New("there is no log of Daybook: it is begun by daybook serve")
		case s.id != "" && wanted != "" && s.id != wanted:
			return fmt.Errorf("there is the log %s, and the log %s is wanted", s.id, wanted)
		case s.id != "":
			return nil
		}
		err = s.beginLog(ctx)
		if err != nil && !errors.Is(err, eventstore.ErrConflict) && !errors.Is(err, eventstore.ErrOutcomeUnknown) {
			return fmt.Errorf("begin the log: %w", err)
		}
		// Whoever began it, this process or another at the same time: the log tells.
	}
}

// identity is the log's; empty where it has none.
func (s *Store) identity(ctx context.Context) (id string, err error) {
	err = s.tryHard(ctx, readAttempts, func(ctx context.Context, session *session) (int, error) {
		events, err := session.read(ctx, func(ctx context.Context) (*client.ReadStream, error) {
			return session.client.ReadStream(ctx, identityStream, client.ReadStreamOptions{From: client.Start{}}, 1)
		})
		if err != nil {
			return 0, err
		}
		defer events.close()
		for event, err := range events.all(ctx) {
			if err != nil {
				return 0, err
			}
			if event.EventType != identityType || event.EventNumber != 0 {
				return 0, fmt.Errorf("%w: revision %d of the stream %s is a %q: want a %s at 0",
					eventstore.ErrCorrupt, event.EventNumber, identityStream, event.EventType, identityType)
			}
			id = event.EventID.String()
		}
		if id == "" {
			return 0, fmt.Errorf("%w: the stream %s was truncated", eventstore.ErrCorrupt, identityStream)
		}
		return 0, nil
	})
	if errors.Is(err, eventstore.ErrStreamNotFound) {
		err = nil
	}
	return id, err
}

// beginLog gives the log an identity. It fails with ErrConflict where it has one, and with ErrOutcomeUnknown where it may.
func (s *Store) beginLog(ctx context.Context) error {
	id, err := uuid.NewV7()
	if err != nil {
		return errors.Join(eventstore.ErrUnavailable, err)
	}
	a := appending{Store: s, stream: identityStream, expected: eventstore.NoStream(), events: []client.EventData{
		{EventID: id, EventType: identityType, ContentType: client.ContentTypeJson, Data: []byte("{}")},
	}}
	_, err = a.send(ctx)
	return err
}
