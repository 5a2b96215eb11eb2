package stream

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

var (
	errNoEvent = errors.New("it is no event")
	// ErrNotAcknowledged means that the broker did not answer in time, so that nobody knows whether it has the message.
	ErrNotAcknowledged = errors.New("the broker did not acknowledge in time")
	errHeader          = errors.New("a header value must not begin or end with a space, nor contain a line break")
	errPublisherClosed = errors.New("the publisher is closed")
)

// PublisherOptions bound what a publisher has under way. Zero fields take the defaults.
type PublisherOptions struct {
	// MaxInFlight is how many messages of one Publish may be unacknowledged: 1,000 by default.
	MaxInFlight int
	// AckTimeout is how long Publish waits without any acknowledgement before it gives up: 5 s by default.
	AckTimeout time.Duration
}

// Publisher publishes to JetStream; it implements Watermill's [message.Publisher].
type Publisher struct {
	conn    *nats.Conn
	options PublisherOptions
	// inbox is the subject prefix that acknowledgements come to: <inbox><flight>.<index>.
	inbox string
	acks  *nats.Subscription

	mu      sync.Mutex
	flights map[string]*flight
	last    uint64
	closed  bool
}

// NewPublisher makes a publisher over a connection, which stays the caller's.
func NewPublisher(conn *nats.Conn, o PublisherOptions) (*Publisher, error) {
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = 1000
	}
	if o.AckTimeout <= 0 {
		o.AckTimeout = 5 * time.Second
	}
	p := &Publisher{conn: conn, options: o, inbox: conn.NewInbox() + ".", flights: make(map[string]*flight)}
	acks, err := conn.Subscribe(p.inbox+">", p.acknowledged)
	if err != nil {
		return nil, fmt.Errorf("subscribe to JetStream's acknowledgements: %w", err)
	}
	// Their number is bounded by what is in flight.
	if err := acks.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("subscribe to JetStream's acknowledgements: %w", err)
	}
	p.acks = acks
	return p, nil
}

// PublishError says which messages of one Publish are not known to be stored.
type PublishError struct {
	// Failed are indices into the messages, ascending. Those after the last that was sent are among them.
	Failed []int
	// Total is the number of messages.
	Total int
	// Err is why the first of them failed.
	Err error
}

// Error tells how many failed and why the first did.
func (e *PublishError) Error() string {
	return fmt.Sprintf("%d of %d messages not published, the first being number %d: %v",
		len(e.Failed), e.Total, e.Failed[0], e.Err)
}

// Unwrap gives the reason of the first failure.
func (e *PublishError) Unwrap() error { return e.Err }

// Publish sends all messages, in order, and returns when the broker has stored each or has it already (it knows a
// message by its UUID). A message goes to the subject that its metadata give under [KeySubject], or to the topic; its
// other metadata become headers.
//
// It fails with a [*PublishError]. Messages after a failed one may be stored then: publish all of them again, those that
// the broker has are dropped there.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if len(messages) == 0 {
		return nil
	}
	f, err := p.begin(len(messages))
	if err != nil {
		return err
	}
	defer p.end(f)

	var h headers
	for i, msg := range messages {
		if !f.admit(p.options.MaxInFlight) {
			break
		}
		out, err := h.encode(topic, msg)
		if err == nil {
			out.Reply = f.reply(p.inbox, i)
			err = p.conn.PublishMsg(out)
		}
		if err != nil {
			f.fail(i, err)
			break
		}
	}
	return f.wait()
}

// Close ends the publisher; a Publish under way fails.
func (p *Publisher) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	for _, f := range p.flights {
		f.abandon(errPublisherClosed)
	}
	p.mu.Unlock()
	if err := p.acks.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from JetStream's acknowledgements: %w", err)
	}
	return nil
}

// headers builds NATS messages one after the other in the same memory: the client has copied one to its buffer before
// the next is made.
type headers struct {
	msg    nats.Msg
	values []string
}

func (h *headers) encode(topic string, msg *message.Message) (*nats.Msg, error) {
	if h.msg.Header == nil {
		h.msg.Header = make(nats.Header, len(msg.Metadata)+1)
	}
	clear(h.msg.Header)
	h.values = h.values[:0]
	h.msg.Subject, h.msg.Data = topic, msg.Payload
	if err := h.set(HeaderID, msg.UUID); err != nil {
		return nil, err
	}
	for key, value := range msg.Metadata {
		if key == KeySubject {
			h.msg.Subject = value
			continue
		}
		if err := h.set(key, value); err != nil {
			return nil, err
		}
	}
	return &h.msg, nil
}

func (h *headers) set(key, value string) error {
	if value == "" {
		return nil
	}
	// The NATS client would change such a value silently.
	if strings.IndexByte(value, '\n') >= 0 || strings.IndexByte(value, '\r') >= 0 || strings.TrimSpace(value) != value {
		return fmt.Errorf("header %s: %w", key, errHeader)
	}
	h.values = append(h.values, value)
	n := len(h.values)
	h.msg.Header[key] = h.values[n-1 : n : n]
	return nil
}
