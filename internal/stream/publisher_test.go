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
	must := func(events []stream.Event) {
		t.Helper()
		if err := p.PublishEvents(events); err != nil {
			t.Fatal(err)
		}
	}
	must(eventsOf("shop", 0, 10))
	must(eventsOf("shop", 10, 10))
	replaceStream(t, conn)
	if err := p.PublishEvents(eventsOf("shop", 20, 5)); !errors.Is(err, stream.ErrFewer) {
		t.Fatalf("publish: %v, want that the broker has fewer", err)
	}
	if got := info(t, conn).State.Msgs; got != 5 {
		t.Errorf("the stream has %d messages, want those 5", got)
	}
	must(eventsOf("shop", 25, 5))
	must(eventsOf("shop", 20, 10)) // all are there: it says nothing of others
	must(eventsOf("shop", 30, 5))
	if err := p.PublishEvents(eventsOf("shop", 30, 10)); !errors.Is(err, stream.ErrFewer) {
		t.Fatalf("publish some again: %v, want that the broker has fewer", err)
	}
	if err := p.Publish(stream.Topic, messagesOf(eventsOf("shop", 35, 10))...); err != nil {
		t.Fatalf("publish: %v, which is about messages before", err)
	}
}

func TestWithoutAConnectionPublishFailsAtOnce(t *testing.T) {
	conn := startStream(t)
	p := newPublisher(t, conn, stream.PublisherOptions{})
	broker := ensure(t, conn, stream.Config{})
	conn.Close()
	if err := p.PublishEvents(eventsOf("shop", 0, 1)); !errors.Is(err, stream.ErrDisconnected) {
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
