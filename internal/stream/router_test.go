package stream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"

	"github.com/daybook-ledger/daybook/internal/stream"
)

var errTransient = errors.New("a failure that passes")

// TestARouterDrivesABatchHandler is how projections run: Watermill's own router and middlewares, a batch a message.
func TestARouterDrivesABatchHandler(t *testing.T) {
	conn := startStream(t)
	subscriber, err := stream.NewSubscriber(conn, stream.SubscriberOptions{MaxEvents: 10, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		t.Fatal(err)
	}
	attempts := middleware.Retry{MaxRetries: 2, InitialInterval: time.Millisecond}
	router.AddMiddleware(attempts.Middleware, middleware.Recoverer)

	var handled []stream.Event // the next batch is handled only after this one was acked
	var calls atomic.Int64
	began, done := make(chan struct{}), make(chan struct{})
	router.AddConsumerHandler("projection", stream.All, subscriber, func(msg *message.Message) error {
		events := stream.Batch(msg)
		if len(events) == 0 {
			close(began)
			return nil
		}
		switch n := calls.Add(1); {
		case n == 1:
			panic("the first attempt")
		case n <= 7:
			// More failures than one delivery is tried: the batch is nacked and comes again.
			return errTransient
		}
		handled = append(handled, events...)
		if len(handled) == 100 {
			close(done)
		}
		return nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- router.Run(ctx) }()
	wait(t, began)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 100))
	wait(t, done)
	cancel()
	if err := <-stopped; err != nil {
		t.Errorf("the router ended with %v", err)
	}
	same(t, eventsOf("shop", 0, 100), handled)
}

func wait(t testing.TB, signal <-chan struct{}) {
	t.Helper()
	select {
	case <-signal:
	case <-time.After(patience):
		t.Fatal("nothing happened")
	}
}
