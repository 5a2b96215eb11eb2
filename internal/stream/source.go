package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/stream/backlog"
)

const (
	requestTimeout = 2 * time.Second
	// pullBytes bounds what one request to the broker may bring. It must exceed the largest message.
	pullBytes = 16 << 20
	// abandonedAfter is when the broker forgets a consumer that nobody pulls from, be it that its process died or that it
	// reads the event store for so long.
	abandonedAfter = 10 * time.Minute
)

var (
	errStalled = errors.New("the broker holds messages but sends none")
	errMissed  = errors.New("a message was lost between the broker and this process")
)

// source fills a backlog from JetStream for as long as a subscription lasts. It makes an ephemeral consumer, and another
// one whenever that is lost, which goes on after the last message seen.
type source struct {
	js      jetstream.JetStream
	topic   string
	options SubscriberOptions
	log     *slog.Logger
	waiting *backlog.Backlog[Event]
	// gap takes a token when continuity was lost.
	gap chan struct{}

	events prometheus.Counter
	lag    prometheus.Gauge

	// next is the number of the first message not yet seen, or 0 before the first consumer of a new subscription.
	// Whoever pulls writes it; run reads it between consumers.
	next uint64
	// created is when the stream was made that next counts in.
	created time.Time
	// delivered is the number of messages that the live consumer sent; blocked tells that one of them waits for room.
	delivered atomic.Uint64
	blocked   atomic.Bool
}

// run works until ctx ends. It closes established after the first attempt, good or bad.
func (s *source) run(ctx context.Context, established chan<- struct{}) {
	failing := false
	pause := firstBackoff
	for ctx.Err() == nil {
		began, err := s.consume(ctx, func() {
			if established != nil {
				close(established)
				established = nil
			}
			if failing {
				s.log.InfoContext(ctx, "subscribed to NATS again")
				failing = false
			}
		})
		if established != nil {
			close(established)
			established = nil
		}
		if ctx.Err() != nil {
			return
		}
		if !failing {
			failing = true
			s.log.WarnContext(ctx, "lost the subscription to NATS, trying again", "error", err)
		}
		if began {
			pause = firstBackoff
		}
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, s.options.Backoff)
	}
}

// consume lets one consumer run until it is lost, and says whether it began at all.
func (s *source) consume(ctx context.Context, begun func()) (began bool, err error) {
	consumer, err := s.create(ctx)
	if err != nil {
		return false, err
	}
	defer s.remove(ctx, consumer)

	s.delivered.Store(0)
	p, err := newPull(s.js.Conn(), consumer.CachedInfo().Name, s.options)
	if err != nil {
		return false, err
	}
	begun()
	pulling, stop := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop(s.pull(pulling, p))
	}()
	stop(s.watch(pulling, consumer))
	<-done
	return true, errors.Join(context.Cause(pulling), p.close())
}

// create makes the consumer, and signals a gap where it cannot go on right after what was seen.
func (s *source) create(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	events, err := s.js.Stream(ctx, Name)
	if err != nil {
		return nil, fmt.Errorf("look up the JetStream stream %s: %w", Name, err)
	}
	missing := s.place(events.CachedInfo())
	consumer, err := events.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject:     filter(s.topic),
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       s.next,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: abandonedAfter,
	})
	if err != nil {
		return nil, fmt.Errorf("make a JetStream consumer: %w", err)
	}
	s.created = events.CachedInfo().Created
	if missing {
		s.options.Metrics.gaps.WithLabelValues(s.topic).Inc()
		select {
		case s.gap <- struct{}{}:
		default:
		}
	}
	return consumer, nil
}

// filter is empty for all events: the broker looks at the subject of each message otherwise.
func filter(topic string) string {
	if topic == All {
		return ""
	}
	return topic
}

// place decides which message is next, and says whether one before it may have been missed.
func (s *source) place(info *jetstream.StreamInfo) (missing bool) {
	state := info.State
	first := s.created.IsZero()
	switch {
	case s.next == 0:
		s.next = state.LastSeq + 1
	case !first && !s.created.Equal(info.Created), s.next < state.FirstSeq, s.next > state.LastSeq+1:
		// Either what is next was discarded, or the stream is another one that counts from the beginning. Who is told of
		// the gap reads the event store, which has what the stream still holds as well: it is not sent once more. Else who
		// is slow, and so missed something, would be made slower.
		s.next = state.LastSeq + 1
		if s.options.Single {
			s.next = max(state.FirstSeq, 1)
		}
		return true
	}
	return first
}
