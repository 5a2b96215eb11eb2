package storetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

func TestFaultsAnswerAndWriteAsTheySay(t *testing.T) {
	for _, test := range []struct {
		name    string
		fault   storetest.Fault
		want    error
		written int
	}{
		{"none", storetest.None(), nil, 1},
		{"refused", storetest.Refused(eventstore.ErrUnavailable), eventstore.ErrUnavailable, 0},
		{"lost", storetest.Lost(), eventstore.ErrOutcomeUnknown, 0},
		{"written", storetest.Written(), eventstore.ErrOutcomeUnknown, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := storetest.NewFaulty(memstore.New())
			f.Next(test.fault)
			if _, err := appendOne(t.Context(), f, eventstore.NoStream()); !errors.Is(err, test.want) {
				t.Errorf("append: %v, want %v", err, test.want)
			}
			if got := written(t, f); got != test.written {
				t.Errorf("%d records were written, want %d", got, test.written)
			}
			if _, err := appendOne(t.Context(), f, eventstore.Any()); err != nil {
				t.Errorf("the next append has no fault, but: %v", err)
			}
			if got := f.Appends(); got != 2 {
				t.Errorf("%d appends arrived, want 2", got)
			}
		})
	}
}

func TestAlwaysHoldsUntilItIsTakenAway(t *testing.T) {
	f := storetest.NewFaulty(memstore.New())
	f.Always(storetest.Refused(eventstore.ErrUnavailable))
	f.Next(storetest.None())
	for i, want := range []error{nil, eventstore.ErrUnavailable, eventstore.ErrUnavailable} {
		if _, err := appendOne(t.Context(), f, eventstore.Any()); !errors.Is(err, want) {
			t.Errorf("append %d: %v, want %v", i, err, want)
		}
	}
	f.Always(nil)
	if _, err := appendOne(t.Context(), f, eventstore.Any()); err != nil {
		t.Errorf("after the fault: %v", err)
	}
}

func TestSecondWriterConflicts(t *testing.T) {
	f := storetest.NewFaulty(memstore.New())
	f.Next(storetest.Behind(func() {
		if _, err := appendOne(t.Context(), f.Inner(), eventstore.NoStream()); err != nil {
			t.Errorf("second writer: %v", err)
		}
	}))
	var conflict *eventstore.ConflictError
	if _, err := appendOne(t.Context(), f, eventstore.NoStream()); !errors.As(err, &conflict) || conflict.Actual != 0 {
		t.Errorf("append: %v, want a conflict at revision 0", err)
	}
}

func TestGateHoldsAppends(t *testing.T) {
	f, gate := storetest.NewFaulty(memstore.New()), storetest.NewGate()
	f.Next(gate.Slow(), gate.Slow())
	done := make(chan error)
	go func() { _, err := appendOne(t.Context(), f, eventstore.NoStream()); done <- err }()
	<-gate.Arrived()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := appendOne(ctx, f, eventstore.Any()); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("an append whose context ended before the gate: %v, want an unknown outcome", err)
	}
	if got := written(t, f); got != 0 {
		t.Errorf("%d records went through a closed gate", got)
	}
	gate.Open()
	if err := <-done; err != nil || written(t, f) != 1 {
		t.Errorf("after the gate was opened: %v, %d records", err, written(t, f))
	}
}

func TestLateAppendArrivesAfterItsAnswer(t *testing.T) {
	f, gate := storetest.NewFaulty(memstore.New()), storetest.NewGate()
	outcome := make(chan error, 1)
	f.Next(gate.Late(func(_ eventstore.Appended, err error) { outcome <- err }))
	if _, err := appendOne(t.Context(), f, eventstore.NoStream()); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append: %v, want an unknown outcome", err)
	}
	if _, err := appendOne(t.Context(), f, eventstore.NoStream()); err != nil {
		t.Errorf("an append that overtakes it: %v", err)
	}
	gate.Open()
	if err := <-outcome; !errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("the late append: %v, want a conflict", err)
	}
}

func TestReadsFailUntilTheyAreMended(t *testing.T) {
	f := storetest.NewFaulty(memstore.New())
	f.FailReads(eventstore.ErrUnavailable)
	for _, err := range f.ReadAll(t.Context(), eventstore.Start) {
		if !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("read: %v, want that the store is unavailable", err)
		}
	}
	f.FailReads(nil)
	if got := written(t, f); got != 0 {
		t.Errorf("%d records in an empty store", got)
	}
}

func appendOne(
	ctx context.Context, s eventstore.Store, expected eventstore.Expected,
) (eventstore.Appended, error) {
	return s.Append(ctx, "stream", expected, []eventstore.Record{{Type: "Happened", Data: []byte("data")}})
}

func written(t *testing.T, s eventstore.Store) (n int) {
	t.Helper()
	for _, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatalf("read the log: %v", err)
		}
		n++
	}
	return n
}
