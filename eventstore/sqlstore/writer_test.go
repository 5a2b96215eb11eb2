package sqlstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
)

// appending is an append in a goroutine of its own.
func appending(t *testing.T, s eventstore.Store, stream string, expected eventstore.Expected, n int) <-chan error {
	t.Helper()
	answer := make(chan error, 1)
	go func() {
		_, err := s.Append(t.Context(), stream, expected, some(n))
		answer <- err
	}()
	return answer
}

// TestAppendsThatWaitShareOneTransaction stalls the writer, lets appends pile up, and counts the commits they take.
func TestAppendsThatWaitShareOneTransaction(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := open(t, newPath(t), sqlstore.Options{Registerer: registry})
	release := stall(t, s)
	var good, bad []<-chan error
	for i := range 20 {
		good = append(good, appending(t, s, fmt.Sprint("stream-", i), eventstore.NoStream(), 1+i))
		bad = append(bad, appending(t, s, fmt.Sprint("stream-", i), eventstore.At(77), 1))
	}
	waitFor(t, func() bool { return metric(t, registry, "daybook_eventstore_appends_waiting") == 40 })
	commits := 0
	s.InsteadOfCommit(func(commit, _ func() error) error { commits++; return commit() })
	release()
	for i := range good {
		if err := <-good[i]; err != nil {
			t.Errorf("append %d: %v", i, err)
		}
		if err := <-bad[i]; !errors.Is(err, eventstore.ErrConflict) {
			t.Errorf("append %d with a wrong expectation: %v", i, err)
		}
	}
	if err := s.Close(); err != nil { // which waits for the writer, whose variable commits is
		t.Fatal(err)
	}
	if commits != 2 { // that of the append which stalled, and one for all others
		t.Errorf("%d commits, want 2", commits)
	}
}

// TestConflictOfAFailedTransactionIsNotTold: what an append conflicted with may have been undone with the transaction.
func TestConflictOfAFailedTransactionIsNotTold(t *testing.T) {
	s := open(t, newPath(t), sqlstore.Options{})
	release := stall(t, s)
	answers := []<-chan error{}
	for range 5 { // the first wins, the others conflict with it
		answers = append(answers, appending(t, s, "stream", eventstore.NoStream(), 2000))
	}
	mend := fillUp(t, s) // holds for the transactions that begin after the stalled one
	release()
	for i, answer := range answers {
		if err := <-answer; !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrConflict) {
			t.Errorf("append %d: %v, want that the store is unavailable", i, err)
		}
	}
	mend()
	if err := <-appending(t, s, "stream", eventstore.NoStream(), 1); err != nil {
		t.Errorf("append when there is room: %v", err)
	}
}

// TestFailedTransactionIsForgotten: an append that was undone with the failure of another one can be made again.
func TestFailedTransactionIsForgotten(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := open(t, newPath(t), sqlstore.Options{Registerer: registry})
	release := stall(t, s)
	small := appending(t, s, "small", eventstore.NoStream(), 1)
	waitFor(t, func() bool { return metric(t, registry, "daybook_eventstore_appends_waiting") == 1 })
	large := appending(t, s, "large", eventstore.NoStream(), 5000)
	waitFor(t, func() bool { return metric(t, registry, "daybook_eventstore_appends_waiting") == 2 })
	mend := fillUp(t, s) // there is room for the small one alone
	release()
	for _, answer := range []<-chan error{small, large} {
		if err := <-answer; !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("append: %v, want that the store is unavailable", err)
		}
	}
	mend()
	for _, stream := range []string{"small", "large"} {
		if err := <-appending(t, s, stream, eventstore.NoStream(), 1); err != nil {
			t.Errorf("append to %s again: %v", stream, err)
		}
	}
}

