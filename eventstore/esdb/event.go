package esdb

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	client "github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/daybook-ledger/daybook/eventstore"
)

// proposed are records as the client appends them: their bytes, too, which may be on their way when the caller has long been
// answered.
func proposed(records []eventstore.Record) ([]client.EventData, error) {
	events := make([]client.EventData, len(records))
	size := 0
	for _, r := range records {
		size += len(r.Data) + len(r.Metadata)
	}
	copied := make([]byte, 0, size)
	keep := func(b []byte) []byte {
		copied = append(copied, b...)
		return copied[len(copied)-len(b):]
	}
	for i, r := range records {
		id, err := eventID(r.ID)
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", i, err)
		}
		events[i] = client.EventData{EventID: id, EventType: r.Type, Data: keep(r.Data), Metadata: keep(r.Metadata)}
		if utf8.Valid(r.Data) && json.Valid(r.Data) {
			events[i].ContentType = client.ContentTypeJson
		}
	}
	return events, nil
}

// recorded is an event as the port has it; ok is false for one that is not Daybook's.
func recorded(e *client.RecordedEvent) (r eventstore.Recorded, ok bool) {
	if !eventstore.ValidName(e.StreamID) || !eventstore.ValidName(e.EventType) || e.StreamID == identityStream {
		return eventstore.Recorded{}, false
	}
	return eventstore.Recorded{
		Record:   eventstore.Record{ID: recordID(e.EventID), Type: e.EventType, Data: e.Data, Metadata: e.UserMetadata},
		Stream:   e.StreamID,
		Revision: eventstore.Revision(e.EventNumber),
		Position: position(e.Position.Commit),
	}, true
}

// position is the place of an event in the whole log. The commit position alone orders events, since EventStoreDB does
// without explicit transactions; the prepare position is sometimes the same and sometimes that of the append's first.
func position(commit uint64) eventstore.Position { return eventstore.NewPosition(commit, 0) }

// from is how the client is asked to begin at a position.
func from(p eventstore.Position) client.AllPosition {
	switch commit, _ := p.Parts(); p {
	case eventstore.Start:
		return client.Start{}
	case eventstore.End:
		return client.End{}
	default:
		return client.Position{Commit: commit, Prepare: commit}
	}
}

// EventStoreDB takes no event without an id; the port does. Such a record has an id of version 8 whose first 48 bits are
// zero, which nothing else makes.
func isStandIn(id eventstore.ID) bool {
	return [6]byte(id[:6]) == [6]byte{} && id[6]>>4 == 8
}

func eventID(id eventstore.ID) (uuid.UUID, error) {
	if isStandIn(id) {
		return uuid.UUID{}, fmt.Errorf("%w: the id %s stands for none in EventStoreDB", eventstore.ErrInvalid, id)
	}
	if id != (eventstore.ID{}) {
		return uuid.UUID(id), nil
	}
	if _, err := rand.Read(id[6:]); err != nil {
		return uuid.UUID{}, errors.Join(eventstore.ErrUnavailable, err)
	}
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return uuid.UUID(id), nil
}

func recordID(id uuid.UUID) eventstore.ID {
	if isStandIn(eventstore.ID(id)) {
		return eventstore.ID{}
	}
	return eventstore.ID(id)
}
