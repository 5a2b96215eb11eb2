package esdbserver

import (
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"

	"github.com/daybook-ledger/daybook/eventstore"
)

// What the protocol calls metadata: facts about an event, besides the metadata that its writer gave it.
const (
	metadataType        = "type"
	metadataContentType = "content-type"
	metadataCreated     = "created"

	contentJSON   = "application/json"
	contentBinary = "application/octet-stream"
)

// ticks is a time as the protocol has it: in units of 100 ns, counted from 1970.
func ticks(t time.Time) int64 { return t.Unix()*1e7 + int64(t.Nanosecond())/100 }

// writer writes records as the events of one call.
type writer struct {
	recordedAt func(eventstore.Record) time.Time
	textIDs    bool // ids as text, which some clients ask for, rather than as two numbers
}

func (w writer) event(r eventstore.Recorded) (*streams.ReadResp, error) {
	commit, err := commitPosition(r.Position)
	if err != nil {
		return nil, err
	}
	content := contentBinary
	if utf8.Valid(r.Data) && json.Valid(r.Data) {
		content = contentJSON
	}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               w.id(r.ID),
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.Stream)},
			StreamRevision:   uint64(r.Revision),
			PreparePosition:  commit,
			CommitPosition:   commit,
			Metadata: map[string]string{
				metadataType:        r.Type,
				metadataContentType: content,
				metadataCreated:     strconv.FormatInt(ticks(w.recordedAt(r.Record)), 10),
			},
			CustomMetadata: r.Metadata,
			Data:           r.Data,
		},
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: commit},
	}}}, nil
}

func (w writer) id(id eventstore.ID) *shared.UUID {
	if w.textIDs {
		return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
	}
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// readID reads an id in either form.
func readID(id *shared.UUID) (eventstore.ID, error) {
	switch id := id.GetValue().(type) {
	case *shared.UUID_Structured_:
		var read eventstore.ID
		binary.BigEndian.PutUint64(read[:8], uint64(id.Structured.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(read[8:], uint64(id.Structured.GetLeastSignificantBits()))
		return read, nil
	case *shared.UUID_String_:
		read, err := uuid.Parse(id.String_)
		if err != nil {
			return eventstore.ID{}, malformed("the id of an event: " + err.Error())
		}
		return eventstore.ID(read), nil
	default:
		return eventstore.ID{}, malformed("an event without an id")
	}
}

// timeOfID is when a version-7 UUID was made, to the millisecond; 1970 for any other id.
func timeOfID(r eventstore.Record) time.Time {
	if r.ID[6]>>4 != 7 {
		return time.Unix(0, 0)
	}
	var milliseconds [8]byte
	copy(milliseconds[2:], r.ID[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(milliseconds[:])))
}
