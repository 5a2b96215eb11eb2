package esdbserver_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

// heard is what a subscription was sent up to the moment that it had caught up.
type heard struct {
	events      []*esdb.RecordedEvent
	checkpoints []uint64
}

func untilCaughtUp(t *testing.T, s *esdb.Subscription) heard {
	t.Helper()
	var h heard
	for {
		switch e := s.Recv(); {
		case e.EventAppeared != nil:
			h.events = append(h.events, e.EventAppeared.Event)
		case e.CheckPointReached != nil:
			h.checkpoints = append(h.checkpoints, e.CheckPointReached.Commit)
		case e.CaughtUp != nil:
			return h
		default:
			t.Fatalf("the subscription was dropped: %+v", e.SubscriptionDropped)
		}
	}
}

// next waits for n events, passing over checkpoints.
func next(t *testing.T, s *esdb.Subscription, n int) []*esdb.RecordedEvent {
	t.Helper()
	var got []*esdb.RecordedEvent
	for len(got) < n {
		switch e := s.Recv(); {
		case e.EventAppeared != nil:
			got = append(got, e.EventAppeared.Event)
		case e.SubscriptionDropped != nil:
			t.Fatalf("the subscription was dropped after %d events: %v", len(got), e.SubscriptionDropped.Error)
		}
	}
	return got
}

func subscribeAll(t *testing.T, c *esdb.Client, o esdb.SubscribeToAllOptions) *esdb.Subscription {
	t.Helper()
	s, err := c.SubscribeToAll(patient(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSubscriptionsToAllBeginAnywhereAndGoOn(t *testing.T) {
	store := filled(t)
	c := client(t, store, esdbserver.Options{})
	before := all(t, store)
	positions, err := receive(t, must(c.ReadAll(patient(t), esdb.ReadAllOptions{}, 1000)), nil)
	if err != nil {
		t.Fatal(err)
	}
	middle := len(before) / 2
	from := map[esdb.AllPosition]int{
		esdb.Start{}: 0, esdb.Position{}: 0, esdb.End{}: len(before), positions[middle].Position: middle + 1,
	}
	var subscriptions []*esdb.Subscription
	for at, first := range from {
		s := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: at})
		compare(t, untilCaughtUp(t, s).events, before[first:])
		subscriptions = append(subscriptions, s)
	}
	for i := range 20 {
		add(t, store, "ledger-c", records("ledger-c", 3*i, 3)...)
	}
	after := all(t, store)[len(before):]
	for _, s := range subscriptions {
		compare(t, next(t, s, len(after)), after)
	}
}

func TestSubscriptionsToStreamsBeginAnywhereAndGoOn(t *testing.T) {
	store := filled(t)
	c := client(t, store, esdbserver.Options{})
	before := of(all(t, store), "ledger-b")
	subscribe := func(stream string, from esdb.StreamPosition) *esdb.Subscription {
		s, err := c.SubscribeToStream(patient(t), stream, esdb.SubscribeToStreamOptions{From: from})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	last := uint64(len(before) - 1)
	live := map[*esdb.Subscription]int{} // how many of what is appended later it does not see
	for from, first := range map[esdb.StreamPosition]int{
		esdb.Start{}: 0, esdb.Revision(0): 1, esdb.Revision(5): 6, esdb.Revision(last): len(before), esdb.End{}: len(before),
	} {
		s := subscribe("ledger-b", from)
		compare(t, untilCaughtUp(t, s).events, before[first:])
		live[s] = 0
	}
	beyond := subscribe("ledger-b", esdb.Revision(last+2))
	compare(t, untilCaughtUp(t, beyond).events, nil)
	live[beyond] = 2
	unborn := subscribe("ledger-new", esdb.Start{})
	compare(t, untilCaughtUp(t, unborn).events, nil)

	add(t, store, "ledger-new", records("ledger-new", 0, 4)...)
	for i := range 6 {
		add(t, store, "ledger-a", record("ledger-a", 100+i))
		add(t, store, "ledger-b", record("ledger-b", 100+i))
	}
	log := all(t, store)
	after := of(log, "ledger-b")[len(before):]
	for s, skipped := range live {
		compare(t, next(t, s, len(after)-skipped), after[skipped:])
	}
	compare(t, next(t, unborn, 4), of(log, "ledger-new"))
}

func TestFiltersShowWhatMatchesAndHowFarTheLogWasSearched(t *testing.T) {
	store := filled(t)
	c := client(t, store, esdbserver.Options{})
	log := all(t, store)
	positions, err := receive(t, must(c.ReadAll(patient(t), esdb.ReadAllOptions{}, 1000)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		filter  esdb.SubscriptionFilter
		matches func(eventstore.Recorded) bool
	}{
		"prefixes of streams": {
			esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"ledger-b", "other"}},
			func(r eventstore.Recorded) bool { return r.Stream == "ledger-b" },
		},
		"pattern of streams": {
			esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Regex: "^ledger-[a]$"},
			func(r eventstore.Recorded) bool { return r.Stream == "ledger-a" },
		},
		"prefixes of types": {
			esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"Type1", "Type2"}},
			func(r eventstore.Recorded) bool { return r.Type != "Type0" },
		},
		"system events left out": {
			*esdb.ExcludeSystemEventsFilter(), func(eventstore.Recorded) bool { return true },
		},
		"nothing": {
			esdb.SubscriptionFilter{Type: esdb.EventFilterType, Regex: "^Nothing"}, func(eventstore.Recorded) bool { return false },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := subscribeAll(t, c, esdb.SubscribeToAllOptions{
				From: esdb.Start{}, Filter: &test.filter, MaxSearchWindow: 5, CheckpointInterval: 2,
			})
			got := untilCaughtUp(t, s)
			want := slices.DeleteFunc(slices.Clone(log), func(r eventstore.Recorded) bool { return !test.matches(r) })
			compare(t, got.events, want)
			var checkpoints []uint64 // after every tenth, and when there is no more
			for i := 9; i < len(log); i += 10 {
				checkpoints = append(checkpoints, positions[i].Position.Commit)
			}
			checkpoints = append(checkpoints, positions[len(log)-1].Position.Commit)
			if !slices.Equal(got.checkpoints, checkpoints) {
				t.Errorf("checkpoints at %d, want %d", got.checkpoints, checkpoints)
			}
		})
	}
}

