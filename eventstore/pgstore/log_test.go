package pgstore_test

import (
	"iter"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

func openLog(t *testing.T, database string) *pgstore.Log {
	t.Helper()
	l, err := pgstore.OpenLog(t.Context(), database, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// chunks takes chunks apart, and tells how many were damaged.
func chunks(t *testing.T, pages iter.Seq2[[]eventstore.Chunk, error]) (all []eventstore.Recorded, damaged int) {
	t.Helper()
	for page, err := range pages {
		if err != nil {
			t.Fatal(err)
		}
		for _, chunk := range page {
			if all, err = chunk.Open(all); err != nil {
				damaged++
			}
		}
	}
	return all, damaged
}

// TestALogHasWhatItsStoreHas reads it beside the store that writes it, sound and damaged.
func TestALogHasWhatItsStoreHas(t *testing.T) {
	database := pgtest.Database(t)
	s := open(t, database, pgstore.Options{})
	l := openLog(t, database)
	equal(t, "the identity", l.ID(), s.ID())
	for i, n := range []int{1, 2500, 3, 1, 40} {
		records := some(n)
		records[0].Data = make([]byte, i<<19)
		if _, err := s.Append(t.Context(), []string{"a", "b"}[i%2], eventstore.Any(), records); err != nil {
			t.Fatal(err)
		}
	}
	var want, ofA []eventstore.Recorded
	for r, err := range s.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
		if r.Stream == "a" {
			ofA = append(ofA, r)
		}
	}
	got, damaged := chunks(t, l.All(t.Context(), eventstore.Start))
	equal(t, "damaged", damaged, 0)
	same(t, got, want)
	got, _ = chunks(t, l.All(t.Context(), want[0].Position))
	same(t, got, want[1:])
	got, _ = chunks(t, l.Stream(t.Context(), "a", 0))
	same(t, got, ofA)
	got, _ = chunks(t, l.Stream(t.Context(), "a", 1))
	same(t, got, ofA[1:])

	pgtest.Execute(t, database, `UPDATE eventstore.appends SET payload = set_byte(payload, 40, 255 - get_byte(payload, 40))
		WHERE stream = 'a' AND first_revision = 0`)
	got, damaged = chunks(t, l.All(t.Context(), eventstore.Start))
	equal(t, "damaged", damaged, 1)
	equal(t, "records, that of the damaged row included", len(got), len(want))
}

func same(t *testing.T, got, want []eventstore.Recorded) {
	t.Helper()
	equal(t, "records", len(got), len(want))
	for i := range got {
		if got[i].Position != want[i].Position || got[i].Stream != want[i].Stream ||
			got[i].Revision != want[i].Revision || string(got[i].Data) != string(want[i].Data) {
			t.Fatalf("record %d differs", i)
		}
	}
}

func TestALogIsNotMade(t *testing.T) {
	database := pgtest.Database(t)
	for range 2 {
		if _, err := pgstore.OpenLog(t.Context(), database, ""); err == nil || !strings.Contains(err.Error(), "version 0") {
			t.Errorf("open: %v", err)
		}
	}
}

// TestAnotherLogThanIsWanted is refused, and nothing is made where there is none.
func TestAnotherLogThanIsWanted(t *testing.T) {
	database, empty := pgtest.Database(t), pgtest.Database(t)
	id := open(t, database, pgstore.Options{}).ID()
	equal(t, "the identity", open(t, database, pgstore.Options{ID: id}).ID(), id)
	const other = "018f0000-0000-7000-8000-000000000000"
	for url, want := range map[string]string{database: "there is the event store " + id, empty: "there is no event store"} {
		if _, err := pgstore.Open(t.Context(), url, pgstore.Options{ID: other}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open: %v, want %q", err, want)
		}
	}
	if _, err := pgstore.OpenLog(t.Context(), database, other); err == nil || !strings.Contains(err.Error(), "there is the event store "+id) {
		t.Errorf("open the log: %v", err)
	}
	if _, err := pgstore.OpenLog(t.Context(), empty, ""); err == nil || !strings.Contains(err.Error(), "version 0") {
		t.Errorf("the empty database: %v", err)
	}
}
