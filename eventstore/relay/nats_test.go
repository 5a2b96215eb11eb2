package relay_test

import (
	"context"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
)

// broadcast is a running NATS server with all that a relay and a reader need of it.
type broadcast struct {
	conn      *nats.Conn
	broker    *stream.Broker
	publisher *stream.Publisher
	stop      func()
}

func startNATS(t testing.TB, dir string) *broadcast {
	t.Helper()
	server, err := natsserver.Start(natsserver.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	return speak(t, conn, stream.Config{Embedded: true}, func() { _ = server.Close() })
}

// speak is what a relay and a reader need, over a connection that ends with it and before the server.
func speak(t testing.TB, conn *nats.Conn, c stream.Config, end func()) *broadcast {
	t.Helper()
	publisher, err := stream.NewPublisher(conn, stream.PublisherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	broker, err := stream.NewBroker(conn, c)
	if err != nil {
		t.Fatal(err)
	}
	n := &broadcast{conn: conn, broker: broker, publisher: publisher, stop: func() {
		_ = publisher.Close()
		conn.Close()
		end()
	}}
	t.Cleanup(n.stop)
	return n
}

// read gives the first n different events of the stream.
func (n *broadcast) read(t *testing.T, want int) []stream.Event {
	t.Helper()
	s, err := stream.NewSubscriber(n.conn, stream.SubscriberOptions{Start: stream.StartAt(1), Backoff: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	messages, err := s.Subscribe(context.Background(), stream.All)
	if err != nil {
		t.Fatal(err)
	}
	var events []stream.Event
	known := map[string]bool{}
	for len(events) < want {
		for _, e := range stream.Batch(receive(t, messages)) {
			if !known[e.ID] {
				known[e.ID] = true
				events = append(events, e)
			}
		}
	}
	return events
}

func receive(t testing.TB, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case msg := <-messages:
		msg.Ack()
		return msg
	case <-time.After(patience):
		t.Fatal("no message came")
		return nil
	}
}

// TestAcrossRestartsOfServerAndRelay relays to a real NATS server that ends and comes back with what it stored.
func TestAcrossRestartsOfServerAndRelay(t *testing.T) {
	book, dir := newBook(t), t.TempDir()
	for range 3 {
		book.append("ledger-shop", 3) // while nobody relays
		relayAndCheck(t, book, dir)
	}
	relayAndCheck(t, book, t.TempDir()) // a server that knows nothing gets everything
}

func relayAndCheck(t *testing.T, book *book, dir string) {
	t.Helper()
	n := startNATS(t, dir)
	defer n.stop()
	stop := start(t, relay.New(book.store, n.publisher, n.broker, relay.Options{MaxEvents: 10}))
	defer stop()
	book.append("ledger-shop", 25)
	book.append("ledger-other", 5)
	check(t, n.read(t, book.heads["ledger-shop"]+book.heads["ledger-other"]), book.heads)
}
