package views

import (
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/projections/viewstest"
)

// shelf is a read model of one table, whose first generation has rows a and b of shelf 1 and a of shelf 2.
func shelf(t *testing.T) (*DB, Table) {
	t.Helper()
	table := Table{
		Name: "books",
		Columns: []Column{
			{Name: "shelf", Type: "INTEGER NOT NULL"}, {Name: "title", Type: "TEXT NOT NULL"}, {Name: "state", Type: "TEXT"},
		},
		Key: []string{"shelf", "title"},
	}
	db := open(t, viewstest.Place(t))
	err := db.Update(t.Context(), func(tx *Tx) error {
		if err := tx.CreateMissing([]Model{{Name: "books", Version: 1, Tables: []Table{table}}}); err != nil {
			return err
		}
		return Insert("books_1", table.Names()).Write(tx, []any{int64(1), "a", "new", int64(1), "b", "new", int64(2), "a", "new"})
	})
	if err != nil {
		t.Fatal(err)
	}
	return db, table
}

func states(t *testing.T, db *DB) string {
	t.Helper()
	var rows []string
	err := db.Reader().Select(&rows, `SELECT shelf || title || ' ' || coalesce(state, '-') FROM books ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(rows, ", ")
}

func TestChangesTheLastOfEachRowCounts(t *testing.T) {
	db, table := shelf(t)
	changes := NewChanges("books_1", table.Key, []string{"state"})
	changes.Set(int64(2), "a", "lost")
	changes.Reset() // and that is forgotten
	for range 2 {
		changes.Set(int64(1), "a", "read")
		changes.Set(int64(1), "b", "lent")
		changes.Set(int64(1), "a", nil)
		if err := db.Update(t.Context(), changes.Write); err != nil {
			t.Fatal(err)
		}
		if got, want := states(t, db), "1a -, 1b lent, 2a new"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestChangeOfAMissingRowFails(t *testing.T) {
	db, table := shelf(t)
	changes := NewChanges("books_1", table.Key, []string{"state"})
	changes.Set(int64(1), "a", "read")
	changes.Set(int64(3), "a", "read")
	if err := db.Update(t.Context(), changes.Write); err == nil {
		t.Error("a row that is not there was changed")
	}
	if got, want := states(t, db), "1a new, 1b new, 2a new"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := db.Update(t.Context(), changes.Write); err != nil {
		t.Errorf("what had failed was kept: %v", err)
	}
}

func TestDelete(t *testing.T) {
	db, table := shelf(t)
	remove := Delete("books_1", table.Key)
	write := func(values ...any) error {
		return db.Update(t.Context(), func(tx *Tx) error { return remove.Write(tx, values) })
	}
	if err := write(int64(1), "b", int64(2), "a"); err != nil {
		t.Fatal(err)
	}
	if got, want := states(t, db), "1a new"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := write(int64(1), "a", int64(1), "b"); err == nil {
		t.Error("a row that is not there was deleted")
	}
}

// Rows that change are looked up one by one; the table is never walked.
func TestChangesFindTheirRowsByTheKey(t *testing.T) {
	db, table := shelf(t)
	changes := NewChanges("books_1", table.Key, []string{"state"})
	for name, bulk := range map[string]Bulk{"change": changes.bulk, "delete": Delete("books_1", table.Key)} {
		var plan []struct {
			ID, Parent, Notused int
			Detail              string
		}
		if err := sqlx.SelectContext(t.Context(), db.writer, &plan, "EXPLAIN QUERY PLAN "+bulk.text); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, step := range plan {
			found = found || strings.Contains(step.Detail, "SEARCH books_1 USING PRIMARY KEY (shelf=? AND title=?)")
		}
		if !found {
			t.Errorf("%s: %+v", name, plan)
		}
	}
}
