// Package memory is the transport of events inside one process, without NATS: for tests, of projections above all.
//
// It delivers as the real one does ([stream.Subscriber]): batches of what waits, the next after the one before it was
// acked, first an empty one. It keeps nothing for those who subscribe later. What happens to events on the way can be
// replaced: package chaos does.
package memory

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/backlog"
)

// Path is what happens to events between the publisher and one subscription. It is used by one goroutine at a time.
type Path interface {
	// Pass takes an event that was published, and gives those that arrive now.
	Pass(e stream.Event) []stream.Event
	// Settle gives what is still under way.
	Settle() []stream.Event
}

// Options bound batches as [stream.SubscriberOptions] do.
type Options struct {
	MaxEvents int
	Single    bool
	// Path makes the path of each subscription; nil is one where events arrive as they were sent.
	Path func() Path
}

// Transport implements Watermill's [message.Publisher] and [message.Subscriber].
type Transport struct {
	options Options

	mu            sync.Mutex
	closed        bool
	subscriptions []*subscription
	running       sync.WaitGroup
}

type subscription struct {
	topic   []string
	path    Path
	waiting *backlog.Backlog[stream.Event]
	gap     chan struct{}
	cancel  context.CancelFunc
}

var errClosed = errors.New("the transport is closed")

// New makes a transport.
func New(o Options) *Transport {
	if o.MaxEvents <= 0 {
		o.MaxEvents = 1000
	}
	if o.Path == nil {
		o.Path = func() Path { return straight{} }
	}
	return &Transport{options: o}
}

// Publish gives events (see [stream.NewMessage]) to all who are subscribed. It never waits for them.
func (t *Transport) Publish(_ string, messages ...*message.Message) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return errClosed
	}
	for _, msg := range messages {
		e, err := stream.ParseMessage(msg)
		if err != nil {
			return fmt.Errorf("publish in memory: %w", err)
		}
		subject := strings.Split(stream.Subject(e.Ledger, e.Type), ".")
		for _, s := range t.subscriptions {
			if matches(s.topic, subject) {
				s.arrive(s.path.Pass(e))
			}
		}
	}
	return nil
}

// Subscribe delivers what is published from now on, until ctx ends.
func (t *Transport) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &subscription{
		topic: strings.Split(topic, "."), path: t.options.Path(), cancel: cancel, gap: make(chan struct{}, 1),
		waiting: backlog.New[stream.Event](unlimited),
	}
	s.missed()
	t.subscriptions = append(t.subscriptions, s)
	d := stream.Delivery{
		Waiting: s.waiting, Gap: s.gap, Out: make(chan *message.Message),
		Limits: backlog.Limits{Items: t.options.MaxEvents, Bytes: unlimited.Bytes}, Single: t.options.Single,
	}
	t.running.Go(func() {
		defer t.forget(s)
		d.Run(ctx)
	})
	return d.Out, nil
}

// Settle lets arrive what is still under way, and then tells every subscription that it may have missed something, as
// the real transport does when it finds that out: from then on a projector can know everything.
func (t *Transport) Settle() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.subscriptions {
		s.arrive(s.path.Settle())
		s.missed()
	}
}

// Close ends all subscriptions and waits until they have.
func (t *Transport) Close() error {
	t.mu.Lock()
	t.closed = true
	for _, s := range t.subscriptions {
		s.cancel()
	}
	t.mu.Unlock()
	t.running.Wait()
	return nil
}

func (t *Transport) forget(s *subscription) {
	s.cancel()
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.subscriptions {
		if other == s {
			t.subscriptions = append(t.subscriptions[:i:i], t.subscriptions[i+1:]...)
			return
		}
	}
}

var unlimited = backlog.Limits{Items: math.MaxInt, Bytes: math.MaxInt} //nolint:gochecknoglobals // a constant

func (s *subscription) arrive(events []stream.Event) {
	for _, e := range events {
		_ = s.waiting.Put(context.Background(), e, 0) // there is always room
	}
}

func (s *subscription) missed() {
	select {
	case s.gap <- struct{}{}:
	default:
	}
}

// matches tells whether a subject fits a topic with NATS wildcards.
func matches(topic, subject []string) bool {
	for i, token := range topic {
		if token == ">" {
			return len(subject) > i
		}
		if i >= len(subject) || token != "*" && token != subject[i] {
			return false
		}
	}
	return len(topic) == len(subject)
}

type straight struct{}

func (straight) Pass(e stream.Event) []stream.Event { return []stream.Event{e} }
func (straight) Settle() []stream.Event             { return nil }
