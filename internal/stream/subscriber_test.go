package stream_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
)

func TestEventsComeAsTheyWereSent(t *testing.T) {
	conn := startStream(t)
	messages := subscribe(t, conn, stream.SubscriberOptions{})
	sent := append(eventsOf("shop", 0, 100), eventsOf("other-ledger", 0, 3)...)
	sent[7].Metadata = []byte(`{"actor":"Zoë: 世界\\n","colon":"a: b:c","tab":"	"}`)
	sent[8].Data = []byte("\x00\xff any bytes\r\n")
	sent[9].Data = bytes.Repeat([]byte("x"), 2<<20)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent)

	same(t, sent, collect(t, messages, len(sent)))
}

func TestABatchIsWhatWaitsUpToTheLimits(t *testing.T) {
	conn := startStream(t)
	publisher := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, publisher, eventsOf("shop", 0, 1))
	size := len(event("shop", 1).Data) + len(event("shop", 1).Metadata)
	for i, test := range []struct {
		name    string
		options stream.SubscriberOptions
		most    int
	}{
		{"by number", stream.SubscriberOptions{MaxEvents: 10}, 10},
		{"by bytes", stream.SubscriberOptions{MaxBytes: 4*size + size/2}, 4},
		{"one larger than the limit", stream.SubscriberOptions{MaxBytes: 1}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			messages := subscribe(t, conn, test.options)
			sent := eventsOf("shop", 1000*(i+1), 100)
			publish(t, publisher, sent[:1])
			first := receive(t, messages) // while this one is being handled, the others come in
			publish(t, publisher, sent[1:])
			if n := len(stream.Batch(first)); n != 1 {
				t.Fatalf("the first batch has %d events, want 1", n)
			}
			first.Ack()
			var received []stream.Event
			largest := 0
			for len(received) < 99 {
				msg := receive(t, messages)
				largest = max(largest, len(stream.Batch(msg)))
				received = append(received, stream.Batch(msg)...)
				msg.Ack()
			}
			if largest > test.most {
				t.Errorf("the largest batch has %d events, want at most %d", largest, test.most)
			}
			same(t, sent[1:], received)
		})
	}
}

func TestANackedBatchComesAgainBeforeAnyOther(t *testing.T) {
	conn := startStream(t)
	messages := subscribe(t, conn, stream.SubscriberOptions{Backoff: time.Millisecond})
	publisher := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, publisher, eventsOf("shop", 0, 5))
	first := receive(t, messages)
	want := stream.Batch(first)
	publish(t, publisher, eventsOf("shop", 5, 5))
	for range 4 {
		first.Nack()
		first = receive(t, messages)
		same(t, want, stream.Batch(first))
	}
	first.Ack()
	rest := collect(t, messages, 10-len(want))
	same(t, eventsOf("shop", 0, 10), append(want, rest...))
}

func TestNothingComesBeforeTheAck(t *testing.T) {
	conn := startStream(t)
	messages := subscribe(t, conn, stream.SubscriberOptions{MaxEvents: 1})
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 2))
	first := receive(t, messages)
	select {
	case <-messages:
		t.Fatal("a second batch came before the first was acked")
	case <-time.After(20 * time.Millisecond): // what must not happen has no signal
	}
	first.Ack()
	select {
	case <-first.Context().Done():
	case <-time.After(patience):
		t.Error("the message's context lives on after its ack")
	}
	if e := stream.Batch(receive(t, messages)); len(e) != 1 || e[0].Revision != 1 {
		t.Errorf("the second batch is %v", e)
	}
}

func TestStarts(t *testing.T) {
	conn := startStream(t)
	publisher := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, publisher, eventsOf("shop", 0, 10))
	for _, test := range []struct {
		name  string
		start stream.Start
		first uint64
	}{
		{"new", stream.StartNew(), 10},
		{"at the beginning", stream.StartAt(0), 0},
		{"at a message", stream.StartAt(4), 3},
		{"past the end", stream.StartAt(1000), 11},
	} {
		messages := subscribe(t, conn, stream.SubscriberOptions{Start: test.start})
		if test.first >= 10 {
			publish(t, publisher, eventsOf("shop", int(test.first), 1))
		}
		if got := collect(t, messages, 1)[0].Revision; got != test.first {
			t.Errorf("start %s: the first revision is %d, want %d", test.name, got, test.first)
		}
	}
}

func TestSingleDeliversOneEventAMessage(t *testing.T) {
	conn := startStream(t)
	messages := subscribe(t, conn, stream.SubscriberOptions{Single: true})
	sent := eventsOf("shop", 0, 3)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent)
	sameOneByOne(t, sent, messages)
}

// sameOneByOne takes messages of one event each.
func sameOneByOne(t *testing.T, sent []stream.Event, messages <-chan *message.Message) {
	t.Helper()
	for _, want := range sent {
		msg := receive(t, messages)
		got, err := stream.ParseMessage(msg)
		if err != nil {
			t.Fatal(err)
		}
		same(t, want, got)
		msg.Ack()
	}
}

