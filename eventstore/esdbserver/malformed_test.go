package esdbserver_test

import (
	"context"
	"iter"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

func TestMalformedReadsAreRefused(t *testing.T) {
	api := streams.NewStreamsClient(dial(t, serve(t, filled(t), esdbserver.Options{})))
	type (
		options    = streams.ReadReq_Options
		filters    = streams.ReadReq_Options_FilterOptions
		expression = streams.ReadReq_Options_FilterOptions_Expression
	)
	count := &streams.ReadReq_Options_Count{Count: 1}
	everything := &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
		AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}},
	}}
	stream := &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("ledger-a")},
		RevisionOption:   &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}},
	}}
	subscription := &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	filter := func(f *filters) *streams.ReadReq_Options_Filter { return &streams.ReadReq_Options_Filter{Filter: f} }
	byType := func(e *expression) *filters {
		return &filters{Filter: &streams.ReadReq_Options_FilterOptions_EventType{EventType: e}}
	}
	for name, request := range map[string]*options{
		"no options":               nil,
		"neither stream nor $all":  {CountOption: count},
		"$all from nowhere":        {CountOption: count, StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{}}},
		"$all back from nowhere":   {CountOption: count, ReadDirection: streams.ReadReq_Options_Backwards, StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{}}},
		"$all live from nowhere":   {CountOption: subscription, StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{}}},
		"stream from nowhere":      {CountOption: count, StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{}}},
		"stream live from nowhere": {CountOption: subscription, StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{}}},
		"backwards subscription":   {CountOption: subscription, StreamOption: everything, ReadDirection: streams.ReadReq_Options_Backwards},
		"stream with a filter":     {CountOption: count, StreamOption: stream, FilterOption: filter(byType(&expression{Regex: "x"}))},
		"filter by nothing":        {CountOption: count, StreamOption: everything, FilterOption: filter(&filters{})},
		"filter without prefixes":  {CountOption: count, StreamOption: everything, FilterOption: filter(byType(&expression{}))},
		"bad regular expression":   {CountOption: count, StreamOption: everything, FilterOption: filter(byType(&expression{Regex: "("}))},
	} {
		t.Run(name, func(t *testing.T) {
			call, err := api.Read(patient(t), &streams.ReadReq{Options: request})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := call.Recv(); status.Code(err) != codes.InvalidArgument {
				t.Errorf("%v, want that the request is not valid", err)
			}
		})
	}
}

func TestReadsThatFailSayWhy(t *testing.T) {
	store := filled(t)
	faulty := storetest.NewFaulty(store)
	api := streams.NewStreamsClient(dial(t, serve(t, faulty, esdbserver.Options{})))
	for fault, code := range map[error]codes.Code{
		eventstore.ErrUnavailable: codes.Unavailable, eventstore.ErrClosed: codes.Unavailable,
		eventstore.ErrCorrupt: codes.DataLoss, eventstore.ErrInvalid: codes.Unknown,
	} {
		faulty.FailReads(fault)
		call, err := api.Read(patient(t), &streams.ReadReq{Options: &streams.ReadReq_Options{
			CountOption: &streams.ReadReq_Options_Count{Count: 1},
			StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
				AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}},
			}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Recv(); status.Code(err) != code {
			t.Errorf("where the store says %q: %v, want %s", fault, err, code)
		}
	}
}

// TestReadsWithFilters: the Go client filters subscriptions alone, others reads as well.
func TestReadsWithFilters(t *testing.T) {
	store := filled(t)
	api := streams.NewStreamsClient(dial(t, serve(t, store, esdbserver.Options{})))
	call, err := api.Read(patient(t), &streams.ReadReq{Options: &streams.ReadReq_Options{
		CountOption:   &streams.ReadReq_Options_Count{Count: 2},
		ReadDirection: streams.ReadReq_Options_Backwards,
		StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{
			AllOption: &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}},
		}},
		FilterOption: &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
			Filter: &streams.ReadReq_Options_FilterOptions_StreamIdentifier{
				StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"ledger-a"}},
			},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := of(all(t, store), "ledger-a")
	for i := range 2 {
		got, err := call.Recv()
		if err != nil || got.GetEvent().GetEvent().GetStreamRevision() != uint64(want[len(want)-1-i].Revision) {
			t.Fatalf("%v (%v), want revision %d", got, err, want[len(want)-1-i].Revision)
		}
	}
}

// wide is a store with positions that no client could be told.
type wide struct{ *memstore.Store }

func (w wide) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for r, err := range w.Store.ReadAll(ctx, after) {
			r.Position = eventstore.NewPosition(1<<50, 1)
			if !yield(r, err) {
				return
			}
		}
	}
}

func TestPositionsThatCannotBeExpressedAreNotSent(t *testing.T) {
	c := client(t, wide{filled(t)}, esdbserver.Options{})
	got, err := receive(t, must(c.ReadAll(patient(t), esdb.ReadAllOptions{}, 1)), nil)
	if len(got) != 0 || status.Code(err) != codes.OutOfRange {
		t.Errorf("%d events, %v; want that the position is out of range", len(got), err)
	}
}
