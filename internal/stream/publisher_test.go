package stream_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

func TestTheBrokerDropsWhatItHas(t *testing.T) {
	conn := startStream(t)
	p := newPublisher(t, conn, stream.PublisherOptions{})
	sent := eventsOf("shop", 0, 10)
	publish(t, p, sent)
	publish(t, p, append(sent, event("shop", 10)))
	if got := info(t, conn).State.Msgs; got != 11 {
		t.Errorf("the stream has %d messages, want 11", got)
	}
}

func TestMoreThanMayBeInFlight(t *testing.T) {
	conn := startStream(t)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{MaxInFlight: 3}), eventsOf("shop", 0, 500))
	if got := info(t, conn).State.Msgs; got != 500 {
		t.Errorf("the stream has %d messages, want 500", got)
	}
}

func TestTheErrorSaysWhichMessagesFailed(t *testing.T) {
	conn := startStream(t)
	p := newPublisher(t, conn, stream.PublisherOptions{})
	messages := messagesOf(eventsOf("shop", 0, 6))
	messages[3].Metadata["Note"] = "two\nlines"
	var failed *stream.PublishError
	if err := p.Publish(stream.Topic, messages...); !errors.As(err, &failed) {
		t.Fatalf("publish: %v, want a PublishError", err)
	}
	if !slices.Equal(failed.Failed, []int{3, 4, 5}) || failed.Total != 6 {
		t.Errorf("failed are %v of %d, want 3, 4 and 5 of 6", failed.Failed, failed.Total)
	}
	if got := info(t, conn).State.Msgs; got != 3 {
		t.Errorf("the stream has %d messages, want 3", got)
	}
}

func TestWhatTheBrokerRefusesFails(t *testing.T) {
	conn := startStream(t)
	p := newPublisher(t, conn, stream.PublisherOptions{})
	messages := messagesOf(eventsOf("shop", 0, 3))
	messages[1].Metadata["Nats-Expected-Stream"] = "ANOTHER"
	var failed *stream.PublishError
	var refusal *jetstream.APIError
	if err := p.Publish(stream.Topic, messages...); !errors.As(err, &failed) || !errors.As(err, &refusal) {
		t.Fatalf("publish: %v, want the broker's refusal", err)
	}
	if !slices.Contains(failed.Failed, 1) || slices.Contains(failed.Failed, 0) {
		t.Errorf("failed are %v, want 1 and not 0", failed.Failed)
	}
}

// TestALostStreamIsNoticed loses what was acknowledged while nothing is being published, so that no publishing fails.
func TestALostStreamIsNoticed(t *testing.T) {
	conn := startStream(t)
	p := newPublisher(t, conn, stream.PublisherOptions{})
	after(t, p, 0, eventsOf("shop", 0, 10), nil)
	after(t, p, 10, eventsOf("shop", 10, 10), nil)
	replaceStream(t, conn)
	after(t, p, 20, eventsOf("shop", 20, 5), stream.ErrMoved)
	after(t, p, 20, eventsOf("shop", 20, 1), stream.ErrMoved)
	if got := info(t, conn).State.Msgs; got != 0 {
		t.Errorf("the stream has %d messages, want none", got)
	}
	after(t, p, 0, eventsOf("shop", 0, 25), nil)
}

func after(t *testing.T, p *stream.Publisher, sequence uint64, events []stream.Event, want error) {
	t.Helper()
	if err := p.PublishEvents(sequence, events); !errors.Is(err, want) {
		t.Fatalf("publish %d events after %d: %v, want %v", len(events), sequence, err, want)
	}
}

// TestOfTwoPublishersOneGetsOn has two publish after the same message, the events being the same or not.
func TestOfTwoPublishersOneGetsOn(t *testing.T) {
	t.Run("one server", func(t *testing.T) { onlyOneGetsOn(t, startStream(t)) })
	t.Run("cluster", func(t *testing.T) {
		conn := dialOutside(t, stream.DialOptions{Servers: natstest.URLs(natstest.Cluster(t, 3)...)})
		ensure(t, conn, stream.Config{Replicas: 3})
		onlyOneGetsOn(t, conn)
	})
}

