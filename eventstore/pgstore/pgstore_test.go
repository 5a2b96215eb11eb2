package pgstore_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestStore(t *testing.T) { storetest.Run(t, harness()) }

// never is a poll interval that no test lives to see: subscriptions must not need to look.
const never = time.Hour

func harness() storetest.Harness {
	options := pgstore.Options{Limits: rowlog.Limits{MaxAppendBytes: 4 << 20, MaxWaiting: 32, PollInterval: never}}
	urls, lines := map[eventstore.Store]string{}, map[eventstore.Store]*pgstore.Line{}
	openAt := func(t testing.TB, url string) eventstore.Store {
		s, line := pgstore.OpenThrough(t, url, options)
		closing(t, s)
		urls[s], lines[s] = url, line
		return s
	}
	return storetest.Harness{
		New:    func(t testing.TB) eventstore.Store { return openAt(t, pgtest.Database(t)) },
		Reopen: func(t testing.TB, s eventstore.Store) eventstore.Store { return openAt(t, urls[s]) },
		Capabilities: storetest.Capabilities{
			Shared:     true,
			MaxWaiting: options.MaxWaiting,
			Stall: func(t testing.TB, s eventstore.Store) func() {
				return s.(*pgstore.Store).TakeConnections(t)
			},
			FillUp:      func(t testing.TB, s eventstore.Store) func() { return fillUp(t, urls[s]) },
			LoseOutcome: func(_ testing.TB, s eventstore.Store, written bool) { lines[s].Cut(written) },
			Damage: func(t testing.TB, s eventstore.Store, stream string) {
				pgtest.Execute(t, urls[s], `UPDATE eventstore.appends
					SET payload = set_byte(payload, octet_length(payload) - 9, 255 - get_byte(payload, octet_length(payload) - 9))
					WHERE position = (SELECT max(position) FROM eventstore.appends WHERE stream = $1)`, stream)
			},
		},
	}
}

// fillUp has the database say what it says when its disk is full.
func fillUp(t testing.TB, url string) (mend func()) {
	t.Helper()
	pgtest.Execute(t, url, `
		CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
		CREATE TRIGGER full_disk AFTER INSERT ON eventstore.appends FOR EACH ROW EXECUTE FUNCTION full_disk()`)
	return func() { pgtest.Execute(t, url, `DROP TRIGGER full_disk ON eventstore.appends`) }
}

func open(t testing.TB, url string, options pgstore.Options) *pgstore.Store {
	t.Helper()
	s, err := pgstore.Open(t.Context(), url, options)
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, s)
}

func closing(t testing.TB, s *pgstore.Store) *pgstore.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
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
