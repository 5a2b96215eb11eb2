package chaos_test

import (
	"context"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/chaos"
	"github.com/daybook-ledger/daybook/internal/stream/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// suffer publishes n events through a transport, and gives the revisions in the order of their arrival.
func suffer(t *testing.T, transport *memory.Transport, n int) (revisions []uint64) {
	t.Helper()
	defer func() { _ = transport.Close() }()
	messages, err := transport.Subscribe(context.Background(), stream.All)
	if err != nil {
		t.Fatal(err)
	}
	next(t, messages).Ack() // empty, as every subscription begins
	for i := range n {
		e := stream.Event{Ledger: "shop", Revision: uint64(i), Type: "A", ID: strconv.Itoa(i)}
		if err := transport.Publish(stream.Topic, stream.NewMessage(e)); err != nil {
			t.Fatal(err)
		}
	}
	transport.Settle()
	// A gap is told before what waits; an event of its own comes after everything.
	last := stream.Event{Ledger: "end", Type: "A", ID: "end"}
	for {
		msg := next(t, messages)
		msg.Ack()
		for _, e := range stream.Batch(msg) {
			if e.Ledger == last.Ledger {
				return revisions
			}
			revisions = append(revisions, e.Revision)
		}
		if len(stream.Batch(msg)) == 0 {
			for range 100 { // one at least survives
				if err := transport.Publish(stream.Topic, stream.NewMessage(last)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func next(t *testing.T, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case msg := <-messages:
		return msg
	case <-time.After(20 * time.Second):
		t.Fatal("no message came")
		return nil
	}
}

func TestEveryMisfortuneHappens(t *testing.T) {
	revisions := suffer(t, chaos.New(1, chaos.Severe(), memory.Options{}), 1000)
	seen := map[uint64]int{}
	late := 0
	highest := uint64(0)
	for _, r := range revisions {
		seen[r]++
		if r < highest {
			late++
		}
		highest = max(highest, r)
	}
	repeated := 0
	for _, n := range seen {
		if n > 1 {
			repeated++
		}
	}
	if lost := 1000 - len(seen); lost < 50 || lost > 200 {
		t.Errorf("%d of 1000 events were lost", lost)
	}
	if repeated < 50 {
		t.Errorf("%d of 1000 events were repeated", repeated)
	}
	if late < 100 {
		t.Errorf("%d of 1000 events were late", late)
	}
}

func TestTheSameSeedIsTheSameMisfortune(t *testing.T) {
	one := suffer(t, chaos.New(7, chaos.Severe(), memory.Options{}), 200)
	same := suffer(t, chaos.New(7, chaos.Severe(), memory.Options{}), 200)
	other := suffer(t, chaos.New(8, chaos.Severe(), memory.Options{}), 200)
	if !reflect.DeepEqual(one, same) {
		t.Error("the same seed gave another order")
	}
	if reflect.DeepEqual(one, other) {
		t.Error("another seed gave the same order")
	}
}

func TestWithoutFaultsAllArrivesInOrder(t *testing.T) {
	for i, r := range suffer(t, chaos.New(1, chaos.Faults{}, memory.Options{}), 100) {
		if r != uint64(i) {
			t.Fatalf("revision %d arrives as number %d", r, i)
		}
	}
}
