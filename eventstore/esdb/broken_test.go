package esdb_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdb"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/proxytest"
)

// patience bounds what would otherwise wait for ever.
const patience = 30 * time.Second

func patient(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func records(first, n int) []eventstore.Record {
	rs := make([]eventstore.Record, n)
	for i := range rs {
		rs[i] = eventstore.Record{
			ID: eventstore.ID{1, byte((first + i) >> 8), byte(first + i)}, Type: "Happened",
			Data: fmt.Appendf(nil, `{"n":%d}`, first+i), Metadata: []byte("{}"),
		}
	}
	return rs
}

// breakable is a store whose connection can break, and the log behind it.
func breakable(t *testing.T, o esdb.Options) (*esdb.Store, *storetest.Faulty, *proxytest.Proxy) {
	t.Helper()
	log := storetest.NewFaulty(memstore.New())
	p := proxytest.New(t, serve(t, log))
	return open(t, "esdb://"+p.Address()+parameters, o), log, p
}

// all is what a sequence yields; the test fails where that is an error.
func all(t *testing.T, seq iter.Seq2[eventstore.Recorded, error]) []eventstore.Recorded {
	t.Helper()
	var read []eventstore.Recorded
	for r, err := range seq {
		if err != nil {
			t.Fatalf("after %d records: %v", len(read), err)
		}
		read = append(read, r)
	}
	return read
}

// checkRevisions wants the revisions of a stream from the first to the last, each once.
func checkRevisions(t *testing.T, got []eventstore.Recorded, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("%d records, want %d", len(got), n)
	}
	for i, r := range got {
		if r.Revision != eventstore.Revision(i) {
			t.Fatalf("record %d has revision %d", i, r.Revision)
		}
	}
}

func mustAppend(t *testing.T, s eventstore.Store, expected eventstore.Expected, rs []eventstore.Record) eventstore.Appended {
	t.Helper()
	appended, err := s.Append(patient(t), "stream", expected, rs)
	if err != nil {
		t.Fatal(err)
	}
	return appended
}

// TestAnAppendWhoseAnswerIsLostIsSentAgain breaks the connection when the server has written, or when it is about to: either
// way the append is written once, and answered.
func TestAnAppendWhoseAnswerIsLostIsSentAgain(t *testing.T) {
	for name, fault := range map[string]func(*proxytest.Proxy) storetest.Fault{
		"written": func(p *proxytest.Proxy) storetest.Fault {
			return func(ctx context.Context, _ *storetest.Faulty, do storetest.Do) (eventstore.Appended, error) {
				defer p.Cut()
				return do(ctx)
			}
		},
		"not written": func(p *proxytest.Proxy) storetest.Fault {
			return func(context.Context, *storetest.Faulty, storetest.Do) (eventstore.Appended, error) {
				p.Cut()
				return eventstore.Appended{}, eventstore.ErrOutcomeUnknown
			}
		},
		"nobody knows": func(*proxytest.Proxy) storetest.Fault { return storetest.Written() },
	} {
		t.Run(name, func(t *testing.T) {
			s, log, p := breakable(t, esdb.Options{})
			mustAppend(t, s, eventstore.NoStream(), records(0, 2))
			for i := range 4 {
				expected := eventstore.At(eventstore.Revision(2*i + 1))
				if i == 3 {
					expected = eventstore.Any()
				}
				log.Next(fault(p))
				appended := mustAppend(t, s, expected, records(2*i+2, 2))
				read := all(t, s.ReadStream(patient(t), "stream", 0))
				checkRevisions(t, read, 2*i+4)
				if last := read[len(read)-1]; appended.Last != last.Revision || appended.Position != last.Position {
					t.Errorf("the append answers %+v, the last record is %d at %s", appended, last.Revision, last.Position)
				}
			}
			if n := log.Appends(); n != 10 { // one of them begins the log
				t.Errorf("the server was asked %d times, want 10", n)
			}
		})
	}
}