// TestAServerThatComesBackLosesNothing restarts the server under a publisher and a subscriber that stay connected over
// TCP.
func TestAServerThatComesBackLosesNothing(t *testing.T) {
	dir := t.TempDir()
	server := startServer(t, natsserver.Options{Dir: dir, Listen: "127.0.0.1:0"})
	address := server.Address()
	conn := dial(t, address)
	ensure(t, conn, stream.Config{})
	messages := subscribe(t, conn, stream.SubscriberOptions{Backoff: 10 * time.Millisecond, PullExpiry: time.Second})
	publisher := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, publisher, eventsOf("shop", 0, 10))
	received := collect(t, messages, 10)

	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	startServer(t, natsserver.Options{Dir: dir, Listen: address})
	for publisher.Publish(stream.Topic, messagesOf(eventsOf("shop", 10, 10))...) != nil {
		time.Sleep(10 * time.Millisecond) // as the relay does
	}
	received = append(received, collect(t, messages, 10)...)
	same(t, eventsOf("shop", 0, 20), received)
}

func TestALostConsumerIsReplaced(t *testing.T) {
	conn := startStream(t)
	registry := prometheus.NewRegistry()
	messages := subscribe(t, conn, stream.SubscriberOptions{PullExpiry: time.Second, Metrics: stream.NewMetrics(registry)})
	publisher := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, publisher, eventsOf("shop", 0, 3))
	received := collect(t, messages, 3)
	deleteConsumers(t, conn)
	publish(t, publisher, eventsOf("shop", 3, 3))
	received = append(received, collect(t, messages, 3)...)
	same(t, eventsOf("shop", 0, 6), received)
	if got := value(t, registry, "daybook_stream_gaps_total"); got != 1 {
		t.Errorf("gaps: %v, want that of the start alone", got)
	}
	for end := time.Now().Add(patience); value(t, registry, "daybook_stream_events_total") != 6; time.Sleep(time.Millisecond) {
		if time.Now().After(end) { // they are counted after they were handed on
			t.Fatalf("events: %v, want 6", value(t, registry, "daybook_stream_events_total"))
		}
	}
}

func TestAStreamThatWasReplacedIsAGap(t *testing.T) {
	conn := startStream(t)
	messages := subscribe(t, conn, stream.SubscriberOptions{PullExpiry: time.Second, Backoff: 10 * time.Millisecond})
	publisher := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, publisher, eventsOf("shop", 0, 3))
	collect(t, messages, 3)
	replaceStream(t, conn)

	msg := receive(t, messages)
	if n := len(stream.Batch(msg)); n != 0 {
		t.Fatalf("%d events came before the gap was told", n)
	}
	msg.Ack()
	publish(t, publisher, eventsOf("shop", 3, 5))
	same(t, eventsOf("shop", 3, 5), collect(t, messages, 5))
}

// TestAGapStandsForWhatTheStreamStillHolds: who is told of one reads the event store, which has all of it.
func TestAGapStandsForWhatTheStreamStillHolds(t *testing.T) {
	conn := startStream(t)
	publisher := newPublisher(t, conn, stream.PublisherOptions{})
	publish(t, publisher, eventsOf("shop", 0, 5))
	purgeStream(t, conn, 2)
	messages := subscribe(t, conn, stream.SubscriberOptions{Start: stream.StartAt(1)}) // which takes the gap

	publish(t, publisher, eventsOf("shop", 5, 2))
	same(t, eventsOf("shop", 5, 2), collect(t, messages, 2))
}

// TestSinglePassesOverAGap: who takes single events is not told of gaps, and gets what there is.
func TestSinglePassesOverAGap(t *testing.T) {
	conn := startStream(t)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 5))
	purgeStream(t, conn, 2)
	messages := subscribe(t, conn, stream.SubscriberOptions{Start: stream.StartAt(1), Single: true})
	sameOneByOne(t, eventsOf("shop", 3, 2), messages)
}

func TestTheChannelClosesWithContextAndSubscriber(t *testing.T) {
	conn := startStream(t)
	s, err := stream.NewSubscriber(conn, stream.SubscriberOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	one, err := s.Subscribe(ctx, stream.All)
	if err != nil {
		t.Fatal(err)
	}
	other, err := s.Subscribe(context.Background(), stream.All)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for range one { // until it is closed
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range other { // until it is closed
	}
	if _, err := s.Subscribe(context.Background(), stream.All); err == nil {
		t.Error("a closed subscriber subscribes")
	}
}

func TestWithoutABrokerSubscribeReturnsAndBeginsLater(t *testing.T) {
	conn := connect(t, startServer(t, natsserver.Options{})) // and no stream yet
	s, err := stream.NewSubscriber(conn, stream.SubscriberOptions{Backoff: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	messages, err := s.Subscribe(context.Background(), stream.All)
	if err != nil {
		t.Fatal(err)
	}
	ensure(t, conn, stream.Config{})
	receive(t, messages).Ack()
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 2))
	collect(t, messages, 2)
}

func TestForeignMessagesArePassedOver(t *testing.T) {
	conn := startStream(t)
	messages := subscribe(t, conn, stream.SubscriberOptions{})
	if err := errors.Join(conn.Publish(stream.Topic+".shop", nil), conn.Publish(stream.Topic+".a.b.c", []byte("x"))); err != nil {
		t.Fatal(err)
	}
	sent := eventsOf("shop", 0, 2)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent)
	same(t, sent, collect(t, messages, 2))
}
