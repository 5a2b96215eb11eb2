package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/nodetest"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// TestAuditorWithNode is an auditor with the official Node.js client: what it reads and follows of a whole server is the
// history that the server tells over HTTP, with hashes that hold; and it can write nothing.
func TestAuditorWithNode(t *testing.T) {
	node := nodetest.Install(t)
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--esdb-listen", "127.0.0.1:0")
	address := server.logged(t, esdbAddress)
	const ledger = "a" // whose stream is the one that the scenarios read
	if _, err := server.OpenLedger(t.Context(), client.NewLedger{Name: ledger}, ""); err != nil {
		t.Fatal(err)
	}
	post := func(amount int) {
		t.Helper()
		if _, err := server.Post(t.Context(), ledger, client.NewTransaction{
			Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: strconv.Itoa(amount)}},
		}, ""); err != nil {
			t.Fatal(err)
		}
	}
	for amount := range 5 {
		post(amount + 1)
	}
	history := historyOf(t, server, ledger)
	backwards := slices.Clone(history)
	slices.Reverse(backwards)
	var everything int // events in the log
	for _, scheme := range []string{"esdb", "esdb+discover"} {
		heard := node.Run(t, nil, "read", scheme+"://"+address+"?tls=false")
		for name, want := range map[string][]wire.Event{
			"stream": history, "stream backwards": backwards[:3], "stream from 2": history[2:4],
		} {
			compareToHistory(t, name, heard[name], want)
		}
		for _, name := range []string{"all", "all backwards"} {
			if h := heard[name]; h == nil || h.Ended != "" || len(h.Events) < 3 {
				t.Fatalf("%s: %+v", name, h)
			}
		}
		verifyChain(t, heard["stream"].Events)
		everything = len(heard["all"].Events)
	}

	waiting := 6 // subscriptions
	posted := len(history)
	heard := node.Run(t, func(f nodetest.Finding) {
		if f.CaughtUp {
			if waiting--; waiting == 0 {
				post(1000)
			}
		}
	}, "follow", "esdb://"+address+"?tls=false", "TransactionPosted",
		strconv.Itoa(posted), strconv.Itoa(everything), strconv.Itoa(ofType(history, "TransactionPosted")), strconv.Itoa(posted))
	history = historyOf(t, server, ledger)
	if len(history) != posted+1 {
		t.Fatalf("a transaction is %d events, want one", len(history)-posted)
	}
	compareToHistory(t, "stream", heard["stream"], history)
	compareToHistory(t, "streams", heard["streams"], history)
	compareToHistory(t, "all live", heard["all live"], history[posted:])
	verifyChain(t, heard["stream"].Events)

	heard = node.Run(t, nil, "write", "esdb://"+address+"?tls=false")
	for _, name := range nodetest.Refusals() {
		if h := heard[name]; h == nil || h.Ended != "access-denied" {
			t.Errorf("%s: %+v, want that access is denied", name, h)
		}
	}
	if after := historyOf(t, server, ledger); len(after) != len(history) {
		t.Errorf("the ledger has %d events, had %d", len(after), len(history))
	}
}

// historyOf is what the server tells of a ledger over HTTP.
func historyOf(t *testing.T, server *served, ledger string) []wire.Event {
	t.Helper()
	var history []wire.Event
	for e, err := range server.Events(t.Context(), ledger, 0) {
		if err != nil {
			t.Fatal(err)
		}
		history = append(history, e)
	}
	return history
}

func ofType(history []wire.Event, name string) (n int) {
	for _, e := range history {
		if e.Type == name {
			n++
		}
	}
	return n
}

// compareToHistory wants the client to have seen just these events.
func compareToHistory(t *testing.T, name string, h *nodetest.Heard, want []wire.Event) {
	t.Helper()
	if h == nil || h.Ended != "" || len(h.Events) != len(want) {
		t.Fatalf("%s: %+v, want %d events", name, h, len(want))
	}
	for i, e := range h.Events {
		w := want[i]
		if e.Revision != strconv.FormatUint(w.Revision, 10) || e.ID != w.ID || e.Type != w.Type || !e.JSON ||
			string(e.Data) != string(w.Data) || !e.Created.Equal(w.Time.Truncate(time.Millisecond)) {
			t.Fatalf("%s: event %d is %+v, want %+v", name, i, e, w)
		}
	}
}

// verifyChain has the client's own copy prove that it is whole.
func verifyChain(t *testing.T, events []nodetest.Event) {
	t.Helper()
	var previous envelope.Hash
	for i, e := range events {
		meta, err := envelope.Parse(e.Metadata)
		if err != nil {
			t.Fatal(err)
		}
		place := envelope.Place{Stream: e.Stream, Revision: uint64(i), Type: e.Type}
		if err := meta.Verify(place, e.Data); err != nil || meta.Previous != previous {
			t.Fatalf("event %d breaks the chain: %v", i, err)
		}
		if id := fmt.Sprint(eventstore.ID(meta.ID)); id != e.ID {
			t.Errorf("event %d has the id %s, its envelope %s", i, e.ID, id)
		}
		previous = meta.Hash
	}
}
