package stream

import (
	"context"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"
)

// Event is one event on its way. Data and Metadata are shared by all who get the event and must not be changed.
type Event struct {
	Ledger string
	// Revision is the event's number in its ledger, Position its place in the event store, as text.
	Revision uint64
	Position string
	// Type is the event's name, such as "TransactionPosted"; ID its UUID, as text.
	Type string
	ID   string
	// Data is the event, Metadata its envelope; both JSON.
	Data     []byte
	Metadata []byte
}

func (e *Event) size() int { return len(e.Data) + len(e.Metadata) }

type batchKey struct{}

// Batch gives the events of a message that [Subscriber] or one of the other transports delivered, in the order in which
// they came.
//
// It is empty where the transport says that it may have missed something: the first message of every subscription is so
// (events before it were never seen), and one after a connection or a stream was lost. A projector then reads the
// event store to its end.
//
// The events travel in the message's context, which Watermill's router and middlewares keep; [message.Message.Copy]
// does not.
func Batch(msg *message.Message) []Event {
	events, _ := msg.Context().Value(batchKey{}).([]Event)
	return events
}

// NewBatch makes the message that carries a batch; transports other than NATS use it. ctx becomes the message's context.
func NewBatch(ctx context.Context, events []Event) *message.Message {
	id := "gap"
	if n := len(events); n > 0 {
		id = events[n-1].ID
	}
	return message.NewMessageWithContext(context.WithValue(ctx, batchKey{}, events), id, nil)
}

// NewMessage makes the Watermill message that is one event: what [Publisher] takes, and what a plain subscriber gives.
func NewMessage(e Event) *message.Message {
	msg := message.NewMessage(e.ID, e.Data)
	msg.Metadata = message.Metadata{
		KeySubject:     Subject(e.Ledger, e.Type),
		HeaderRevision: strconv.FormatUint(e.Revision, 10),
		HeaderPosition: e.Position,
		HeaderMetadata: string(e.Metadata),
	}
	return msg
}

// ParseMessage reads what [NewMessage] wrote.
func ParseMessage(msg *message.Message) (Event, error) {
	return parse(msg.Metadata[KeySubject], msg.Payload, msg.UUID,
		msg.Metadata[HeaderRevision], msg.Metadata[HeaderPosition], msg.Metadata[HeaderMetadata])
}

func parse(subject string, data []byte, id, revision, position, metadata string) (Event, error) {
	ledger, eventType, ok := ParseSubject(subject)
	if !ok {
		return Event{}, fmt.Errorf("message on subject %q: %w", subject, errNoEvent)
	}
	number, err := strconv.ParseUint(revision, 10, 64)
	if err != nil {
		return Event{}, fmt.Errorf("message on subject %q, header %s: %w", subject, HeaderRevision, err)
	}
	return Event{
		Ledger: ledger, Revision: number, Position: position, Type: eventType, ID: id,
		Data: data, Metadata: []byte(metadata),
	}, nil
}
