package stream

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/daybook-ledger/daybook/internal/stream/backlog"
)

// Delivery is the half of a subscription that all transports share: it takes what waits, and hands it out batch by
// batch, each after the one before it was acked.
type Delivery struct {
	// Waiting is where events come from. Gap says that some may be missing before those that come next.
	Waiting *backlog.Backlog[Event]
	Gap     <-chan struct{}
	// Out is where messages go. It belongs to the Delivery, which closes it.
	Out chan *message.Message
	// Limits bound a batch. Single delivers each event as a message of its own.
	Limits backlog.Limits
	Single bool
	// Backoff is the longest pause before a nacked message comes again.
	Backoff time.Duration
}

const firstBackoff = 5 * time.Millisecond

// Run delivers until ctx ends.
func (d Delivery) Run(ctx context.Context) {
	defer close(d.Out)
	for {
		// A gap goes first: it makes the projector read the store, and what waits is mostly known to it then.
		select {
		case <-d.Gap:
			if !d.hand(ctx, nil) {
				return
			}
			continue
		default:
		}
		if events := d.Waiting.TryTake(d.Limits); events != nil {
			if !d.hand(ctx, events) {
				return
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-d.Waiting.Ready():
		case <-d.Gap:
			if !d.hand(ctx, nil) {
				return
			}
		}
	}
}

// hand delivers a batch in the form that was asked for. It is false where ctx ended.
func (d Delivery) hand(ctx context.Context, events []Event) bool {
	if !d.Single {
		return d.deliver(ctx, func(ctx context.Context) *message.Message { return NewBatch(ctx, events) })
	}
	for _, e := range events {
		one := func(ctx context.Context) *message.Message {
			msg := NewMessage(e)
			msg.SetContext(ctx)
			return msg
		}
		if !d.deliver(ctx, one) {
			return false
		}
	}
	return true
}

// deliver hands out one message until it is acked. It is false where ctx ended before.
func (d Delivery) deliver(ctx context.Context, compose func(context.Context) *message.Message) bool {
	for pause := firstBackoff; ; pause = min(2*pause, max(d.Backoff, firstBackoff)) {
		acked, ok := d.attempt(ctx, compose)
		if acked || !ok {
			return ok
		}
		if !sleep(ctx, pause) {
			return false
		}
	}
}

func (d Delivery) attempt(ctx context.Context, compose func(context.Context) *message.Message) (acked, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := compose(ctx)
	select {
	case d.Out <- msg:
	case <-ctx.Done():
		return false, false
	}
	select {
	case <-msg.Acked():
		return true, true
	case <-msg.Nacked():
		return false, true
	case <-ctx.Done():
		return false, false
	}
}

// sleep waits; it is false where ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
