package stream

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

var errHeader = errors.New("a header value must not begin or end with a space, nor contain a line break")

// outgoing builds NATS messages one after the other in the same memory: the client has copied one to its buffer before
// the next is made.
type outgoing struct {
	msg    nats.Msg
	values []string
}

func (o *outgoing) message(topic string, msg *message.Message) error {
	subject, ok := msg.Metadata[KeySubject]
	if !ok {
		subject = topic
	}
	o.begin(subject, msg.Payload)
	if err := o.set(HeaderID, msg.UUID); err != nil {
		return err
	}
	for key, value := range msg.Metadata {
		if key == KeySubject {
			continue
		}
		if err := o.set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (o *outgoing) event(e *Event) error {
	o.begin(Subject(e.Ledger, e.Type), e.Data)
	return errors.Join(
		o.set(HeaderID, e.ID),
		o.set(HeaderRevision, strconv.FormatUint(e.Revision, 10)),
		o.set(HeaderPosition, e.Position),
		o.set(HeaderMetadata, string(e.Metadata)),
	)
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
