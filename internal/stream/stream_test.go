package stream_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
)

// patience is how long a test waits for what must come. It is no measure of speed.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// startServer starts a server that the test's end stops.
func startServer(t testing.TB, o natsserver.Options) *natsserver.Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	server, err := natsserver.Start(o)
	if err != nil {
		t.Fatalf("start the server: %v", err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func connect(t testing.TB, server *natsserver.Server) *nats.Conn {
	t.Helper()
	conn, err := server.Connect()
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func ensure(t testing.TB, conn *nats.Conn, c stream.Config) *stream.Broker {
	t.Helper()
	broker, err := stream.NewBroker(conn, c)
	if err != nil {
		t.Fatalf("make the broker: %v", err)
	}
	if err := broker.Ensure(context.Background()); err != nil {
		t.Fatalf("make the stream: %v", err)
	}
	return broker
}

// startStream starts a server with the stream of events, and connects to it.
func startStream(t testing.TB) *nats.Conn {
	t.Helper()
	conn := connect(t, startServer(t, natsserver.Options{}))
	ensure(t, conn, stream.Config{})
	return conn
}

func newPublisher(t testing.TB, conn *nats.Conn, o stream.PublisherOptions) *stream.Publisher {
	t.Helper()
	p, err := stream.NewPublisher(conn, o)
	if err != nil {
		t.Fatalf("make the publisher: %v", err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// subscribe subscribes to all events and takes the empty batch that every subscription begins with.
func subscribe(t testing.TB, conn *nats.Conn, o stream.SubscriberOptions) <-chan *message.Message {
	t.Helper()
	s, err := stream.NewSubscriber(conn, o)
	if err != nil {
		t.Fatalf("make the subscriber: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	messages, err := s.Subscribe(context.Background(), stream.All)
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	if o.Single {
		return messages
	}
	first := receive(t, messages)
	if n := len(stream.Batch(first)); n != 0 {
		t.Fatalf("the first batch has %d events, want none", n)
	}
	first.Ack()
	return messages
}

func receive(t testing.TB, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case msg, ok := <-messages:
		if !ok {
			t.Fatal("the subscription ended")
		}
		return msg
	case <-time.After(patience):
		t.Fatal("no message came")
	}
	return nil
}

// collect acks batches until it has n events.
func collect(t testing.TB, messages <-chan *message.Message, n int) []stream.Event {
	t.Helper()
	var events []stream.Event
	for len(events) < n {
		msg := receive(t, messages)
		events = append(events, stream.Batch(msg)...)
		msg.Ack()
	}
	return events
}

// same demands that what was received is what was sent.
func same(t testing.TB, sent, received any) {
	t.Helper()
	if !reflect.DeepEqual(sent, received) { // the difference is slow to make, of large events
		t.Errorf("events differ (-sent +received):\n%s", cmp.Diff(sent, received))
	}
}

// event is the n-th event of a ledger, of a realistic size.
func event(ledger string, n int) stream.Event {
	return stream.Event{
		Ledger: ledger, Revision: uint64(n), Position: fmt.Sprintf("%d/0", n+1), Type: "TransactionPosted",
		ID: fmt.Sprintf("0197d0c0-0000-7000-%04d-%012d", len(ledger), n),
		Data: fmt.Appendf(nil, `{"id":%d,"entries":[{"account":"world","asset":"USD/2","debit":"1050"},`+
			`{"account":"users:alice:wallet","asset":"USD/2","credit":"1050"}],"effective_at":"2026-01-31T12:00:00Z"}`, n),
		Metadata: fmt.Appendf(nil, `{"id":"0197d0c0-0000-7000-8000-%012d","schema":1,"recorded_at":"2026-01-31T12:00:00.123456789Z",`+
			`"actor":"dev","request":"9b1e3c0d8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c",`+
			`"previous":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",`+
			`"hash":"d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"}`, n),
	}
}

func eventsOf(ledger string, from, n int) []stream.Event {
	events := make([]stream.Event, n)
	for i := range events {
		events[i] = event(ledger, from+i)
	}
	return events
}

func messagesOf(events []stream.Event) []*message.Message {
	messages := make([]*message.Message, len(events))
	for i, e := range events {
		messages[i] = stream.NewMessage(e)
	}
	return messages
}

func publish(t testing.TB, p message.Publisher, events []stream.Event) {
	t.Helper()
	if err := p.Publish(stream.Topic, messagesOf(events)...); err != nil {
		t.Fatalf("publish: %v", err)
	}
}
