package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// gather is how long the broker is left alone after it was asked for messages and had some, so that there are more of them
// next time: it wakes three goroutines for each message that somebody waits for.
const gather = time.Millisecond

var (
	errSilent  = errors.New("the broker does not answer")
	errRefused = errors.New("the broker refused to send messages")
)

// pull asks a consumer for messages, one request at a time: for all that are there, or for the next if there is none.
// The client's own way, requests that overlap, makes the broker send messages as they come, which costs it more
// than the messages do.
type pull struct {
	conn    *nats.Conn
	sub     *nats.Subscription
	arrived chan *nats.Msg
	subject string
	request []byte
	inbox   string
	options SubscriberOptions
	silence time.Duration

	// asked is the number of the request that stands, got how many messages it brought, ended that it brings no more.
	asked uint64
	got   int
	ended bool
	// received is when messages were taken last.
	received time.Time
}

func newPull(conn *nats.Conn, consumer string, o SubscriberOptions) (*pull, error) {
	expiry := max(o.PullExpiry, time.Second)
	request, err := json.Marshal(map[string]any{
		"batch": o.MaxEvents, "max_bytes": pullBytes, "no_wait": true, "expires": expiry, "idle_heartbeat": expiry / 2,
	})
	if err != nil {
		return nil, fmt.Errorf("compose a request to a JetStream consumer: %w", err)
	}
	p := &pull{
		conn: conn, arrived: make(chan *nats.Msg, o.MaxEvents+64), // and what the broker says beside messages
		subject: "$JS.API.CONSUMER.MSG.NEXT." + Name + "." + consumer, request: request,
		inbox: conn.NewInbox() + ".", options: o, silence: expiry + expiry/2,
	}
	p.sub, err = conn.ChanSubscribe(p.inbox+"*", p.arrived)
	if err != nil {
		return nil, fmt.Errorf("subscribe to a JetStream consumer: %w", err)
	}
	return p, nil
}

func (p *pull) close() error {
	if err := p.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from a JetStream consumer: %w", err)
	}
	return nil
}

// ask makes the next request.
func (p *pull) ask() error {
	p.asked++
	p.got, p.ended = 0, false
	if err := p.conn.PublishRequest(p.subject, p.inbox+strconv.FormatUint(p.asked, 10), p.request); err != nil {
		return fmt.Errorf("pull from the JetStream consumer: %w", err)
	}
	return nil
}

// answered tells that the request brings nothing more.
func (p *pull) answered() bool { return p.ended || p.got >= p.options.MaxEvents }

// receive waits for messages and gives all that are there.
func (p *pull) receive(ctx context.Context) ([]*nats.Msg, error) {
	silence := time.NewTimer(p.silence)
	defer silence.Stop()
	var msg *nats.Msg
	select {
	case msg = <-p.arrived:
	case <-silence.C:
		return nil, errSilent
	case <-ctx.Done():
		return nil, ctx.Err() //nolint:wrapcheck // the caller's own context
	}
	if !sleep(ctx, time.Until(p.received.Add(gather))) {
		return nil, ctx.Err() //nolint:wrapcheck // the caller's own context
	}
	p.received = time.Now()
	messages := make([]*nats.Msg, 0, 1+len(p.arrived))
	for {
		if !strings.HasPrefix(msg.Subject, p.inbox) {
			messages = append(messages, msg)
			p.got++
		} else if err := p.status(msg); err != nil {
			return nil, err
		}
		select {
		case msg = <-p.arrived:
		default:
			return messages, nil
		}
	}
}

// status is what the broker says of a request.
func (p *pull) status(msg *nats.Msg) error {
	status, description := msg.Header.Get("Status"), msg.Header.Get("Description")
	if status == "100" || strings.TrimPrefix(msg.Subject, p.inbox) != strconv.FormatUint(p.asked, 10) {
		return nil // it is alive, or speaks of an earlier request
	}
	// No more messages, none within the time, enough of them.
	if status == "404" || status == "408" || description == "Batch Completed" || description == "Message Size Exceeds MaxBytes" {
		p.ended = true
		return nil
	}
	return fmt.Errorf("%w: %s %s", errRefused, status, description)
}
