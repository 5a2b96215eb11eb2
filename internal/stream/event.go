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
		KeySubject:  Subject(e.Ledger, e.Type),
		KeyRevision: strconv.FormatUint(e.Revision, 10),
		KeyPosition: e.Position,
		KeyMetadata: string(e.Metadata),
	}
	return msg
}

// ParseMessage reads what [NewMessage] wrote.
func ParseMessage(msg *message.Message) (Event, error) {
	e, err := addressed(msg.Metadata[KeySubject])
	if err != nil {
		return Event{}, err
	}
	e.Revision, err = strconv.ParseUint(msg.Metadata[KeyRevision], 10, 64)
	if err != nil {
		return Event{}, fmt.Errorf("message on subject %q, %s: %w", msg.Metadata[KeySubject], KeyRevision, err)
	}
	e.Position, e.ID = msg.Metadata[KeyPosition], msg.UUID
	e.Data, e.Metadata = msg.Payload, []byte(msg.Metadata[KeyMetadata])
	return e, nil
}

// addressed is what the subject says of an event.
func addressed(subject string) (Event, error) {
	ledger, eventType, ok := ParseSubject(subject)
	if !ok {
		return Event{}, fmt.Errorf("message on subject %q: %w", subject, errNoEvent)
	}
	return Event{Ledger: ledger, Type: eventType}, nil
}
