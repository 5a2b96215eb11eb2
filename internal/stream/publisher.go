package stream

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	errNoEvent = errors.New("it is no event")
	// ErrNotAcknowledged means that the broker did not answer in time, so that nobody knows whether it has the message.
	ErrNotAcknowledged = errors.New("the broker did not acknowledge in time")
	// ErrDisconnected means that there is no connection to the broker now.
	ErrDisconnected = errors.New("NATS is not connected")
	// ErrMoved means that the stream does not end where whoever publishes thought: it has lost what it had, or somebody else has
	// published. Look again where it ends (see [Broker.End]).
	ErrMoved           = errors.New("the stream does not end where it was thought to")
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
//
// The messages of one Publish are one batch to the broker ("fast ingest", since version 2.14; the stream must allow it,
// as that of [Broker] does). It acknowledges some hundreds at a time, drops what it has already, and stores nothing after
// a message that it misses.
type Publisher struct {
	conn    *nats.Conn
	options PublisherOptions
	// inbox is the subject prefix that acknowledgements come to, name what makes the ids of batches unique.
	inbox string
	name  string
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
	inbox := conn.NewInbox()
	p := &Publisher{
		conn: conn, options: o, inbox: inbox + ".", name: inbox[strings.LastIndexByte(inbox, '.')+1:],
		flights: make(map[string]*flight),
	}
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
// message by its UUID). A message that is an event (see [NewMessage]) goes to that one's subject, any other to the topic.
// Where the first one has [KeyAfter] it is as [Publisher.PublishEvents].
//
// It fails with a [*PublishError]. Of the messages some may be stored then, from the first on: publish all of them again, those that
// the broker has are dropped there.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	after := anywhere
	if len(messages) > 0 && messages[0].Metadata[KeyAfter] != "" {
		var err error
		if after, err = strconv.ParseUint(messages[0].Metadata[KeyAfter], 10, 64); err != nil {
			return fmt.Errorf("metadata %s: %w", KeyAfter, err)
		}
	}
	return p.send(after, len(messages), func(o *outgoing, i int) error { return o.message(topic, messages[i]) })
}

// PublishEvents is Publish of the events' messages (see [NewMessage]), which it does not make, right after the message of
// that number: where it succeeds, the stream ended there, and now has these and ends with them. Where that is not so it fails with
// [ErrMoved]; the first of the events may be stored nevertheless.
//
// Each event says which message it follows, and the broker stores none after one that it refused. So none is ever stored but where it
// was meant to be.
func (p *Publisher) PublishEvents(after uint64, events []Event) error {
	return p.send(after, len(events), func(o *outgoing, i int) error { return o.event(&events[i]) })
}

// anywhere is that it does not matter where the stream ends.
const anywhere uint64 = math.MaxUint64

func (p *Publisher) send(after uint64, total int, encode func(o *outgoing, i int) error) error {
	if total == 0 {
		return nil
	}
	if !p.conn.IsConnected() {
		return ErrDisconnected
	}
	f, err := p.begin(total)
	if err != nil {
		return err
	}
	defer p.end(f)
	var out outgoing
	for i := range total {
		if !f.admit(p.options.MaxInFlight) {
			break
		}
		err := encode(&out, i)
		if err == nil && after != anywhere {
			err = out.set(KeyAfter, strconv.FormatUint(after+uint64(i), 10))
		}
		if err == nil {
			out.msg.Reply = f.reply(i)
			err = p.conn.PublishMsg(&out.msg)
		}
		if err != nil {
			f.fail(err)
			p.cut(f, i, out.msg.Subject)
			break
		}
	}
	last, err := f.wait()
	if api := (*jetstream.APIError)(nil); errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	if err == nil && after != anywhere && last != after+uint64(total) {
		return ErrMoved // it had some of these already
	}
	return err
}

// cut ends a batch before a message that was not sent, so that the broker says what it has of those that were.
func (p *Publisher) cut(f *flight, next int, subject string) {
	if next == 0 {
		f.finish(0)
		return
	}
	if err := p.conn.PublishRequest(subject, f.replyTo(next, opEnd), nil); err != nil {
		f.abandon(err)
	}
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
