package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

var stallCases = []testCase{ //nolint:gochecknoglobals // tables, this one and those that follow
	{"too much waiting", testOverloaded},
	{"close waits", testCloseWaits},
}

var withdrawCases = []testCase{ //nolint:gochecknoglobals // a table
	{"context that ends while it waits", testWithdrawn},
}

var fillUpCases = []testCase{ //nolint:gochecknoglobals // a table
	{"refused, and taken when there is room", testNoRoom},
}

var loseOutcomeCases = []testCase{ //nolint:gochecknoglobals // a table
	{"written", func(t *testing.T, h Harness) { t.Helper(); testUnknown(t, h, true) }},
	{"not written", func(t *testing.T, h Harness) { t.Helper(); testUnknown(t, h, false) }},
}

var damageCases = []testCase{ //nolint:gochecknoglobals // a table
	{"reads say so", testDamaged},
}

// testOverloaded appends more than may wait: what is too much is refused at once, the rest is written.
func testOverloaded(t *testing.T, h Harness) {
	s := h.New(t)
	release := h.Stall(t, s)
	answers := make(chan error)
	const excess = 5
	for i := range h.MaxWaiting + excess {
		go func() {
			_, err := s.Append(patient(t), "stream", eventstore.Any(), records("stream", i, 1))
			answers <- err
		}()
	}
	for range excess { // only the refused are answered while the store is stalled
		if err := <-answers; !errors.Is(err, eventstore.ErrOverloaded) {
			t.Errorf("append: %v, want that the store is overloaded", err)
		}
	}
	release()
	for range h.MaxWaiting {
		if err := <-answers; err != nil {
			t.Errorf("an append that waited: %v", err)
		}
	}
	if got := mustCollect(t, s.ReadStream(patient(t), "stream", 0)); len(got) != h.MaxWaiting {
		t.Errorf("%d records, want %d", len(got), h.MaxWaiting)
	}
}

// testWithdrawn ends the context of appends that wait: they return at once, and are never written.
func testWithdrawn(t *testing.T, h Harness) {
	s := h.New(t)
	release := h.Stall(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan error)
	for i := range h.MaxWaiting + 1 {
		go func() {
			_, err := s.Append(ctx, "withdrawn", eventstore.Any(), records("withdrawn", i, 1))
			answers <- err
		}()
	}
	if err := <-answers; !errors.Is(err, eventstore.ErrOverloaded) { // so all others wait
		t.Errorf("append: %v, want that the store is overloaded", err)
	}
	cancel()
	for range h.MaxWaiting {
		select {
		case err := <-answers:
			if !errors.Is(err, context.Canceled) || errors.Is(err, eventstore.ErrOutcomeUnknown) {
				t.Errorf("append: %v, want the context's error and that nothing was written", err)
			}
		case <-patient(t).Done():
			t.Fatal("the append does not return when its context ends")
		}
	}
	release()
	mustAppend(t, s, "stream", eventstore.NoStream(), records("stream", 0, 1))
	if err := failsOf(t, s.ReadStream(patient(t), "withdrawn", 0)); !errors.Is(err, eventstore.ErrStreamNotFound) {
		t.Errorf("read the stream of the withdrawn append: %v, want that it does not exist", err)
	}
}

// testCloseWaits closes over a full queue: what was taken up is written.
func testCloseWaits(t *testing.T, h Harness) {
	s := h.New(t)
	release := h.Stall(t, s)
	answers := make(chan error)
	for i := range h.MaxWaiting + 1 {
		go func() {
			_, err := s.Append(patient(t), "stream", eventstore.Any(), records("stream", i, 1))
			answers <- err
		}()
	}
	if err := <-answers; !errors.Is(err, eventstore.ErrOverloaded) { // so all others wait
		t.Errorf("append: %v, want that the store is overloaded", err)
	}
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case <-closed:
		t.Fatal("closed while appends were under way")
	default:
	}
	release()
	for range h.MaxWaiting {
		if err := <-answers; err != nil {
			t.Errorf("an append that waited: %v", err)
		}
	}
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
}

func testNoRoom(t *testing.T, h Harness) {
	s := h.New(t)
	held := records("stream", 0, 2)
	mustAppend(t, s, "stream", eventstore.NoStream(), held)
	mend := h.FillUp(t, s)
	big := []eventstore.Record{{Type: "Big", Data: bytes.Repeat([]byte("b"), 256<<10)}}
	for range 3 {
		_, err := s.Append(patient(t), "stream", eventstore.At(1), big)
		if !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) {
			t.Fatalf("append without room: %v, want that the store is unavailable", err)
		}
		checkStream(t, s, "stream", held)
	}
	mend()
	mustAppend(t, s, "stream", eventstore.At(1), big)
	checkStream(t, s, "stream", append(held, big...))
	checkAll(t, s)
}

func testUnknown(t *testing.T, h Harness, written bool) {
	t.Helper()
	s := h.New(t)
	held := records("stream", 0, 2)
	mustAppend(t, s, "stream", eventstore.NoStream(), held)
	live := follow(t, s, eventstore.Start)
	live.next(len(held))
	for i := range 3 {
		h.LoseOutcome(t, s, written)
		added := records("stream", len(held), 1+i)
		_, err := s.Append(patient(t), "stream", eventstore.At(eventstore.Revision(len(held)-1)), added)
		if !errors.Is(err, eventstore.ErrOutcomeUnknown) {
			t.Fatalf("append: %v, want that its outcome is unknown", err)
		}
		if written {
			held = append(held, added...)
			live.next(len(added))
		}
		checkStream(t, s, "stream", held)
		// And on with what was read.
		more := records("stream", len(held), 1)
		mustAppend(t, s, "stream", eventstore.At(eventstore.Revision(len(held)-1)), more)
		held = append(held, more...)
		live.next(len(more))
	}
	if h.Reopen == nil {
		return
	}
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	checkStream(t, h.Reopen(t, s), "stream", held)
}

func testDamaged(t *testing.T, h Harness) {
	s := h.New(t)
	mustAppend(t, s, "sound", eventstore.NoStream(), records("sound", 0, 3))
	mustAppend(t, s, "stream", eventstore.NoStream(), records("stream", 0, 3))
	last := mustAppend(t, s, "stream", eventstore.At(2), records("stream", 3, 3))
	h.Damage(t, s, "stream")
	got, err := collect(s.ReadStream(patient(t), "stream", 0))
	if !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("read the stream: %v, want that it is corrupt", err)
	}
	checkRecords(t, got, "stream", 0, records("stream", 0, 3)) // what comes before the damage is sound
	if _, err := collect(s.ReadAll(patient(t), eventstore.Start)); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("read the log: %v, want that it is corrupt", err)
	}
	checkStream(t, s, "sound", records("sound", 0, 3))
	// Where the stream ends is still known, and it can be extended.
	mustAppend(t, s, "stream", eventstore.At(last.Last), records("stream", 6, 1))
}
