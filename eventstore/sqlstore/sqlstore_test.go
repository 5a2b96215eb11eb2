package sqlstore_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

func harness() storetest.Harness {
	// Subscriptions must not need the poll, but for what another handle appends.
	first := sqlstore.Options{Limits: rowlog.Limits{MaxAppendBytes: 4 << 20, MaxWaiting: 32, PollInterval: time.Hour}}
	further := first
	further.PollInterval = time.Millisecond
	paths := map[eventstore.Store]string{}
	openAt := func(t testing.TB, path string, options sqlstore.Options) eventstore.Store {
		s := open(t, path, options)
		paths[s] = path
		return s
	}
	return storetest.Harness{
		New:    func(t testing.TB) eventstore.Store { return openAt(t, newPath(t), first) },
		Reopen: func(t testing.TB, s eventstore.Store) eventstore.Store { return openAt(t, paths[s], further) },
		Capabilities: storetest.Capabilities{
			Shared:      true,
			MaxWaiting:  first.MaxWaiting,
			Stall:       stall,
			FillUp:      fillUp,
			LoseOutcome: loseOutcome,
			Damage: func(t testing.TB, s eventstore.Store, stream string) {
				alter(t, paths[s], `UPDATE appends SET payload = CAST(substr(payload, 1, length(payload) - 9) || x'00'
					|| substr(payload, length(payload) - 7) AS BLOB) WHERE position = (SELECT max(position) FROM appends
					JOIN streams USING (stream_id) WHERE name = ?)`, stream)
			},
		},
	}
}

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "events.db") }

func open(t testing.TB, path string, options sqlstore.Options) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// stall keeps the writer at the beginning of a transaction.
func stall(t testing.TB, s eventstore.Store) (release func()) {
	t.Helper()
	arrived, released, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	s.(*sqlstore.Store).BeforeTransactions(func(func(string) error) {
		select {
		case <-arrived:
		default:
			close(arrived)
		}
		<-released
	})
	go func() {
		_, err := s.Append(t.Context(), "stall", eventstore.Any(), []eventstore.Record{{Type: "Stalled"}})
		done <- err
	}()
	<-arrived
	return func() {
		close(released)
		if err := <-done; err != nil {
			t.Errorf("the append that stalled: %v", err)
		}
	}
}

// fillUp lets the file grow no more.
func fillUp(t testing.TB, s eventstore.Store) (mend func()) {
	t.Helper()
	limit := func(statement string) func(func(string) error) {
		return func(exec func(string) error) {
			if err := exec(statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	store := s.(*sqlstore.Store)
	store.BeforeTransactions(limit("PRAGMA max_page_count = 1")) // which SQLite raises to what there is
	return func() { store.BeforeTransactions(limit("PRAGMA max_page_count = 4294967294")) }
}

// loseOutcome makes the next commit fail, before or after it was carried out.
func loseOutcome(t testing.TB, s eventstore.Store, written bool) {
	t.Helper()
	store := s.(*sqlstore.Store)
	store.InsteadOfCommit(func(commit, rollback func() error) error {
		store.InsteadOfCommit(nil)
		end := rollback
		if written {
			end = commit
		}
		return errors.Join(errors.New("fault on purpose"), end())
	})
}

// alter changes the file of a store by SQL, as nobody should.
func alter(t testing.TB, path, statement string, args ...any) {
	t.Helper()
	db, err := sqlx.Open("sqlite", "file:"+path+"?mode=rw&_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.ExecContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%s: changed %d rows (%v), want 1", statement, n, err)
	}
}

func some(n int) []eventstore.Record {
	rs := make([]eventstore.Record, n)
	for i := range rs {
		rs[i] = eventstore.Record{
			ID: eventstore.ID{byte(i)}, Type: "Happened", Data: fmt.Appendf(nil, "data %d", i), Metadata: []byte("metadata"),
		}
	}
	return rs
}

func TestHeadsAreWhereStreamsEnd(t *testing.T) {
	s := open(t, newPath(t), sqlstore.Options{})
	want := map[string]eventstore.Revision{"a": 0, "b": 2499, "c": 4} // b has several rows
	for stream, last := range want {
		if _, err := s.Append(t.Context(), stream, eventstore.NoStream(), some(int(last)+1)); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]eventstore.Revision{}
	for head, err := range s.Heads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got[head.Stream] = head.Last
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for range s.Heads(t.Context()) {
		break // which releases what it holds
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.Heads(t.Context()) {
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("of a closed store: %v", err)
		}
	}
}
