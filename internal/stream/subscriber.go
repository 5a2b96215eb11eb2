package stream

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/stream/backlog"
)

// Start says where a subscription begins. The zero value is [StartNew].
type Start struct{ sequence uint64 }

// StartNew begins with what is published after Subscribe.
func StartNew() Start { return Start{} }

// StartAt begins with a message by its number in the JetStream stream, from 1. Where that is gone, who takes batches is told
// of a gap and gets what is published after it, and who takes single events (see [SubscriberOptions]) gets what there is.
func StartAt(sequence uint64) Start { return Start{sequence: max(sequence, 1)} }

// SubscriberOptions bound batches. Zero fields take the defaults.
type SubscriberOptions struct {
	Start Start
	// MaxEvents and MaxBytes bound a batch: 1,000 events and 1 MiB by default. One event may be larger than MaxBytes.
	// As much again is held while a batch is being handled.
	MaxEvents int
	MaxBytes  int
	// Single delivers one event a message (see [ParseMessage]) rather than batches, and no empty ones.
	Single bool
	// PullExpiry is how long a request to the broker stands, and the longest that a lost one goes unnoticed: 5 s.
	PullExpiry time.Duration
	// Backoff is the longest wait before a nacked batch comes again and between attempts to reach the broker: 5 s.
	Backoff time.Duration
	Logger  *slog.Logger
	// Metrics is told what happens; nil is none. See [NewMetrics].
	Metrics *Metrics
}

func (o SubscriberOptions) withDefaults() SubscriberOptions {
	if o.MaxEvents <= 0 {
		o.MaxEvents = 1000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 20
	}
	if o.PullExpiry <= 0 {
		o.PullExpiry = 5 * time.Second
	}
	if o.Backoff <= 0 {
		o.Backoff = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	return o
}

// Subscriber delivers events from JetStream; it implements Watermill's [message.Subscriber]. See [Batch] for what a
// message holds.
//
// A batch is all that waits, up to the limits, so that it is large under load and immediate otherwise. The next batch
// comes only after the one before it was acked; a nacked one comes again, the same, after a pause that grows. Nothing is
// kept at the broker: a new process starts where its [Start] says.
type Subscriber struct {
	js      jetstream.JetStream
	options SubscriberOptions

	mu      sync.Mutex
	closed  bool
	cancels []context.CancelFunc
	running sync.WaitGroup
}

var errSubscriberClosed = errors.New("the subscriber is closed")

// NewSubscriber makes a subscriber over a connection, which stays the caller's.
func NewSubscriber(conn *nats.Conn, o SubscriberOptions) (*Subscriber, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err //nolint:wrapcheck // it tells what is wrong with the options, of which there are none
	}
	return &Subscriber{js: js, options: o.withDefaults()}, nil
}

// Subscribe delivers the events on a topic: [All], or a subject with NATS wildcards. Where the broker cannot be reached
// it returns all the same, and the subscription begins when that is possible.
//
// The channel is closed when ctx ends or the subscriber is closed.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errSubscriberClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	s.cancels = append(s.cancels, cancel)

	// As much as a batch waits here, while as much again may be on its way from the broker.
	waiting := backlog.New[Event](backlog.Limits{Items: s.options.MaxEvents, Bytes: s.options.MaxBytes})
	source := &source{
		js: s.js, topic: topic, options: s.options, waiting: waiting, gap: make(chan struct{}, 1), next: s.options.Start.sequence,
		log:    s.options.Logger.With("topic", topic),
		events: s.options.Metrics.events.WithLabelValues(topic),
		lag:    s.options.Metrics.lag.WithLabelValues(topic),
	}
	d := Delivery{
		Waiting: waiting, Gap: source.gap, Out: make(chan *message.Message),
		Limits: backlog.Limits{Items: s.options.MaxEvents, Bytes: s.options.MaxBytes},
		Single: s.options.Single, Backoff: s.options.Backoff,
	}
	established := make(chan struct{})
	s.running.Add(2)
	go func() {
		defer s.running.Done()
		source.run(ctx, established)
	}()
	go func() {
		defer s.running.Done()
		defer cancel()
		d.Run(ctx)
	}()
	select {
	case <-established:
	case <-ctx.Done():
	}
	return d.Out, nil
}

// Close ends all subscriptions and waits until they have.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, cancel := range s.cancels {
		cancel()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
