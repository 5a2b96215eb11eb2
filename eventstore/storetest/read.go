package storetest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

var readCases = []testCase{ //nolint:gochecknoglobals // a table
	{"empty store", testEmptyStore},
	{"stream from any revision", testReadFrom},
	{"whole log after any position", testReadAllAfter},
	{"whole log backwards from any position", testReadAllBackwards},
	{"end as it was when the loop began", testEndOfRead},
	{"records belong to the caller", testYieldedBytesAreTheCallers},
	{"again over the same sequence", testRangeAgain},
	{"many loops left open", testLoopsLeftOpen},
	{"context that has ended", testReadEndedContext},
	{"context that ends in the middle", testReadContextEnds},
}

// fill appends to three streams in turn, in appends of 1, 2, 3 … records, and gives the log.
func fill(t testing.TB, s eventstore.Store, appends int) []eventstore.Recorded {
	t.Helper()
	written := map[string]int{}
	for i := range appends {
		stream := fmt.Sprintf("stream-%d", i%3)
		mustAppend(t, s, stream, eventstore.Any(), records(stream, written[stream], i+1))
		written[stream] += i + 1
	}
	return checkAll(t, s)
}

func testEmptyStore(t *testing.T, h Harness) {
	s := h.New(t)
	if all := checkAll(t, s); len(all) != 0 {
		t.Errorf("%d records in an empty store", len(all))
	}
	for _, from := range []eventstore.Revision{0, 1, math.MaxUint64} {
		if err := failsOf(t, s.ReadStream(patient(t), "none", from)); !errors.Is(err, eventstore.ErrStreamNotFound) {
			t.Errorf("read a stream that does not exist from %d: %v", from, err)
		}
	}
}

func testReadFrom(t *testing.T, h Harness) {
	s := h.New(t)
	want := records("stream", 0, 2300)
	expected := eventstore.NoStream()
	for first := 0; first < len(want); {
		n := min(first+1, len(want)-first) // 1, 2, 4 … 1024
		mustAppend(t, s, "between", eventstore.Any(), records("between", 0, 1))
		expected = eventstore.At(mustAppend(t, s, "stream", expected, want[first:first+n]).Last)
		first += n
	}
	for from := 0; from <= len(want); from += 1 + from/12 {
		r := eventstore.Revision(from)
		checkRecords(t, mustCollect(t, s.ReadStream(patient(t), "stream", r)), "stream", r, want[from:])
	}
	for _, past := range []eventstore.Revision{2300, 2301, math.MaxInt64, math.MaxUint64} {
		if got := mustCollect(t, s.ReadStream(patient(t), "stream", past)); len(got) != 0 {
			t.Errorf("from %d: %d records", past, len(got))
		}
	}
}

func testReadAllAfter(t *testing.T, h Harness) {
	s := h.New(t)
	all := fill(t, s, 20)
	for i, r := range all {
		position, err := eventstore.ParsePosition(r.Position.String()) // it may be kept as text
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, mustCollect(t, s.ReadAll(patient(t), position)), all[i+1:])
	}
}

func testReadAllBackwards(t *testing.T, h Harness) {
	s := h.New(t)
	for _, from := range []eventstore.Position{eventstore.Start, eventstore.End} {
		if got := mustCollect(t, s.ReadAllBackwards(patient(t), from)); len(got) != 0 {
			t.Errorf("%d records in an empty store", len(got))
		}
	}
	fill(t, s, 15)
	mustAppend(t, s, "big", eventstore.NoStream(), records("big", 0, 1500)) // which some stores keep in several pieces
	want := checkAll(t, s)
	slices.Reverse(want)
	checkSame(t, mustCollect(t, s.ReadAllBackwards(patient(t), eventstore.End)), want)
	checkSame(t, mustCollect(t, s.ReadAllBackwards(patient(t), eventstore.Start)), nil)
	for i := 0; i < len(want); i += 1 + i/5 {
		checkSame(t, mustCollect(t, s.ReadAllBackwards(patient(t), want[i].Position)), want[i+1:])
	}
}

func testEndOfRead(t *testing.T, h Harness) {
	s := h.New(t)
	all := fill(t, s, 6)
	for name, seq := range map[string]iter.Seq2[eventstore.Recorded, error]{
		"whole log": s.ReadAll(patient(t), eventstore.Start),
		"stream":    s.ReadStream(patient(t), all[0].Stream, 0),
		"backwards": s.ReadAllBackwards(patient(t), eventstore.End),
	} {
		read := 0
		for _, err := range seq {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			// Each record read makes another one: a read that follows the end never ends.
			mustAppend(t, s, all[0].Stream, eventstore.Any(), records("more", read, 1))
			if read++; read > 10*len(all) {
				t.Fatalf("%s: still going after %d records", name, read)
			}
		}
	}
}

