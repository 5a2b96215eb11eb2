package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

var subscribeCases = []testCase{ //nolint:gochecknoglobals // a table
	{"what is there and what comes", testSubscribe},
	{"after any position", testSubscribeAfter},
	{"context that ends while it waits", testSubscribeContextEnds},
	{"many at once", testManySubscribers},
}

// follower reads a subscription in a goroutine.
type follower struct {
	t       testing.TB
	records chan eventstore.Recorded
	ended   chan error // the error that the subscription ended with
	cancel  context.CancelFunc
}

func follow(t testing.TB, s eventstore.Store, after eventstore.Position) *follower {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	f := &follower{t: t, records: make(chan eventstore.Recorded), ended: make(chan error, 1), cancel: cancel}
	go func() {
		for r, err := range s.Subscribe(ctx, after) {
			if err != nil {
				f.ended <- err
				return
			}
			select {
			case f.records <- r:
			case <-ctx.Done():
			}
		}
		f.ended <- nil
	}()
	t.Cleanup(cancel)
	return f
}

// next waits for n records.
func (f *follower) next(n int) []eventstore.Recorded {
	f.t.Helper()
	got := make([]eventstore.Recorded, 0, n)
	for deadline := patient(f.t); len(got) < n; {
		select {
		case r := <-f.records:
			got = append(got, r)
		case err := <-f.ended:
			f.t.Fatalf("the subscription ended after %d of %d records: %v", len(got), n, err)
		case <-deadline.Done():
			f.t.Fatalf("the subscription gave %d of %d records in %s", len(got), n, patience)
		}
	}
	return got
}

// end waits for the subscription to end by itself.
func (f *follower) end() error {
	f.t.Helper()
	select {
	case err := <-f.ended:
		return err
	case r := <-f.records:
		f.t.Fatalf("the subscription gave revision %d of %q, want its end", r.Revision, r.Stream)
	case <-patient(f.t).Done():
		f.t.Fatalf("the subscription has not ended in %s", patience)
	}
	return nil
}

func testSubscribe(t *testing.T, h Harness) {
	s := h.New(t)
	f := follow(t, s, eventstore.Start) // on an empty store
	mustAppend(t, s, "first", eventstore.NoStream(), records("first", 0, 1))
	got := f.next(1)
	for i := range 20 {
		mustAppend(t, s, "second", eventstore.Any(), records("second", i, 1)) // it waits between these
		got = append(got, f.next(1)...)
	}
	before := fill(t, s, 25)
	got = append(got, f.next(len(before)-len(got))...)
	checkSame(t, got, checkAll(t, s))
}

func testSubscribeAfter(t *testing.T, h Harness) {
	s := h.New(t)
	all := fill(t, s, 8)
	var followers []*follower
	for _, r := range all {
		followers = append(followers, follow(t, s, r.Position))
	}
	mustAppend(t, s, "more", eventstore.NoStream(), records("more", 0, 3))
	want := checkAll(t, s)
	for i, f := range followers {
		checkSame(t, f.next(len(want)-i-1), want[i+1:])
	}
}

func testSubscribeContextEnds(t *testing.T, h Harness) {
	s := h.New(t)
	all := fill(t, s, 3)
	f := follow(t, s, eventstore.Start)
	f.next(len(all))
	f.cancel()
	if err := f.end(); !errors.Is(err, context.Canceled) {
		t.Errorf("the subscription ended with %v, want the context's error", err)
	}
}

func testManySubscribers(t *testing.T, h Harness) {
	s := h.New(t)
	var followers []*follower
	for range 40 {
		followers = append(followers, follow(t, s, eventstore.Start))
	}
	all := fill(t, s, 10)
	for _, f := range followers {
		checkSame(t, f.next(len(all)), all)
	}
}
