package memory_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func receive(t *testing.T, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case msg := <-messages:
		return msg
	case <-time.After(20 * time.Second):
		t.Fatal("no message came")
		return nil
	}
}

func publish(t *testing.T, p message.Publisher, ledger string, n int) (events []stream.Event) {
	t.Helper()
	for i := range n {
		e := stream.Event{Ledger: ledger, Revision: uint64(i), Type: "A", ID: fmt.Sprint(i), Data: []byte("{}"), Metadata: []byte("{}")}
		events = append(events, e)
		if err := p.Publish(stream.Topic, stream.NewMessage(e)); err != nil {
			t.Fatal(err)
		}
	}
	return events
}

func subscribe(t *testing.T, transport *memory.Transport, topic string) <-chan *message.Message {
	t.Helper()
	t.Cleanup(func() { _ = transport.Close() })
	messages, err := transport.Subscribe(context.Background(), topic)
	if err != nil {
		t.Fatal(err)
	}
	first := receive(t, messages)
	if len(stream.Batch(first)) != 0 {
		t.Error("the first batch is not empty")
	}
	first.Ack()
	return messages
}

func TestDeliversBatchesInOrderAndAgainAfterANack(t *testing.T) {
	transport := memory.New(memory.Options{MaxEvents: 4})
	messages := subscribe(t, transport, stream.All)
	want := publish(t, transport, "shop", 10)
	var got []stream.Event
	for len(got) < len(want) {
		msg := receive(t, messages)
		batch := stream.Batch(msg)
		if len(batch) > 4 {
			t.Errorf("a batch has %d events, want at most 4", len(batch))
		}
		msg.Nack()
		msg = receive(t, messages)
		if !reflect.DeepEqual(batch, stream.Batch(msg)) {
			t.Error("another batch came after a nack")
		}
		got = append(got, batch...)
		msg.Ack()
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTopics(t *testing.T) {
	for _, test := range []struct {
		topic     string
		miss, hit stream.Event
	}{
		{"daybook.events.shop.>", stream.Event{Ledger: "other", Type: "A"}, stream.Event{Ledger: "shop", Type: "B"}},
		{"daybook.events.*.A", stream.Event{Ledger: "shop", Type: "B"}, stream.Event{Ledger: "other", Type: "A"}},
		{"daybook.events.shop.A", stream.Event{Ledger: "shop", Type: "AA"}, stream.Event{Ledger: "shop", Type: "A"}},
	} {
		transport := memory.New(memory.Options{})
		messages := subscribe(t, transport, test.topic)
		if err := transport.Publish(stream.Topic, stream.NewMessage(test.miss), stream.NewMessage(test.hit)); err != nil {
			t.Fatal(err)
		}
		msg := receive(t, messages)
		msg.Ack()
		if e := stream.Batch(msg)[0]; e.Ledger != test.hit.Ledger || e.Type != test.hit.Type {
			t.Errorf("topic %s: %s of %s came", test.topic, e.Type, e.Ledger)
		}
	}
}
