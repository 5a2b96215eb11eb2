package runner

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/internal/stream"
)

// How a batch is tried again that failed for a reason that is not in a projection: the database is full, or the store
// cannot be read. After the last retry the transport delivers it again, without end.
const (
	retriesMax       = 5
	retryIntervalMax = 5 * time.Second
	retryMultiplier  = 2
	closeTimeout     = 30 * time.Second
	// verifyTicks is after how many ticks the store is read to its end although events keep coming.
	verifyTicks = 15
)

// followSubscriber subscribes first, then reads what the store has, then applies what the subscription has brought since.
func (r *Runner) followSubscriber(ctx context.Context) error {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, watermill.NewSlogLogger(r.Logger))
	if err != nil {
		return fmt.Errorf("make the router of projections: %w", err)
	}
	router.AddMiddleware(
		middleware.Retry{
			MaxRetries: retriesMax, InitialInterval: r.RetryPause, MaxInterval: retryIntervalMax, Multiplier: retryMultiplier,
			Logger: watermill.NewSlogLogger(r.Logger),
		}.Middleware,
		middleware.Recoverer, // inside the retries, so that a panic is tried again too
	)
	caughtUp := make(chan struct{})
	router.AddConsumerHandler("projections", r.Topic, r.Subscriber, func(msg *message.Message) error {
		select {
		case <-caughtUp:
			return r.takeMessage(msg)
		case <-msg.Context().Done():
			return msg.Context().Err()
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	select {
	case err := <-ended:
		return fmt.Errorf("subscribe the projections: %w", err)
	case <-router.Running():
	}
	r.catchUpSurely(ctx)
	close(caughtUp)
	stop := r.ticks()
	defer stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-r.Ticks:
			r.tick(ctx)
		}
	}
}

// takeMessage applies the events of a message. One without events says that some may have been missed.
func (r *Runner) takeMessage(msg *message.Message) error {
	events := stream.Batch(msg)
	if len(events) == 0 {
		return r.catchUp(msg.Context())
	}
	began := time.Now()
	if err := r.feed(msg.Context(), itemsOf(events), nil); err != nil {
		return err
	}
	r.rest(msg.Context(), began) // the next batch is what has come by the time that this one is acknowledged
	return nil
}

// feed applies what has come.
func (r *Runner) feed(ctx context.Context, items []item, read *span) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = false
	return r.live.take(ctx, items, read)
}

// rest lets events gather until it is time for the next transaction, or until somebody waits for it. A transaction costs as
// much as some hundred events, so that one for each dozen of them would take the processor from those who post. An event
// that comes after a quiet time is applied at once.
func (r *Runner) rest(ctx context.Context, began time.Time) {
	timer := time.NewTimer(r.Pace - time.Since(began))
	defer timer.Stop()
	var awaited <-chan struct{}
	if r.Board != nil {
		awaited = r.Board.Awaited()
	}
	select {
	case <-ctx.Done():
	case <-awaited:
	case <-timer.C:
	}
}

// followStore applies what the store has and goes on live.
func (r *Runner) followStore(ctx context.Context) error {
	r.catchUpSurely(ctx)
	stop := r.ticks()
	defer stop()
	for ctx.Err() == nil {
		ended, cancel := context.WithCancel(ctx)
		parts := r.read(r.Store.Subscribe(ended, r.reached()), r.reached())
		err := r.consume(ctx, parts)
		cancel()
		drain(parts)
		if ctx.Err() == nil {
			r.Logger.WarnContext(ctx, "the subscription to the event store broke off, subscribing again", "error", err)
			run.Pause(ctx, r.RetryPause)
		}
	}
	return nil
}

// consume applies what comes until the subscription breaks off or a part cannot be applied.
func (r *Runner) consume(ctx context.Context, parts <-chan part) error {
	for {
		select {
		case <-r.Ticks:
			r.tick(ctx)
		case p, open := <-parts:
			if !open {
				return nil
			}
			if err := r.takePart(ctx, p); err != nil {
				return err
			}
		}
	}
}

func (r *Runner) takePart(ctx context.Context, p part) error {
	if p.err != nil {
		return p.err
	}
	began := time.Now()
	if err := r.feed(ctx, p.items, &p.read); err != nil {
		return err
	}
	r.rest(ctx, began)
	return nil
}

func (r *Runner) reached() eventstore.Position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live.position()
}

// ticks sets up the ticks where none were given.
func (r *Runner) ticks() (stop func()) {
	if r.Ticks != nil {
		return func() {}
	}
	ticker := time.NewTicker(ticksDefault)
	r.Ticks = ticker.C
	return ticker.Stop
}

// tick compares with the store when nothing came since the last tick, so that even the loss of the very last event heals,
// and now and then when something did, so that a restart has little to compare.
func (r *Runner) tick(ctx context.Context) {
	r.mu.Lock()
	due := r.idle || r.unverified >= verifyTicks
	r.idle = true
	r.unverified++
	r.mu.Unlock()
	if !due {
		return
	}
	if err := r.catchUp(ctx); err != nil && ctx.Err() == nil {
		r.Logger.ErrorContext(ctx, "compare the read models with the event store", "error", err)
	}
}

// catchUpSurely is catchUp, again and again until it succeeds or ctx ends.
func (r *Runner) catchUpSurely(ctx context.Context) {
	for wait := r.RetryPause; ctx.Err() == nil; wait = min(wait*retryMultiplier, retryIntervalMax) {
		err := r.catchUp(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		r.Logger.ErrorContext(ctx, "bring the read models up to date, trying again", "error", err)
		run.Pause(ctx, wait)
	}
}

// catchUp reads the store from where every projection has every event to its end, and applies what is missing.
func (r *Runner) catchUp(ctx context.Context) error {
	r.mu.Lock()
	err := r.live.refresh(ctx)
	after, feeding := r.live.position(), r.live.anyActive()
	r.unverified = 0
	r.mu.Unlock()
	if err != nil || !feeding {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	parts := r.read(r.Store.ReadAll(ctx, after), after)
	defer drain(parts)
	defer cancel() // before it
	for p := range parts {
		if p.err != nil {
			return p.err
		}
		r.mu.Lock()
		err := r.live.take(ctx, p.items, &p.read)
		r.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// read is readAhead for what may be known: with a subscriber most of what the store has is, and need not be decoded.
func (r *Runner) read(records iter.Seq2[eventstore.Recorded, error], after eventstore.Position) <-chan part {
	return gather(records, &gatherer{after: after, max: r.BatchMax, ahead: r.Subscriber == nil})
}

// readAhead gathers what a store yields into parts: as much as has come by the time that the last part was taken, up to
// BatchMax. The channel is closed after the end, or after a part with an error; it must be read to its end.
func (r *Runner) readAhead(records iter.Seq2[eventstore.Recorded, error], after eventstore.Position) <-chan part {
	return gather(records, &gatherer{after: after, max: r.BatchMax, ahead: true})
}
