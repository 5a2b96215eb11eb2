package pgstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// TestCrashOfTheServer kills the server, with all its processes, while many append, and starts it again; several times,
// under one and the same store. What was acknowledged is there, nothing is there twice, what was called unwritten is not
// there, and a subscription that is taken up again where it broke off sees each record once.
func TestCrashOfTheServer(t *testing.T) {
	rounds := 4
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		rounds = 100
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	server := pgtest.Start(t)
	s := open(t, server.Database(t), pgstore.Options{Limits: rowlog.Limits{PollInterval: 20 * time.Millisecond}})

	const streams = 6
	writers := make([]writer, streams)
	seen := new(log)
	for range rounds {
		acknowledged := make(chan struct{})
		var group sync.WaitGroup
		for i := range writers {
			w := &writers[i]
			w.stream = fmt.Sprint("stream-", i)
			w.check(t, s)
			group.Go(func() { w.run(t, s, acknowledged) })
		}
		group.Go(func() { seen.follow(t, s) })
		for range 10 + random.IntN(200) {
			<-acknowledged
		}
		server.Kill()
		stop := make(chan struct{})
		go func() { // whoever was still to be heard
			for {
				select {
				case <-acknowledged:
				case <-stop:
					return
				}
			}
		}()
		group.Wait()
		close(stop)
		if _, err := s.Append(t.Context(), "stream-0", eventstore.Any(), some(1)); !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("append without a server: %v, want that it is unavailable", err)
		}
		for _, err := range s.ReadStream(t.Context(), "stream-0", 0) {
			if !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("read without a server: %v, want that it is unavailable", err)
			}
		}
		server.Restart(t)
	}
	total := 0
	for i := range writers {
		writers[i].check(t, s)
		total += len(writers[i].records)
	}
	seen.catchUp(t, s, total)
}

// writer appends to a stream of its own.
type writer struct {
	stream  string
	records []eventstore.Record // all that was acknowledged, or found after a doubt
	doubt   []eventstore.Record // may be there, after the others
}

// run appends until the server is gone.
func (w *writer) run(t *testing.T, s eventstore.Store, acknowledged chan<- struct{}) {
	for {
		added := numbered(len(w.records), 1+len(w.records)%3)
		_, err := s.Append(t.Context(), w.stream, w.expected(), added)
		switch {
		case err == nil:
			w.records = append(w.records, added...)
			acknowledged <- struct{}{}
			continue
		case errors.Is(err, eventstore.ErrOutcomeUnknown):
			w.doubt = added
		case !errors.Is(err, eventstore.ErrUnavailable):
			t.Errorf("append: %v", err)
		}
		return
	}
}

func (w *writer) expected() eventstore.Expected {
	if len(w.records) == 0 {
		return eventstore.NoStream()
	}
	return eventstore.At(eventstore.Revision(len(w.records) - 1))
}

// check reads the stream: it has what was acknowledged, and what was in doubt whole or not at all.
func (w *writer) check(t *testing.T, s eventstore.Store) {
	t.Helper()
	var got []eventstore.Record
	for r, err := range s.ReadStream(t.Context(), w.stream, 0) {
		if err != nil && !errors.Is(err, eventstore.ErrStreamNotFound) {
			t.Errorf("read: %v", err)
			return
		} else if err == nil {
			got = append(got, r.Record)
		}
	}
	if len(got) == len(w.records)+len(w.doubt) {
		w.records = append(w.records, w.doubt...)
	}
	w.doubt = nil
	if len(got) != len(w.records) {
		t.Errorf("%s has %d records, want %d", w.stream, len(got), len(w.records))
		return
	}
	for i := range got {
		if string(got[i].Data) != string(w.records[i].Data) {
			t.Errorf("%s: record %d is %s, want %s", w.stream, i, got[i].Data, w.records[i].Data)
			return
		}
	}
}

func numbered(first, n int) []eventstore.Record {
	rs := some(n)
	for i := range rs {
		rs[i].Data = fmt.Appendf(nil, "%d", first+i)
	}
	return rs
}

// log is what a reader of the whole log has seen.
type log struct {
	after eventstore.Position
	next  map[string]eventstore.Revision
	seen  int
}

func (l *log) take(t *testing.T, r eventstore.Recorded) {
	t.Helper()
	if l.next == nil {
		l.next = map[string]eventstore.Revision{}
	}
	if r.Revision != l.next[r.Stream] || r.Position.Compare(l.after) <= 0 {
		t.Errorf("revision %d of %s at %s comes after revision %d, at %s", r.Revision, r.Stream, r.Position, l.next[r.Stream], l.after)
	}
	l.next[r.Stream], l.after = r.Revision+1, r.Position
	l.seen++
}

// follow follows the log until the server is gone.
func (l *log) follow(t *testing.T, s eventstore.Store) {
	for r, err := range s.Subscribe(t.Context(), l.after) {
		if err != nil {
			if !errors.Is(err, eventstore.ErrUnavailable) {
				t.Errorf("subscription: %v", err)
			}
			return
		}
		l.take(t, r)
	}
}

func (l *log) catchUp(t *testing.T, s eventstore.Store, total int) {
	t.Helper()
	for r, err := range s.ReadAll(t.Context(), l.after) {
		if err != nil {
			t.Fatal(err)
		}
		l.take(t, r)
	}
	if l.seen != total {
		t.Errorf("%d records were seen, want %d", l.seen, total)
	}
}