// TestUnsettledOutcomeIsNotRead keeps a failed commit from being settled: until it is, the stream is neither read nor
// written, and then everything goes on by itself.
func TestUnsettledOutcomeIsNotRead(t *testing.T) {
	s := open(t, newPath(t), sqlstore.Options{})
	if err := <-appending(t, s, "stream", eventstore.NoStream(), 1); err != nil {
		t.Fatal(err)
	}
	s.BeforeSettling(func() error { return errors.New("fault on purpose") })
	loseOutcome(t, s, true)
	if err := <-appending(t, s, "stream", eventstore.At(0), 1); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append: %v, want that its outcome is unknown", err)
	}
	for _, err := range s.ReadStream(t.Context(), "stream", 0) {
		if !errors.Is(err, eventstore.ErrUnavailable) {
			t.Errorf("read: %v, want that the store is unavailable", err)
		}
	}
	if err := <-appending(t, s, "other", eventstore.Any(), 1); !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append: %v, want that the store is unavailable", err)
	}
	s.BeforeSettling(nil)
	waitFor(t, func() bool { // for the writer to settle by itself
		for _, err := range s.ReadStream(t.Context(), "stream", 0) {
			return err == nil
		}
		return false
	})
	if n := count(t, s); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}

func TestWaitingBytesAreBounded(t *testing.T) {
	s := open(t, newPath(t), sqlstore.Options{Limits: rowlog.Limits{MaxAppendBytes: 1 << 20}})
	release := stall(t, s)
	answers := make(chan error)
	const appends = 6 // of 1 MiB each, of which four may wait
	for range appends {
		go func() {
			_, err := s.Append(t.Context(), "stream", eventstore.Any(), []eventstore.Record{
				{Type: "Big", Data: make([]byte, 1<<20-100)},
			})
			answers <- err
		}()
	}
	for range appends - 4 {
		if err := <-answers; !errors.Is(err, eventstore.ErrOverloaded) {
			t.Errorf("append: %v, want that the store is overloaded", err)
		}
	}
	release()
	for range 4 {
		if err := <-answers; err != nil {
			t.Errorf("append: %v", err)
		}
	}
}

// TestLogIsEmptiedWhileReadersAreSlow: a reader that stays in the middle of its loop does not keep the write-ahead log
// from being copied into the file.
func TestLogIsEmptiedWhileReadersAreSlow(t *testing.T) {
	path := newPath(t)
	s := open(t, path, sqlstore.Options{})
	for range 20 {
		if err := <-appending(t, s, "stream", eventstore.Any(), 2000); err != nil {
			t.Fatal(err)
		}
	}
	for range s.ReadAll(t.Context(), eventstore.Start) {
		var busy, logged, copied int
		err := database(t, path).QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &logged, &copied)
		if err != nil || busy != 0 || logged != 0 {
			t.Errorf("the log has %d pages left (busy %d): %v", logged, busy, err)
		}
		break
	}
}

func TestMetricsCountWhatHappened(t *testing.T) {
	registry := prometheus.NewRegistry()
	path := newPath(t)
	s := open(t, path, sqlstore.Options{Registerer: registry})
	for i, expected := range []eventstore.Expected{eventstore.NoStream(), eventstore.At(2), eventstore.At(0)} {
		if err := <-appending(t, s, "stream", expected, 3); (err != nil) != (i == 2) {
			t.Fatal(err)
		}
	}
	if got := metric(t, registry, "daybook_eventstore_records_total"); got != 6 {
		t.Errorf("%v records were counted, want 6", got)
	}
	if got := metric(t, registry, "daybook_eventstore_appends_total"); got != 3 { // of all outcomes
		t.Errorf("%v appends were counted, want 3", got)
	}
	if _, err := sqlstore.Open(t.Context(), newPath(t), sqlstore.Options{Registerer: registry}); err == nil {
		t.Error("a second store took the same metrics")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, sqlstore.Options{Registerer: registry}) // the metrics are free again
}

// metric adds up the counters or gauges of a name.
func metric(t *testing.T, registry *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// waitFor looks until something has come about that gives no signal.
func waitFor(t *testing.T, come func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !come(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}