func onlyOneGetsOn(t *testing.T, conn *nats.Conn) {
	t.Helper()
	one, other := newPublisher(t, conn, stream.PublisherOptions{}), newPublisher(t, conn, stream.PublisherOptions{})
	after(t, one, 0, eventsOf("shop", 0, 10), nil)
	after(t, other, 0, eventsOf("other", 0, 10), stream.ErrMoved)
	after(t, other, 0, eventsOf("shop", 0, 5), stream.ErrMoved)  // all are there
	after(t, other, 5, eventsOf("shop", 5, 10), nil)             // some are there, and the rest comes behind them
	after(t, other, 15, eventsOf("shop", 15, 10), nil)           // it ended there
	after(t, one, 10, eventsOf("shop", 10, 15), stream.ErrMoved) // another has published them
	after(t, one, 25, eventsOf("shop", 3, 1), stream.ErrMoved)   // it is there, and elsewhere
	after(t, one, 25, eventsOf("shop", 25, 1), nil)
	message := messagesOf(eventsOf("shop", 26, 2))
	message[0].Metadata[stream.KeyAfter] = "25"
	if err := one.Publish(stream.Topic, message...); !errors.Is(err, stream.ErrMoved) {
		t.Errorf("publish messages after 25: %v, want that the stream ends elsewhere", err)
	}
	message[0].Metadata[stream.KeyAfter] = "26"
	if err := one.Publish(stream.Topic, message...); err != nil {
		t.Errorf("publish messages after 26: %v", err)
	}
	same(t, eventsOf("shop", 0, 28), collect(t, subscribe(t, conn, stream.SubscriberOptions{Start: stream.StartAt(1)}), 28))
	if got := info(t, conn).State.Msgs; got != 28 {
		t.Errorf("the stream has %d messages, want 28", got)
	}

	// Of these two are known, and what comes next to them is somebody else's.
	if _, err := newJetStream(t, conn).Publish(t.Context(), stream.Subject("shop", "Note"), nil); err != nil {
		t.Fatal(err)
	}
	after(t, one, 26, eventsOf("shop", 26, 5), stream.ErrMoved)
	if got := info(t, conn).State.Msgs; got != 29 {
		t.Errorf("the stream has %d messages, want 29", got)
	}
}

func TestWithoutAConnectionPublishFailsAtOnce(t *testing.T) {
	conn := startStream(t)
	p := newPublisher(t, conn, stream.PublisherOptions{})
	broker := ensure(t, conn, stream.Config{})
	conn.Close()
	if err := p.PublishEvents(0, eventsOf("shop", 0, 1)); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("publish: %v, want that there is no connection", err)
	}
	if err := broker.Ensure(t.Context()); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("ensure: %v, want that there is no connection", err)
	}
}

func TestWithoutAStreamPublishFails(t *testing.T) {
	conn := connect(t, startServer(t, natsserver.Options{}))
	p := newPublisher(t, conn, stream.PublisherOptions{})
	if err := p.Publish(stream.Topic, messagesOf(eventsOf("shop", 0, 3))...); !errors.Is(err, jetstream.ErrNoStreamResponse) {
		t.Errorf("publish: %v, want that no stream responds", err)
	}
}

func TestWithoutAnAnswerPublishGivesUp(t *testing.T) {
	conn := connect(t, startServer(t, natsserver.Options{}))
	// Somebody listens, so that the server does not refuse, and never answers.
	silent, err := conn.Subscribe(stream.All, func(*nats.Msg) {})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Unsubscribe() }()
	p := newPublisher(t, conn, stream.PublisherOptions{AckTimeout: 10 * time.Millisecond, MaxInFlight: 2})
	var failed *stream.PublishError
	err = p.Publish(stream.Topic, messagesOf(eventsOf("shop", 0, 3))...)
	if !errors.As(err, &failed) || !errors.Is(err, stream.ErrNotAcknowledged) || len(failed.Failed) != 3 {
		t.Errorf("publish: %v, want that none was acknowledged", err)
	}
}

func TestAClosedPublisherPublishesNothing(t *testing.T) {
	conn := startStream(t)
	p := newPublisher(t, conn, stream.PublisherOptions{})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(stream.Topic, messagesOf(eventsOf("shop", 0, 1))...); err == nil {
		t.Error("a closed publisher publishes")
	}
}
