package esdbserver_test

import (
	"bytes"
	"slices"
	"strconv"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/nodetest"
)

// TestNode holds the endpoint to what the official Node.js client makes of it.
func TestNode(t *testing.T) {
	node := nodetest.Install(t)
	t.Run("reads", func(t *testing.T) { testNodeReads(t, node) })
	t.Run("follows", func(t *testing.T) { testNodeFollows(t, node) })
	t.Run("writes nothing", func(t *testing.T) { testNodeWritesNothing(t, node) })
	t.Run("appends where it may", func(t *testing.T) { testNodeAppendsWhereItMay(t, node) })
}

// compareToNode wants the client to have seen just these records.
func compareToNode(t *testing.T, name string, h *nodetest.Heard, want []eventstore.Recorded) {
	t.Helper()
	if h == nil || h.Ended != "" || len(h.Events) != len(want) {
		t.Fatalf("%s: %+v, want %d events", name, h, len(want))
	}
	for i, e := range h.Events {
		r := want[i]
		if e.Stream != r.Stream || e.Revision != strconv.FormatUint(uint64(r.Revision), 10) || e.ID != r.ID.String() ||
			e.Type != r.Type || !e.JSON || !bytes.Equal(e.Data, r.Data) || !bytes.Equal(e.Metadata, r.Metadata) ||
			!e.Created.Equal(made) || e.Commit == "" || e.Commit != e.Prepare {
			t.Fatalf("%s: event %d is %+v, want %+v", name, i, e, r)
		}
	}
}

func testNodeReads(t *testing.T, node nodetest.Client) {
	store := filled(t)
	address := serve(t, store, esdbserver.Options{})
	log := all(t, store)
	stream := of(log, "ledger-a")
	backwards := func(rs []eventstore.Recorded) []eventstore.Recorded {
		rs = slices.Clone(rs)
		slices.Reverse(rs)
		return rs
	}
	for _, url := range []string{"esdb://" + address + "?tls=false", "esdb+discover://" + address + "?tls=false"} {
		heard := node.Run(t, nil, "read", url)
		for name, want := range map[string][]eventstore.Recorded{
			"stream": stream, "stream backwards": backwards(stream)[:3], "stream from 2": stream[2:4],
			"all": log, "all backwards": backwards(log)[:3], "all from the third": log[2:4], "all back from the third": backwards(log[:2]),
		} {
			compareToNode(t, name, heard[name], want)
		}
		if got := heard["no stream"].Ended; got != "stream-not-found" {
			t.Errorf("a stream that does not exist: %q", got)
		}
		if got := heard["metadata"]; got.Ended != "" || string(got.Last.Result) != `{"streamName":"ledger-a"}` {
			t.Errorf("metadata: %q %s, want none", got.Ended, got.Last.Result)
		}
	}
}

func testNodeFollows(t *testing.T, node nodetest.Client) {
	store := filled(t)
	address := serve(t, store, esdbserver.Options{})
	log := all(t, store)
	some := func(log []eventstore.Recorded, matches func(eventstore.Recorded) bool) []eventstore.Recorded {
		return slices.DeleteFunc(slices.Clone(log), func(r eventstore.Recorded) bool { return !matches(r) })
	}
	everything := func(eventstore.Recorded) bool { return true }
	inStream := func(r eventstore.Recorded) bool { return r.Stream == "ledger-a" }
	ofType := func(r eventstore.Recorded) bool { return r.Type == "Type1" }
	subscriptions := map[string]func(eventstore.Recorded) bool{
		"stream": inStream, "all": everything, "no system events": everything, "types": ofType, "streams": inStream,
	}
	waiting := len(subscriptions) + 1
	heard := node.Run(t, func(f nodetest.Finding) {
		if f.CaughtUp {
			if waiting--; waiting == 0 {
				added := record("ledger-a", 1000)
				added.Type = "Type1"
				add(t, store, "ledger-a", added)
			}
		}
	}, "follow", "esdb://"+address+"?tls=false", "Type1",
		strconv.Itoa(len(some(log, inStream))), strconv.Itoa(len(log)), strconv.Itoa(len(some(log, ofType))), strconv.Itoa(len(some(log, inStream))))
	after := all(t, store)
	for name, matches := range subscriptions {
		compareToNode(t, name, heard[name], some(after, matches))
	}
	compareToNode(t, "all live", heard["all live"], after[len(log):])
	// After every eighth record that was looked at, and when it had caught up.
	if got, want := len(heard["streams"].Checkpoints), len(log)/8+1; got != want {
		t.Errorf("%d checkpoints, want %d", got, want)
	}
}

func testNodeWritesNothing(t *testing.T, node nodetest.Client) {
	store := filled(t)
	before := len(all(t, store))
	heard := node.Run(t, nil, "write", "esdb://"+serve(t, store, esdbserver.Options{})+"?tls=false")
	for _, name := range nodetest.Refusals() {
		if got := heard[name]; got == nil || got.Ended != "access-denied" {
			t.Errorf("%s: %+v, want that access is denied", name, got)
		}
	}
	if after := len(all(t, store)); after != before {
		t.Errorf("%d records were written", after-before)
	}
}

func testNodeAppendsWhereItMay(t *testing.T, node nodetest.Client) {
	store := memstore.New()
	defer store.Close()
	heard := node.Run(t, nil, "append", "esdb://"+serve(t, store, esdbserver.Options{Writable: true})+"?tls=false")
	for name, want := range map[string]string{
		"first": "", "again": "", "conflict": "wrong-expected-version", "too large": "maximum-append-size-exceeded", "read": "",
	} {
		if got := heard[name]; got == nil || got.Ended != want {
			t.Errorf("%s: %+v, want %q", name, got, want)
		}
	}
	if got := heard["conflict"].Last.Actual; got != "1" {
		t.Errorf("the stream is said to be at %q, want 1", got)
	}
	read := heard["read"].Events
	if len(read) != 2 || read[0].ID != "0198f6a0-0000-7000-8000-000000000001" || string(read[0].Metadata) != `{"by":"me"}` ||
		!read[0].JSON || read[1].JSON || string(read[1].Data) != `"ff00"` {
		t.Errorf("%+v", read)
	}
}
