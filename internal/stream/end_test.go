package stream_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/stream"
)

// all takes every event for one of the log.
func all(*stream.Event) (bool, error) { return true, nil }

// ends demands where the stream ends; an empty position is that no event is known.
func ends(t *testing.T, broker *stream.Broker, sequence uint64, position string) {
	t.Helper()
	endsFor(t, broker, all, sequence, position)
}

func endsFor(t *testing.T, broker *stream.Broker, ours stream.Ours, sequence uint64, position string) {
	t.Helper()
	end, err := broker.End(t.Context(), ours)
	got := ""
	if end.Last != nil {
		got = end.Last.Position
	}
	if err != nil || end.Sequence != sequence || got != position {
		t.Errorf("the stream ends with message %d, position %q, %v; want %d, %q", end.Sequence, got, err, sequence, position)
	}
}

func TestTheEndIsTheLastEventOfTheLog(t *testing.T) {
	conn := startStream(t)
	broker := ensure(t, conn, stream.Config{})
	ends(t, broker, 0, "")
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 10))
	ends(t, broker, 10, "10/0")
	for last := range uint64(10) {
		position := event("shop", int(last)).Position
		endsFor(t, broker, func(e *stream.Event) (bool, error) { return e.Revision <= last, nil }, 10, position)
	}
	endsFor(t, broker, func(*stream.Event) (bool, error) { return false, nil }, 10, "")
	purgeStream(t, conn, 3)
	endsFor(t, broker, func(e *stream.Event) (bool, error) { return e.Revision <= 7, nil }, 10, "8/0")
	endsFor(t, broker, func(e *stream.Event) (bool, error) { return e.Revision <= 6, nil }, 10, "") // that one has gone
}

func TestTheEndIsBeforeMessagesThatAreNoEvents(t *testing.T) {
	conn := startStream(t)
	broker := ensure(t, conn, stream.Config{})
	p := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, p, eventsOf("shop", 0, 10))
	for n := range uint64(20) {
		if _, err := newJetStream(t, conn).Publish(t.Context(), stream.Subject("shop", "Note"), []byte("{}")); err != nil {
			t.Fatal(err)
		}
		ends(t, broker, 11+n, "10/0")
	}
	s, err := newJetStream(t, conn).Stream(t.Context(), stream.Name)
	if err == nil {
		err = s.DeleteMsg(t.Context(), 10)
	}
	if err != nil {
		t.Fatal(err)
	}
	ends(t, broker, 30, "9/0")
}

func TestTheEndIsKnownWhenAllHasExpired(t *testing.T) {
	conn := startStream(t)
	broker := ensure(t, conn, stream.Config{})
	p := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, p, eventsOf("shop", 0, 10))
	purgeStream(t, conn, 0)
	ends(t, broker, 10, "") // nobody has said so
	for n := range 2 {
		last := event("shop", 8+n)
		if err := broker.Note(t.Context(), stream.End{Sequence: uint64(9 + n), Last: &last}); err != nil {
			t.Fatal(err)
		}
		ends(t, broker, 10, last.Position)
	}
	endsFor(t, broker, func(*stream.Event) (bool, error) { return false, nil }, 10, "") // of another log
	publish(t, p, eventsOf("shop", 10, 1))
	ends(t, broker, 11, "11/0") // what is there counts more

	replaceStream(t, conn)
	ends(t, broker, 0, "")
}

// TestANoteOfWhatWasLostDoesNotCount has the stream know less than the note does.
func TestANoteOfWhatWasLostDoesNotCount(t *testing.T) {
	conn := startStream(t)
	broker := ensure(t, conn, stream.Config{})
	last := event("shop", 0)
	if err := broker.Note(t.Context(), stream.End{Sequence: 1, Last: &last}); err != nil {
		t.Fatal(err)
	}
	ends(t, broker, 0, "")
}

// TestANoteThatIsNoneDoesNotCount has somebody else make the consumer that is to have it.
func TestANoteThatIsNoneDoesNotCount(t *testing.T) {
	conn := startStream(t)
	broker := ensure(t, conn, stream.Config{})
	if _, err := newJetStream(t, conn).CreateConsumer(t.Context(), stream.Name, jetstream.ConsumerConfig{Durable: "daybook-relay"}); err != nil {
		t.Fatal(err)
	}
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 1))
	purgeStream(t, conn, 0)
	ends(t, broker, 1, "")
}

func TestTheEndFailsWithWhoeverIsAsked(t *testing.T) {
	conn := startStream(t)
	broker := ensure(t, conn, stream.Config{})
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 1))
	failure := errors.New("the log cannot be read")
	if _, err := broker.End(t.Context(), func(*stream.Event) (bool, error) { return false, failure }); !errors.Is(err, failure) {
		t.Errorf("the end: %v, want what the log fails with", err)
	}
	conn.Close()
	if _, err := broker.End(t.Context(), all); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("the end: %v, want that there is no connection", err)
	}
	if err := broker.Note(t.Context(), stream.End{}); !errors.Is(err, stream.ErrDisconnected) {
		t.Errorf("note: %v, want that there is no connection", err)
	}
}
