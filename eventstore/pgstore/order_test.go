package pgstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// begin makes an append in a transaction that stays open: one that another process has on its way.
func begin(t *testing.T, database, stream string) pgx.Tx {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	part := rowlog.Encode(some(1))[0]
	part.Seal(stream, 0)
	var position int64
	err = tx.QueryRow(t.Context(), `SELECT written FROM eventstore.append($1, -1, $2, $3)`,
		stream, []int32{1}, [][]byte{part.Payload}).Scan(&position)
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func mustAppend(t *testing.T, s eventstore.Store, stream string) {
	t.Helper()
	if _, err := s.Append(t.Context(), stream, eventstore.NoStream(), some(1)); err != nil {
		t.Fatal(err)
	}
}

func streamsIn(t *testing.T, s eventstore.Store) (names []string) {
	t.Helper()
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, r.Stream)
	}
	return names
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// TestAppendsOnTheirWayAreNotPassedOver holds an append open: others are written meanwhile, and readers of the log see
// nothing that comes after its place until it has ended.
func TestAppendsOnTheirWayAreNotPassedOver(t *testing.T) {
	// Whatever isolation the database has as a rule.
	for _, isolation := range []string{"read committed", "repeatable read", "serializable"} {
		for _, commits := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, commits %t", isolation, commits), func(t *testing.T) {
				database := pgtest.Database(t)
				isolate(t, database, isolation)
				s := open(t, database, pgstore.Options{Limits: rowlog.Limits{PollInterval: never}})
				mustAppend(t, s, "first")
				slow := begin(t, database, "slow")
				mustAppend(t, s, "second") // neither waits for the one that is on its way
				mustAppend(t, s, "third")
				equal(t, "while one is on its way", streamsIn(t, s), "[first]")

				want := []string{"first", "second", "third"}
				end := slow.Rollback
				if commits {
					want = []string{"first", "slow", "second", "third"}
					end = slow.Commit
				}
				live := follow(t, s)
				equal(t, "the subscription begins", next(t, live).Stream, "first")
				if err := end(t.Context()); err != nil {
					t.Fatal(err)
				}
				for _, stream := range want[1:] {
					equal(t, "the subscription goes on", next(t, live).Stream, stream)
				}
				equal(t, "when it has ended", streamsIn(t, s), want)
			})
		}
	}
}

// isolate sets the isolation level that a database has as a rule.
func isolate(t *testing.T, database, level string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Execute(t, database, fmt.Sprintf(`ALTER DATABASE %s SET default_transaction_isolation = %q`, u.Path[1:], level))
}

// next waits for what a subscription yields.
func next(t *testing.T, records <-chan eventstore.Recorded) eventstore.Recorded {
	t.Helper()
	select {
	case r := <-records:
		return r
	case <-time.After(time.Minute):
		t.Fatal("the subscription yields nothing")
		return eventstore.Recorded{}
	}
}

// follow gives what a subscription yields, until the test ends.
func follow(t *testing.T, s eventstore.Store) <-chan eventstore.Recorded {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	records := make(chan eventstore.Recorded)
	var ended sync.WaitGroup
	ended.Go(func() {
		for r, err := range s.Subscribe(ctx, eventstore.Start) {
			if err != nil {
				if ctx.Err() == nil {
					t.Errorf("subscription: %v", err)
				}
				close(records)
				return
			}
			select {
			case records <- r:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
	return records
}

// TestWritersOfOneStreamAreFenced: the second of two that believe in the same end of a stream is refused when the
// first has committed, and not before.
func TestWritersOfOneStreamAreFenced(t *testing.T) {
	database := pgtest.Database(t)
	isolate(t, database, "serializable") // as a rule, and no matter here
	s := open(t, database, pgstore.Options{})
	first := begin(t, database, "stream")
	answer := make(chan error, 1)
	go func() {
		_, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(3))
		answer <- err
	}()
	awaitBlocked(t, database, 1)
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var conflict *eventstore.ConflictError
	if err := <-answer; !errors.As(err, &conflict) || !conflict.Exists || conflict.Actual != 0 {
		t.Errorf("append: %v, want a conflict at revision 0", err)
	}
	equal(t, "the log", streamsIn(t, s), "[stream]")
}

// awaitBlocked returns when so many statements of the database wait for others.
func awaitBlocked(t *testing.T, database string, statements int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for blocked := 0; blocked < statements; {
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`).Scan(&blocked)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestManyWritersAndReaders has two processes append to streams of their own and to ones that they contend for, with
// aborted appends in between; each of several subscriptions sees every record once and in order, as the log has it in the
// end.
func TestManyWritersAndReaders(t *testing.T) {
	database := pgtest.Database(t)
	unasked := pgstore.Options{Limits: rowlog.Limits{PollInterval: never}}
	stores := []*pgstore.Store{open(t, database, unasked), open(t, database, unasked)}
	const writers, appends = 12, 30
	var live []<-chan eventstore.Recorded
	for _, s := range stores {
		live = append(live, follow(t, s), follow(t, s))
	}
	var group sync.WaitGroup
	written := make(chan int, 2*writers*appends)
	for w := range writers {
		s := stores[w%2]
		group.Go(func() {
			expected := eventstore.NoStream()
			for i := range appends {
				appended, err := s.Append(t.Context(), fmt.Sprint("own-", w), expected, some(1+i%3))
				if err != nil {
					t.Errorf("append: %v", err)
					return
				}
				expected = eventstore.At(appended.Last)
				written <- 1 + i%3
				if _, err := s.Append(t.Context(), fmt.Sprint("shared-", i), eventstore.NoStream(), some(1)); err == nil {
					written <- 1
				} else if !errors.Is(err, eventstore.ErrConflict) {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	for i := range 5 {
		group.Go(func() {
			if err := begin(t, database, fmt.Sprint("aborted-", i)).Rollback(t.Context()); err != nil {
				t.Errorf("roll back: %v", err)
			}
		})
	}
	group.Wait()
	close(written)
	total := 0
	for n := range written {
		total += n
	}
	var all []eventstore.Recorded
	for r, err := range stores[0].ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	equal(t, "records in the log", len(all), total)
	for i, records := range live {
		for _, want := range all {
			if got := next(t, records); got.Position != want.Position || got.Stream != want.Stream || got.Revision != want.Revision {
				t.Fatalf("subscription %d: %s %d at %s, want %s %d at %s",
					i, got.Stream, got.Revision, got.Position, want.Stream, want.Revision, want.Position)
			}
		}
	}
}
