package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
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
	// abandonedAfter is when the broker forgets a consumer that nobody pulls from.
	abandonedAfter = time.Minute
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

	// handling is held while a message is handled. The client may report its consumer closed while that is so.
	handling sync.Mutex
	// next is the number of the first message not yet seen, or 0 before the first consumer of a new subscription.
	// Whoever handles a message writes it; run reads it between consumers.
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

	handling, stop := context.WithCancel(ctx)
	defer stop()
	s.delivered.Store(0)
	lost := make(chan error, 1)
	consuming, err := consumer.Consume(
		func(msg jetstream.Msg) { s.handle(handling, msg, lost) },
		jetstream.PullMaxMessagesWithBytesLimit(s.options.MaxEvents, pullBytes),
		jetstream.PullExpiry(max(s.options.PullExpiry, time.Second)),
		jetstream.PullHeartbeat(max(s.options.PullExpiry, time.Second)/2),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { s.trouble(ctx, err, lost) }),
	)
	if err != nil {
		return false, fmt.Errorf("pull from the JetStream consumer: %w", err)
	}
	begun()
	defer func() {
		stop()
		consuming.Stop()
		<-consuming.Closed()
		s.handling.Lock()   // what was being handled has ended, and nothing more will be
		s.handling.Unlock() //nolint:staticcheck // waiting is all that is wanted
	}()
	return true, s.watch(ctx, consumer, lost)
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
		FilterSubject:     s.topic,
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

// place decides which message is next, and says whether one before it may have been missed.
func (s *source) place(info *jetstream.StreamInfo) (missing bool) {
	state := info.State
	first := s.created.IsZero()
	switch {
	case s.next == 0:
		s.next = state.LastSeq + 1
	case !first && !s.created.Equal(info.Created), s.next < state.FirstSeq, s.next > state.LastSeq+1:
		// Either what is next was discarded, or the stream is another one that counts from the beginning.
		s.next = max(state.FirstSeq, 1)
		return true
	}
	return first
}