// TestAnAppendInDoubtThatAnotherShutsOut was not written, and never will be: that is a conflict like any other.
func TestAnAppendInDoubtThatAnotherShutsOut(t *testing.T) {
	s, log, p := breakable(t, esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	log.Next(func(ctx context.Context, f *storetest.Faulty, _ storetest.Do) (eventstore.Appended, error) {
		defer p.Cut()
		return f.Inner().Append(ctx, "stream", eventstore.At(0), records(100, 3))
	})
	_, err := s.Append(patient(t), "stream", eventstore.At(0), records(1, 2))
	var conflict *eventstore.ConflictError
	if !errors.As(err, &conflict) || errors.Is(err, eventstore.ErrOutcomeUnknown) || conflict.Actual != 3 {
		t.Errorf("append: %v, want a conflict at revision 3", err)
	}
}

// TestAnAppendInDoubtWithoutIDs is not taken for another one that has none either.
func TestAnAppendInDoubtWithoutIDs(t *testing.T) {
	s, log, p := breakable(t, esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	anonymous := records(1, 1)
	anonymous[0].ID = eventstore.ID{}
	log.Next(func(ctx context.Context, f *storetest.Faulty, _ storetest.Do) (eventstore.Appended, error) {
		defer p.Cut()
		other := records(100, 1)
		other[0].ID = eventstore.ID{}
		return f.Inner().Append(ctx, "stream", eventstore.At(0), other)
	})
	_, err := s.Append(patient(t), "stream", eventstore.At(0), anonymous)
	if !errors.Is(err, eventstore.ErrOutcomeUnknown) || errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("append: %v, want that its outcome is unknown", err)
	}
}

// TestAnAppendInDoubtThatConflictsWithNothing expects a revision that the stream has not got yet. It may arrive when it has.
func TestAnAppendInDoubtThatConflictsWithNothing(t *testing.T) {
	s, log, _ := breakable(t, esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	log.Next(storetest.Lost())
	_, err := s.Append(patient(t), "stream", eventstore.At(5), records(1, 1))
	if !errors.Is(err, eventstore.ErrOutcomeUnknown) || errors.Is(err, eventstore.ErrConflict) {
		t.Errorf("append: %v, want that its outcome is unknown", err)
	}
}

func TestReadingsGoOnWhereTheConnectionBroke(t *testing.T) {
	s, _, p := breakable(t, esdb.Options{})
	const n = 3000 // more than is under way
	for i := range n / 500 {
		mustAppend(t, s, eventstore.Any(), records(500*i, 500))
	}
	backwards := func(read []eventstore.Recorded) []eventstore.Recorded {
		slices.Reverse(read)
		return read
	}
	asRead := func(read []eventstore.Recorded) []eventstore.Recorded { return read }
	for name, test := range map[string]struct {
		read  iter.Seq2[eventstore.Recorded, error]
		order func([]eventstore.Recorded) []eventstore.Recorded
	}{
		"stream":    {s.ReadStream(patient(t), "stream", 0), asRead},
		"whole log": {s.ReadAll(patient(t), eventstore.Start), asRead},
		"backwards": {s.ReadAllBackwards(patient(t), eventstore.End), backwards},
	} {
		t.Run(name, func(t *testing.T) {
			var read []eventstore.Recorded
			for r, err := range test.read {
				if err != nil {
					t.Fatalf("after %d records: %v", len(read), err)
				}
				if read = append(read, r); len(read)%700 == 1 {
					p.Cut()
				}
			}
			checkRevisions(t, test.order(read), n)
		})
	}
}

func TestSubscriptionsGoOnWhereTheConnectionBroke(t *testing.T) {
	s, log, p := breakable(t, esdb.Options{})
	const n = 400
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range n {
			if _, err := log.Inner().Append(t.Context(), "stream", eventstore.Any(), records(i, 1)); err != nil {
				t.Error(err)
			}
		}
	})
	defer writer.Wait()
	var read []eventstore.Recorded
	for r, err := range s.Subscribe(patient(t), eventstore.Start) {
		if err != nil {
			t.Fatalf("after %d records: %v", len(read), err)
		}
		if read = append(read, r); len(read) == n {
			break
		}
		switch len(read) % 100 {
		case 20:
			p.Cut()
		case 70: // and cannot be made again for a while
			p.SetAway(true)
			time.AfterFunc(time.Millisecond, func() { p.SetAway(false) })
		}
	}
	checkRevisions(t, read, n)
}