func TestSubscriptionsGoOnFromACheckpoint(t *testing.T) {
	store := filled(t)
	c := client(t, store, esdbserver.Options{})
	filter := &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"ledger-c"}}
	checkpoints := untilCaughtUp(t, subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: filter})).checkpoints
	at := checkpoints[len(checkpoints)-1]
	add(t, store, "ledger-c", records("ledger-c", 0, 3)...)
	s := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Position{Commit: at, Prepare: at}, Filter: filter})
	compare(t, next(t, s, 3), of(all(t, store), "ledger-c"))
}

func TestSubscriptionsToAnEmptyLogWait(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	c := client(t, store, esdbserver.Options{})
	var subscriptions []*esdb.Subscription
	for _, o := range []esdb.SubscribeToAllOptions{
		{From: esdb.Start{}}, {From: esdb.End{}}, {From: esdb.Start{}, Filter: esdb.ExcludeSystemEventsFilter()},
	} {
		s := subscribeAll(t, c, o)
		if h := untilCaughtUp(t, s); len(h.events)+len(h.checkpoints) != 0 {
			t.Errorf("an empty log has %+v", h)
		}
		subscriptions = append(subscriptions, s)
	}
	add(t, store, "ledger-a", record("ledger-a", 0))
	for _, s := range subscriptions {
		compare(t, next(t, s, 1), all(t, store))
	}
}

func TestAServerThatStopsEndsSubscriptions(t *testing.T) {
	store := filled(t)
	server, stop := start(t, store, esdbserver.Options{})
	c := connect(t, "esdb://"+server.Address()+"?tls=false")
	waiting := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.End{}})
	untilCaughtUp(t, waiting)
	stop()
	if e := waiting.Recv(); e.SubscriptionDropped == nil || !strings.Contains(e.SubscriptionDropped.Error.Error(), "stopping") {
		t.Errorf("the subscription goes on with %+v", e)
	}
}

func TestAClientThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	for i := range 500 { // more than is sent to a client that does not read
		rs := records("ledger-a", i, 1)
		rs[0].Data = make([]byte, 64<<10)
		add(t, store, "ledger-a", rs...)
	}
	server, stop := start(t, store, esdbserver.Options{Grace: time.Millisecond})
	c := connect(t, "esdb://"+server.Address()+"?tls=false")
	stalled := subscribeAll(t, c, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	next(t, stalled, 1)
	got, err := receive(t, must(c.ReadAll(patient(t), esdb.ReadAllOptions{}, 3)), nil)
	if err != nil || len(got) != 3 {
		t.Errorf("another call reads %d events: %v", len(got), err)
	}
	stop()
}

func TestASubscriptionThatTheClientLeavesEnds(t *testing.T) {
	store := filled(t)
	c := client(t, store, esdbserver.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.End{}})
	if err != nil {
		t.Fatal(err)
	}
	untilCaughtUp(t, s)
	cancel()
	if e := s.Recv(); e.SubscriptionDropped == nil {
		t.Errorf("the subscription goes on with %+v", e)
	}
}