func testYieldedBytesAreTheCallers(t *testing.T, h Harness) {
	s := h.New(t)
	want := records("stream", 0, 20)
	mustAppend(t, s, "stream", eventstore.NoStream(), want)
	for _, seq := range []iter.Seq2[eventstore.Recorded, error]{
		s.ReadStream(patient(t), "stream", 0), s.ReadAll(patient(t), eventstore.Start),
		firstOf(s.Subscribe(patient(t), eventstore.Start), len(want)),
	} {
		kept := mustCollect(t, seq)
		for i := range kept {
			r := &kept[i]
			// Growing one must not run into what stands beside it; the others are looked at after that.
			_ = append(r.Data, "grown over its end"...)
			_ = append(r.Metadata, "grown over its end"...)
		}
		checkRecords(t, kept, "stream", 0, want)
		for i := range kept {
			clear(kept[i].Data)
			clear(kept[i].Metadata)
		}
		checkStream(t, s, "stream", want)
	}
}

// firstOf is the first n records of a sequence.
func firstOf(seq iter.Seq2[eventstore.Recorded, error], n int) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		left := n
		for r, err := range seq {
			if left--; !yield(r, err) || left == 0 {
				return
			}
		}
	}
}

func testRangeAgain(t *testing.T, h Harness) {
	s := h.New(t)
	all := s.ReadAll(patient(t), eventstore.Start)
	stream := s.ReadStream(patient(t), "stream-0", 0)
	for range 3 {
		before := fill(t, s, 3)
		checkSame(t, mustCollect(t, all), before)
		if got := mustCollect(t, stream); got[len(got)-1].Stream != "stream-0" {
			t.Errorf("the stream's last record is of %q", got[len(got)-1].Stream)
		}
	}
}

// testLoopsLeftOpen holds many loops in their middle, more than any pool has connections: the store works on, and when
// they are given up nothing of them keeps it from closing.
func testLoopsLeftOpen(t *testing.T, h Harness) {
	s := h.New(t)
	all := fill(t, s, 12)
	var stops []func()
	for i := range 60 {
		var seq iter.Seq2[eventstore.Recorded, error]
		switch i % 3 {
		case 0:
			seq = s.ReadAll(patient(t), eventstore.Start)
		case 1:
			seq = s.ReadStream(patient(t), "stream-0", 0)
		default:
			seq = s.Subscribe(patient(t), eventstore.Start)
		}
		next, stop := iter.Pull2(seq)
		if r, err, ok := next(); !ok || err != nil || r.Revision != 0 {
			t.Fatalf("loop %d begins with revision %d: %v", i, r.Revision, err)
		}
		stops = append(stops, stop)
	}
	mustAppend(t, s, "stream-0", eventstore.Any(), records("stream-0", 0, 1))
	if got := checkAll(t, s); len(got) != len(all)+1 {
		t.Errorf("%d records, want %d", len(got), len(all)+1)
	}
	for _, stop := range stops {
		stop()
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func testReadEndedContext(t *testing.T, h Harness) {
	s := h.New(t)
	fill(t, s, 3)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, seq := range map[string]iter.Seq2[eventstore.Recorded, error]{
		"whole log": s.ReadAll(ctx, eventstore.Start), "stream": s.ReadStream(ctx, "stream-0", 0),
		"backwards": s.ReadAllBackwards(ctx, eventstore.End), "subscription": s.Subscribe(ctx, eventstore.Start),
	} {
		if err := failsOf(t, seq); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, want the context's error", name, err)
		}
	}
}

func testReadContextEnds(t *testing.T, h Harness) {
	s := h.New(t)
	fill(t, s, 60)
	for name, read := range map[string]func(context.Context) iter.Seq2[eventstore.Recorded, error]{
		"whole log": func(ctx context.Context) iter.Seq2[eventstore.Recorded, error] {
			return s.ReadAll(ctx, eventstore.Start)
		},
		"stream": func(ctx context.Context) iter.Seq2[eventstore.Recorded, error] {
			return s.ReadStream(ctx, "stream-0", 0)
		},
		"backwards": func(ctx context.Context) iter.Seq2[eventstore.Recorded, error] {
			return s.ReadAllBackwards(ctx, eventstore.End)
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		read, last := read(ctx), error(nil)
		for _, last = range read {
			cancel()
		}
		cancel()
		if !errors.Is(last, context.Canceled) {
			t.Errorf("%s: it ended with %v, want the context's error", name, last)
		}
	}
}
