package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// handle takes one message. It waits where the backlog is full, and so keeps the client from asking for more.
func (s *source) handle(ctx context.Context, msg jetstream.Msg, lost chan<- error) {
	s.handling.Lock()
	defer s.handling.Unlock()
	if ctx.Err() != nil {
		return
	}
	meta, err := msg.Metadata()
	if err != nil {
		s.log.WarnContext(ctx, "passed over a message that JetStream did not number", "subject", msg.Subject())
		return
	}
	if meta.Sequence.Consumer != s.delivered.Load()+1 {
		report(lost, errMissed)
		return
	}
	s.events.Inc()
	h := msg.Headers()
	e, err := parse(msg.Subject(), msg.Data(), h.Get(HeaderID), h.Get(HeaderRevision), h.Get(HeaderPosition), h.Get(HeaderMetadata))
	if err != nil {
		// Somebody else published it. What it stands for, if anything, is in the event store.
		s.log.WarnContext(ctx, "passed over a message that is no event", "error", err)
	} else if !s.put(ctx, e) {
		return
	}
	s.next = meta.Sequence.Stream + 1
	s.delivered.Add(1)
	s.lag.Set(float64(meta.NumPending))
}

func (s *source) put(ctx context.Context, e Event) bool {
	s.blocked.Store(true)
	defer s.blocked.Store(false)
	return s.waiting.Put(ctx, e, e.size()) == nil
}

// trouble takes what the client reports between messages. Whatever it is, another consumer costs less than finding out
// how well this one does.
func (s *source) trouble(ctx context.Context, err error, lost chan<- error) {
	s.log.DebugContext(ctx, "trouble with the JetStream consumer", "error", err)
	report(lost, err)
}

func report(lost chan<- error, err error) {
	select {
	case lost <- err:
	default:
	}
}

// watch returns when the consumer is lost or ctx ends. Each time that nothing came for a while it asks the broker
// whether there is something, since consumers have been seen to stall, and the last messages before a broken connection
// are missed by nobody else.
func (s *source) watch(ctx context.Context, consumer jetstream.Consumer, lost <-chan error) error {
	ticker := time.NewTicker(s.options.PullExpiry)
	defer ticker.Stop()
	for seen := s.delivered.Load(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // the caller's own context
		case err := <-lost:
			return err
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