func TestAServerThatIsAwayIsUnavailable(t *testing.T) {
	log := memstore.New()
	defer log.Close()
	first := startServer(t, log, "127.0.0.1:0")
	defer first.stop()
	s := open(t, "esdb://"+first.Address()+parameters, esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	first.stop()
	for round := range 2 { // nobody hangs, however many there are
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				_, err := s.Append(patient(t), "stream", eventstore.At(0), records(i+1, 1))
				// Those of the first round may have gone on the way before the connection was known to be broken.
				if !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) && round > 0 {
					t.Errorf("append: %v, want that the store is unavailable", err)
				}
			})
			group.Go(func() {
				for _, err := range s.ReadStream(patient(t), "stream", 0) {
					if !errors.Is(err, eventstore.ErrUnavailable) {
						t.Errorf("read: %v, want that the store is unavailable", err)
					}
				}
			})
		}
		group.Wait()
	}
	again := startServer(t, log, first.Address())
	defer again.stop()
	checkRevisions(t, all(t, s.ReadStream(patient(t), "stream", 0)), 1)
	mustAppend(t, s, eventstore.At(0), records(1, 1))
	if err := s.Close(); err != nil { // before the server, which waits for it otherwise
		t.Error(err)
	}
}

func TestAContextThatEndsUnderWay(t *testing.T) {
	s, log, p := breakable(t, esdb.Options{})
	mustAppend(t, s, eventstore.NoStream(), records(0, 1))
	gate := storetest.NewGate()
	defer gate.Open()
	log.Next(gate.Slow())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-gate.Arrived()
		p.Hush(true) // the server does not hear of it
		cancel()
	}()
	if _, err := s.Append(ctx, "stream", eventstore.At(0), records(1, 1)); !errors.Is(err, eventstore.ErrOutcomeUnknown) ||
		!errors.Is(err, context.Canceled) {
		t.Errorf("append: %v, want that its outcome is unknown", err)
	}
	for name, seq := range map[string]func(context.Context) iter.Seq2[eventstore.Recorded, error]{
		"stream": func(ctx context.Context) iter.Seq2[eventstore.Recorded, error] { return s.ReadStream(ctx, "stream", 0) },
		"whole log": func(ctx context.Context) iter.Seq2[eventstore.Recorded, error] {
			return s.ReadAll(ctx, eventstore.Start)
		},
		"subscription": func(ctx context.Context) iter.Seq2[eventstore.Recorded, error] {
			return s.Subscribe(ctx, eventstore.Start)
		},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond) // there will be no answer before
		for _, err := range seq(ctx) {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, want the context's error", name, err)
			}
		}
		cancel()
	}
	p.Hush(false)
}

func TestAContextThatEndsWhileThereIsNoConnection(t *testing.T) {
	s, _, p := breakable(t, esdb.Options{})
	p.Hush(true)
	p.Cut() // connections are made, and nothing comes over them
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := s.Append(ctx, "stream", eventstore.NoStream(), records(0, 1))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("append: %v, want the context's error", err)
		}
		cancel()
	}
	p.Hush(false)
}

func TestClosingWhileTheServerIsAway(t *testing.T) {
	s, _, p := breakable(t, esdb.Options{})
	p.SetAway(true)
	ended := make(chan error, 1)
	go func() {
		for _, err := range s.Subscribe(t.Context(), eventstore.Start) {
			ended <- err
		}
	}()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, eventstore.ErrClosed) {
		t.Errorf("the subscription ended with %v, want that the store is closed", err)
	}
}
