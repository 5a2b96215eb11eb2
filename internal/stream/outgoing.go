package stream

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

var errHeader = errors.New("a header value must not begin or end with a space, nor contain a line break")

// outgoing builds NATS messages one after the other in the same memory: the client has copied one to its buffer before
// the next is made.
type outgoing struct {
	msg     nats.Msg
	values  []string
	payload []byte

	// subject is that of events of this ledger and type: those of the event before, and most often of this one.
	subject, ledger, eventType string
}

func (o *outgoing) event(e *Event) error {
	if e.Ledger != o.ledger || e.Type != o.eventType {
		o.subject, o.ledger, o.eventType = Subject(e.Ledger, e.Type), e.Ledger, e.Type
	}
	o.payload = appendPayload(o.payload[:0], e)
	o.begin(o.subject, o.payload)
	return o.set(HeaderID, e.ID)
}

// message makes the NATS message of an event, or else one with the message's payload. Metadata that do not belong to
// the event become headers.
func (o *outgoing) message(topic string, msg *message.Message) error {
	if _, ok := msg.Metadata[KeySubject]; ok {
		e, err := ParseMessage(msg)
		if err != nil {
			return err
		}
		if err := o.event(&e); err != nil {
			return err
		}
	} else {
		o.begin(topic, msg.Payload)
		if err := o.set(HeaderID, msg.UUID); err != nil {
			return err
		}
	}
	for key, value := range msg.Metadata {
		switch key {
		case KeySubject, KeyRevision, KeyPosition, KeyMetadata, KeyAfter:
			continue
		}
		if err := o.set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (o *outgoing) begin(subject string, data []byte) {
	if o.msg.Header == nil {
		o.msg.Header = make(nats.Header, 8)
	}
	clear(o.msg.Header)
	o.values = o.values[:0]
	o.msg.Subject, o.msg.Data = subject, data
}

func (o *outgoing) set(key, value string) error {
	if value == "" {
		return nil
	}
	// The NATS client would change such a value silently.
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 || strings.TrimSpace(value) != value {
		return fmt.Errorf("header %s: %w", key, errHeader)
	}
	o.values = append(o.values, value)
	n := len(o.values)
	o.msg.Header[key] = o.values[n-1 : n : n]
	return nil
}
