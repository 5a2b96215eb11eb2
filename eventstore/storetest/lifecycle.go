package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

var closeCases = []testCase{ //nolint:gochecknoglobals // tables, this one and those that follow
	{"everything after it fails", testClosed},
	{"subscriptions end", testCloseEndsSubscriptions},
	{"loops in their middle end", testCloseEndsLoops},
	{"appends under way have their answer", testCloseDuringAppends},
}

var limitCases = []testCase{ //nolint:gochecknoglobals // a table
	{"too large", testTooLarge},
}

var reopenCases = []testCase{ //nolint:gochecknoglobals // a table
	{"keeps everything", testReopen},
}

var sharedCases = []testCase{ //nolint:gochecknoglobals // a table
	{"second writer", testSecondWriter},
	{"subscription to another's appends", testSubscribeToAnother},
}

func testClosed(t *testing.T, h Harness) {
	s := h.New(t)
	fill(t, s, 3)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	_, err := s.Append(patient(t), "stream-0", eventstore.Any(), records("late", 0, 1))
	errs := []error{err}
	for _, seq := range []iter.Seq2[eventstore.Recorded, error]{
		s.ReadAll(patient(t), eventstore.Start), s.ReadStream(patient(t), "stream-0", 0),
		s.ReadAllBackwards(patient(t), eventstore.End), s.Subscribe(patient(t), eventstore.Start),
	} {
		errs = append(errs, failsOf(t, seq))
	}
	for i, err := range errs {
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("%s: %v, want that the store is closed", []string{"append", "read", "read stream", "read backwards", "subscribe"}[i], err)
		}
	}
}

func testCloseEndsSubscriptions(t *testing.T, h Harness) {
	s := h.New(t)
	all := fill(t, s, 3)
	f := follow(t, s, eventstore.Start)
	f.next(len(all)) // now it waits
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	if err := f.end(); !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("the subscription ended with %v, want that the store is closed", err)
	}
}

func testCloseEndsLoops(t *testing.T, h Harness) {
	s := h.New(t)
	fill(t, s, 20)
	var last error
	for _, last = range s.ReadAll(patient(t), eventstore.Start) {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
	}
	if !errors.Is(last, eventstore.ErrClosed) {
		t.Errorf("the loop ended with %v, want that the store is closed", last)
	}
}

// testCloseDuringAppends closes while many append: each either is written or is told that the store is closed.
func testCloseDuringAppends(t *testing.T, h Harness) {
	s := h.New(t)
	const writers = 16
	var group sync.WaitGroup
	written := make([]int, writers)
	first := make(chan struct{})
	once := sync.OnceFunc(func() { close(first) })
	for w := range writers {
		group.Go(func() {
			for {
				_, err := s.Append(patient(t), "stream", eventstore.Any(), records(fmt.Sprint("w", w), written[w], 1))
				if err != nil {
					if !errors.Is(err, eventstore.ErrClosed) {
						t.Errorf("append: %v, want that the store is closed", err)
					}
					return
				}
				written[w]++
				once()
			}
		})
	}
	<-first
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	group.Wait()
	if h.Reopen == nil {
		return
	}
	total := 0
	for _, n := range written {
		total += n
	}
	if got := len(checkAll(t, h.Reopen(t, s))); got != total {
		t.Errorf("%d records are there, %d were acknowledged", got, total)
	}
}

func testTooLarge(t *testing.T, h Harness) {
	s := h.New(t)
	most := s.Traits().MaxAppendBytes
	fits := []eventstore.Record{
		{Type: "Half", Data: bytes.Repeat([]byte("d"), most/2)},
		{Type: "Half", Metadata: bytes.Repeat([]byte("m"), most-most/2-8)},
	}
	mustAppend(t, s, "stream", eventstore.NoStream(), fits)
	over := []eventstore.Record{fits[0], {Type: "Half", Data: append(bytes.Clone(fits[1].Metadata), 'x')}}
	if _, err := s.Append(patient(t), "stream", eventstore.Any(), over); !errors.Is(err, eventstore.ErrTooLarge) {
		t.Errorf("append one byte more than %d: %v, want that it is too large", most, err)
	}
	checkStream(t, s, "stream", fits)
}

func testReopen(t *testing.T, h Harness) {
	s := h.New(t)
	all := fill(t, s, 40)
	for range 3 {
		if err := s.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		s = h.Reopen(t, s)
		checkSame(t, checkAll(t, s), all)
		last := all[len(all)-1]
		appended := mustAppend(t, s, last.Stream, eventstore.At(last.Revision), records("more", 0, 2))
		if appended.Last != last.Revision+2 || appended.Position.Compare(last.Position) <= 0 {
			t.Fatalf("after reopening, revision %d at %s follows revision %d at %s",
				appended.Last, appended.Position, last.Revision, last.Position)
		}
		all = checkAll(t, s)
	}
}

func testSecondWriter(t *testing.T, h Harness) {
	a := h.New(t)
	b := h.Reopen(t, a)
	writers := []eventstore.Store{a, b, b, a, a, b}
	for i := range 60 { // each meets what the other one has written
		s := writers[i%len(writers)]
		if i > 0 {
			_, err := s.Append(patient(t), "stream", eventstore.NoStream(), records("stream", i, 1))
			checkConflict(t, err, eventstore.ConflictError{
				Stream: "stream", Expected: eventstore.NoStream(), Exists: true, Actual: eventstore.Revision(i - 1),
			})
		}
		mustAppend(t, s, "stream", eventstore.Any(), records("stream", i, 1))
	}
	checkStream(t, b, "stream", records("stream", 0, 60))
	checkSame(t, checkAll(t, a), checkAll(t, b))
}

func testSubscribeToAnother(t *testing.T, h Harness) {
	a := h.New(t)
	b := h.Reopen(t, a)
	f := follow(t, b, eventstore.Start)
	all := fill(t, a, 5)
	checkSame(t, f.next(len(all)), all)
}
