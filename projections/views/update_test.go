package views

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/projections/viewstest"
)

func open(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func ledgers(t *testing.T, db *DB) (count int) {
	t.Helper()
	if err := db.Reader().Get(&count, `SELECT count(*) FROM ledger_ids`); err != nil {
		t.Fatal(err)
	}
	return count
}

func addLedger(name string) func(tx *Tx) error {
	return func(tx *Tx) error {
		_, err := NewIDs().Ledger(tx, name)
		return err
	}
}

func TestCommitThatFailsLeavesNothing(t *testing.T) {
	db := open(t, viewstest.Place(t))
	// A foreign key that is looked at when the transaction commits is a way to make just the commit fail.
	if !viewstest.InPostgreSQL(t) {
		if _, err := db.writer.ExecContext(t.Context(), `PRAGMA foreign_keys = ON`); err != nil {
			t.Fatal(err)
		}
	}
	err := db.Update(t.Context(), func(tx *Tx) error {
		return tx.Define(`CREATE TABLE child (of BIGINT REFERENCES ledger_ids (ledger_id) DEFERRABLE INITIALLY DEFERRED)`)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *Tx) error {
		if err := addLedger("books")(tx); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO child VALUES (99)`)
		return err
	})
	if err == nil {
		t.Fatal("the commit did not fail")
	}
	if n := ledgers(t, db); n != 0 {
		t.Errorf("%d rows of a transaction whose commit failed", n)
	}
	if err := db.Update(t.Context(), addLedger("books")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestWorkThatFailsOrPanicsLeavesNothing(t *testing.T) {
	db := open(t, viewstest.Place(t))
	failure := errors.New("no")
	err := db.Update(t.Context(), func(tx *Tx) error { return errors.Join(addLedger("a")(tx), failure) })
	if !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = db.Update(t.Context(), func(tx *Tx) error {
			_ = addLedger("b")(tx)
			panic("no")
		})
	}()
	if n := ledgers(t, db); n != 0 {
		t.Errorf("%d rows", n)
	}
	if err := db.Update(t.Context(), addLedger("c")); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestAnotherProcessThatWritesIsWaitedFor(t *testing.T) {
	path := viewstest.Place(t)
	first, second := open(t, path), open(t, path)
	done := make(chan error, 1)
	err := first.Update(t.Context(), func(tx *Tx) error {
		ended, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		defer cancel()
		if err := second.Update(ended, addLedger("never")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it did not wait: %v", err)
		}
		go func() { done <- second.Update(context.Background(), addLedger("b")) }()
		return addLedger("a")(tx)
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	if n := ledgers(t, first); n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestCheckpointMovesByCompareAndSet(t *testing.T) {
	db := open(t, viewstest.Place(t))
	generation := Generation{Projection: "p", Number: 1}
	for _, step := range []struct {
		from, to uint64
		want     error
	}{
		{0, 3, nil},
		{0, 3, ErrOvertaken},
		{2, 5, ErrOvertaken},
		{3, 5, nil},
		{3, 5, ErrOvertaken},
	} {
		err := db.Update(t.Context(), func(tx *Tx) error { return tx.Advance(generation, 1, step.from, step.to) })
		if !errors.Is(err, step.want) {
			t.Errorf("from %d to %d: %v, want %v", step.from, step.to, err, step.want)
		}
	}
}

func TestNumbersSurviveAndAreNotGivenTwice(t *testing.T) {
	path := viewstest.Place(t)
	first, second := open(t, path), open(t, path)
	number := func(db *DB, ids *IDs, addresses ...string) []int64 {
		numbers := make([]int64, len(addresses))
		err := db.Update(t.Context(), func(tx *Tx) error {
			ids.Turn()
			ledgerID, err := ids.Ledger(tx, "books")
			if err != nil {
				return err
			}
			keys := make([]AccountKey, len(addresses))
			for i, address := range addresses {
				keys[i] = AccountKey{ledgerID, address}
			}
			return ids.Accounts(tx, keys, numbers)
		})
		if err != nil {
			t.Fatal(err)
		}
		return numbers
	}
	mine, others := NewIDs(), NewIDs()
	a := number(first, mine, "a", "b", "a")
	b := number(second, others, "c", "b")
	c := number(first, mine, "d", "c", "b", "a")
	if a[0] != a[2] || b[1] != a[1] || c[1] != b[0] || c[2] != a[1] || c[3] != a[0] {
		t.Errorf("the same account has two numbers: %v %v %v", a, b, c)
	}
	if a[0] == a[1] || b[0] == a[0] || c[0] == b[0] || c[0] == a[1] {
		t.Errorf("two accounts have the same number: %v %v %v", a, b, c)
	}
}
