package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// pull takes messages until ctx ends or something goes wrong, after which another consumer costs less than finding out
// how well this one does. It waits where the backlog is full, and asks the broker for no more then.
func (s *source) pull(ctx context.Context, p *pull) error {
	for {
		if err := p.ask(); err != nil {
			return err
		}
		for !p.answered() {
			messages, err := p.receive(ctx)
			if err != nil {
				return err
			}
			if err := s.take(ctx, messages); err != nil {
				return err
			}
		}
	}
}

// take hands on what arrived.
func (s *source) take(ctx context.Context, messages []*nats.Msg) error {
	events := make([]Event, 0, len(messages))
	next, delivered := s.next, s.delivered.Load()
	pending := uint64(0)
	for _, msg := range messages {
		meta, err := msg.Metadata()
		if err != nil {
			s.log.WarnContext(ctx, "passed over a message that JetStream did not number", "subject", msg.Subject)
			continue
		}
		if meta.Sequence.Consumer != delivered+1 {
			return errMissed
		}
		next, delivered, pending = meta.Sequence.Stream+1, delivered+1, meta.NumPending
		e, err := parseMsg(msg.Subject, msg.Header, msg.Data)
		if err != nil {
			// Somebody else published it. What it stands for, if anything, is in the event store.
			s.log.WarnContext(ctx, "passed over a message that is no event", "error", err)
			continue
		}
		events = append(events, e)
	}
	if err := s.put(ctx, events); err != nil {
		return err
	}
	s.events.Add(float64(delivered - s.delivered.Load()))
	s.lag.Set(float64(pending))
	s.next = next
	s.delivered.Store(delivered)
	return nil
}

func (s *source) put(ctx context.Context, events []Event) error {
	s.blocked.Store(true)
	defer s.blocked.Store(false)
	return s.waiting.PutAll(ctx, events, (*Event).size)
}

// watch returns when ctx ends or the consumer is found to be lost. Each time that nothing came for a while it asks the broker
// whether there is something, since consumers have been seen to stall, and the last messages before a broken connection
// are missed by nobody else.
func (s *source) watch(ctx context.Context, consumer jetstream.Consumer) error {
	ticker := time.NewTicker(s.options.PullExpiry)
	defer ticker.Stop()
	for seen := s.delivered.Load(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // the caller's own context
		case <-ticker.C:
		}
		delivered := s.delivered.Load()
		if delivered != seen {
			seen = delivered
			continue
		}
		if err := s.check(ctx, consumer, delivered); err != nil {
			return err
		}
	}
}

func (s *source) check(ctx context.Context, consumer jetstream.Consumer, delivered uint64) error {
	asking, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	info, err := consumer.Info(asking)
	if err != nil {
		return fmt.Errorf("ask for the state of the JetStream consumer: %w", err)
	}
	s.lag.Set(float64(info.NumPending) + float64(s.waiting.Len()))
	idle := !s.blocked.Load() && s.delivered.Load() == delivered
	switch {
	case !idle:
		return nil
	case info.Delivered.Consumer > delivered:
		return errMissed
	case info.NumPending > 0:
		return errStalled
	}
	return nil
}

// remove spares the broker from keeping a consumer that nobody uses. Where that fails it goes by itself.
func (s *source) remove(ctx context.Context, consumer jetstream.Consumer) {
	if s.js.Conn().IsClosed() || !s.js.Conn().IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	if err := s.js.DeleteConsumer(ctx, Name, consumer.CachedInfo().Name); err != nil {
		s.log.DebugContext(ctx, "the JetStream consumer was not removed", "error", err)
	}
}
