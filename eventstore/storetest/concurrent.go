package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

var concurrentCases = []testCase{ //nolint:gochecknoglobals // a table
	{"one stream, one winner a revision", testOneWinner},
	{"many streams", testManyStreams},
	{"readers never pass over a record", testReadersKeepUp},
}

// testOneWinner lets several writers contend for each revision of one stream.
func testOneWinner(t *testing.T, h Harness) {
	s := h.New(t)
	const writers, each = 8, 25
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			expected := eventstore.NoStream()
			for won := 0; won < each; {
				appended, err := s.Append(patient(t), "stream", expected, records(fmt.Sprint("w", w), won, 1+w%3))
				var conflict *eventstore.ConflictError
				switch {
				case err == nil:
					won++
					expected = eventstore.At(appended.Last)
				case errors.As(err, &conflict) && conflict.Exists:
					expected = eventstore.At(conflict.Actual)
				default:
					t.Errorf("append: %v", err)
					return
				}
			}
		})
	}
	group.Wait()
	checkStream(t, s, "stream", whoseTurn(t, checkAll(t, s), writers, each))
}

// whoseTurn tests that each writer's appends are in the log whole, once and in its order; it gives the records.
func whoseTurn(t *testing.T, all []eventstore.Recorded, writers, each int) []eventstore.Record {
	t.Helper()
	var out []eventstore.Record
	won := make([]int, writers)
	for len(out) < len(all) {
		var w int
		if _, err := fmt.Sscanf(string(all[len(out)].ID[:2]), "w%d", &w); err != nil {
			t.Fatalf("a record of nobody: %s", describe(all[len(out)].Record))
		}
		for _, want := range records(fmt.Sprint("w", w), won[w], 1+w%3) {
			if len(out) == len(all) || !same(all[len(out)].Record, want) {
				t.Fatalf("append %d of writer %d is not there whole", won[w], w)
			}
			out = append(out, want)
		}
		won[w]++
	}
	for w, n := range won {
		if n != each {
			t.Errorf("writer %d has %d appends in the log, want %d", w, n, each)
		}
	}
	return out
}

// testManyStreams lets each of many writers have a stream of its own, with conflicts among the appends that the store
// may write together.
func testManyStreams(t *testing.T, h Harness) {
	s := h.New(t)
	const streams, appends = 24, 20
	churn(t, s, streams, appends).Wait()
	for w := range streams {
		stream := fmt.Sprint("stream-", w)
		checkStream(t, s, stream, records(stream, 0, appends*(1+w%4)))
	}
	checkAll(t, s)
}

// churn starts writers, each with a stream of its own; every second append of theirs is tried with a wrong expectation
// first.
func churn(t testing.TB, s eventstore.Store, streams, appends int) *sync.WaitGroup {
	t.Helper()
	var group sync.WaitGroup
	for w := range streams {
		group.Go(func() {
			stream, n := fmt.Sprint("stream-", w), 1+w%4
			expected := eventstore.NoStream()
			for i := range appends {
				if i%2 == 1 {
					_, err := s.Append(patient(t), stream, eventstore.NoStream(), records("wrong", 0, 1))
					if !errors.Is(err, eventstore.ErrConflict) {
						t.Errorf("append with a wrong expectation: %v", err)
					}
				}
				appended, err := s.Append(patient(t), stream, expected, records(stream, i*n, n))
				if err != nil {
					t.Errorf("append to %s: %v", stream, err)
					return
				}
				expected = eventstore.At(appended.Last)
			}
		})
	}
	return &group
}

// testReadersKeepUp reads the log while it grows, in both ways, and compares with what it is at the end.
func testReadersKeepUp(t *testing.T, h Harness) {
	s := h.New(t)
	const streams, appends = 12, 40
	total := 0
	for w := range streams {
		total += appends * (1 + w%4)
	}
	live := follow(t, s, eventstore.Start)
	writers := churn(t, s, streams, appends)
	var read []eventstore.Recorded
	reader := make(chan error, 1)
	go func() {
		for at := eventstore.Start; len(read) < total; {
			part, err := collect(s.ReadAll(patient(t), at))
			if err != nil {
				reader <- err
				return
			}
			if len(part) > 0 {
				read = append(read, part...)
				at = part[len(part)-1].Position
			}
			if t.Failed() {
				break
			}
		}
		reader <- nil
	}()
	followed := live.next(total)
	writers.Wait()
	if err := <-reader; err != nil {
		t.Fatalf("read: %v", err)
	}
	all := checkAll(t, s)
	checkSame(t, followed, all)
	checkSame(t, read, all)
}
