package views

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestOnPostgreSQL(t *testing.T) {
	viewstest.OnPostgreSQL(t,
		TestChangesTheLastOfEachRowCounts, TestChangeOfAMissingRowFails, TestDelete,
		TestCommitThatFailsLeavesNothing, TestWorkThatFailsOrPanicsLeavesNothing, TestAnotherProcessThatWritesIsWaitedFor,
		TestCheckpointMovesByCompareAndSet, TestNumbersSurviveAndAreNotGivenTwice,
		TestEveryTextComesBack, TestRowsAreNumberedOnFromTheLargest, TestManyOpenAtOnce, TestReadersCannotWrite, aReaderSeesOneStateAcrossASwap,
	)
}

// Texts are any valid UTF-8, and integers are given for the texts of their digits.
func TestEveryTextComesBack(t *testing.T) {
	db, table := shelf(t)
	texts := []any{
		"", "a\x00b", "\x00", "\x01", "\x010", "\x011", "\x00\x01\x00", "\x1f \t\r\n\"'\\\\N", "Größe 👛 \u2028", strings.Repeat("\x00", 2048),
		strings.Repeat("x", 70_000), int64(-7), nil,
	}
	for _, bulk := range []Bulk{Insert("books_1", table.Names()), Replace("books_1", table.Names())} {
		for _, copies := range []int64{1, 20} { // some rows are written by another way than many
			var values []any
			for copied := range copies {
				for i, text := range texts {
					values = append(values, 100+copied, fmt.Sprint("t", i), text)
				}
			}
			err := db.Update(t.Context(), func(tx *Tx) error {
				if _, err := tx.Exec(`DELETE FROM books_1 WHERE shelf >= 100`); err != nil {
					return err
				}
				return bulk.Write(tx, values)
			})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range texts {
				var got []sql.NullString
				query := db.Reader().Rebind(`SELECT state FROM books WHERE title = ? AND shelf >= 100`)
				if err := db.Reader().Select(&got, query, fmt.Sprint("t", i)); err != nil {
					t.Fatal(err)
				}
				var found int
				if err := db.Reader().Get(&found, db.Reader().Rebind(`SELECT count(*) FROM books WHERE state = ?`), fmt.Sprint(want)); err != nil {
					t.Fatal(err)
				}
				if want != nil && found != int(copies) {
					t.Errorf("%q is found %d times, not %d", want, found, copies)
				}
				if int64(len(got)) != copies || got[0].Valid != (want != nil) || want != nil && got[0].String != fmt.Sprint(want) {
					t.Errorf("%d times %q, of %q", len(got), got[0].String, want)
				}
			}
		}
	}
}

func TestRowsAreNumberedOnFromTheLargest(t *testing.T) {
	table := Table{
		Name: "lines", Columns: []Column{{Name: "line", Type: "INTEGER NOT NULL"}, {Name: "text", Type: "TEXT"}},
		Key: []string{"line"}, RowID: true,
	}
	db := open(t, viewstest.Place(t))
	insert := Insert("lines_1", []string{"text"})
	add := func(rows int, fail error) {
		t.Helper()
		err := db.Update(t.Context(), func(tx *Tx) error {
			for range 2 {
				if err := insert.Write(tx, make([]any, rows)); err != nil {
					return err
				}
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	err := db.Update(t.Context(), func(tx *Tx) error {
		return tx.CreateMissing([]Model{{Name: "lines", Version: 1, Tables: []Table{table}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("no")
	for _, rows := range []int{1, 3, 70} {
		add(rows, failure)
		add(rows, nil)
	}
	var got struct{ Least, Largest, Count int }
	if err := db.Reader().Get(&got, `SELECT min(line) AS least, max(line) AS largest, count(*) AS count FROM lines`); err != nil {
		t.Fatal(err)
	}
	if got.Least != 1 || got.Largest != 148 || got.Count != 148 {
		t.Errorf("got %+v", got)
	}
}

// Processes that start together find or make the same tables.
func TestManyOpenAtOnce(t *testing.T) {
	place := viewstest.Place(t)
	const processes = 6
	ended := make(chan error, processes)
	for range processes {
		go func() {
			db, err := Open(context.Background(), place)
			if err == nil {
				err = errors.Join(db.Update(context.Background(), func(tx *Tx) error {
					return tx.CreateMissing([]Model{{Name: "books", Version: 1}})
				}), db.Close())
			}
			ended <- err
		}()
	}
	for range processes {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// aReaderSeesOneStateAcrossASwap: one that began before a swap sees to its end what was live then, even what it asks for the first time; the swap waits.
func aReaderSeesOneStateAcrossASwap(t *testing.T) {
	db, table := shelf(t)
	model := Model{Name: "books", Version: 1, Tables: []Table{table}}
	reader, err := db.View(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	swapped := make(chan error, 1)
	locking := make(chan struct{})
	go func() {
		swapped <- db.Update(context.Background(), func(tx *Tx) error {
			next, err := tx.CreateGeneration(model)
			if err != nil {
				return err
			}
			if err := Insert("books_2", table.Names()).Write(tx, []any{int64(9), "z", "new"}); err != nil {
				return err
			}
			close(locking)
			return tx.GoLive(model, next)
		})
	}()
	<-locking
	read := func(of sqlx.Queryer) string {
		t.Helper()
		var titles []string
		if err := sqlx.Select(of, &titles, `SELECT title FROM books ORDER BY shelf, title`); err != nil {
			t.Fatal(err)
		}
		return strings.Join(titles, " ")
	}
	if got := read(reader); got != "a b a" {
		t.Errorf("during the swap the reader sees %q", got)
	}
	select {
	case err := <-swapped:
		t.Fatalf("the swap did not wait: %v", err)
	default:
	}
	if err := reader.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-swapped; err != nil {
		t.Fatal(err)
	}
	if got := read(db.Reader()); got != "z" {
		t.Errorf("after the swap a reader sees %q", got)
	}
}

func TestADatabaseThatWasAwayIsWrittenToAgain(t *testing.T) {
	server := pgtest.Start(t)
	place := server.Database(t)
	db := open(t, place)
	if err := db.Update(t.Context(), addLedger("before")); err != nil {
		t.Fatal(err)
	}
	err := db.Update(t.Context(), func(tx *Tx) error {
		if err := addLedger("lost")(tx); err != nil {
			return err
		}
		server.Kill()
		_, err := tx.Exec(`SELECT 1`)
		return err
	})
	if !IsFault(err) {
		t.Errorf("during: %v", err)
	}
	if err := db.Update(t.Context(), addLedger("never")); !IsFault(err) {
		t.Errorf("while it is away: %v", err)
	}
	server.Restart(t)
	if err := db.Update(t.Context(), addLedger("after")); err != nil {
		t.Errorf("when it is back: %v", err)
	}
	var names []string
	if err := db.Reader().Select(&names, `SELECT name FROM ledger_ids ORDER BY name`); err != nil || names[0] != "after" || len(names) > 2 {
		t.Errorf("%v, %v", names, err) // "before" may be lost with the server's memory
	}
}

// A transaction in which a statement failed does not pass for committed, whatever its work says.
func TestATransactionThatFailedIsNotCommitted(t *testing.T) {
	db := open(t, pgtest.Database(t))
	err := db.Update(t.Context(), func(tx *Tx) error {
		_, _ = tx.Exec(`INSERT INTO ledger_ids (name) VALUES (NULL)`)
		return nil
	})
	if !errors.Is(err, errAborted) {
		t.Errorf("got %v", err)
	}
	if err := db.Update(t.Context(), addLedger("books")); err != nil {
		t.Errorf("the next: %v", err)
	}
}

// A lock that ends with its holder's connection ends a reservation too.
func TestBuildingIsReservedAsLongAsTheConnectionLasts(t *testing.T) {
	place := pgtest.Database(t)
	first, second := open(t, place), open(t, place)
	release, err := first.ReserveBuilding(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.ReserveBuilding(t.Context()); !errors.Is(err, ErrRebuilding) {
		t.Errorf("the second: %v", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for { // the server may take a moment to see that the connection ended
		release, err := second.ReserveBuilding(ctx)
		if err == nil {
			must(t, release())
			return
		}
		if !errors.Is(err, ErrRebuilding) {
			t.Fatal(err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A table that has grown is measured in the transaction that made it so, whether or not the server measures by itself.
func TestATableIsMeasuredAsItGrows(t *testing.T) {
	viewstest.OnPostgreSQL(t, aTableIsMeasuredAsItGrows)
}

func aTableIsMeasuredAsItGrows(t *testing.T) {
	db, table := shelf(t)
	titles := 3
	write := func(rows int) {
		t.Helper()
		var values []any
		for range rows {
			values = append(values, int64(100), fmt.Sprint("t", titles), nil)
			titles++
		}
		must(t, db.Update(t.Context(), func(tx *Tx) error { return Insert("books_1", table.Names()).Write(tx, values) }))
	}
	for _, grown := range [][]int{{measuredLeast}, {measuredLeast, 2*measuredLeast + 9}} {
		for _, rows := range grown {
			write(rows)
		}
		var measured int
		must(t, db.Reader().Get(&measured, `SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid = to_regclass('books_1')`))
		if measured != titles {
			t.Errorf("%d rows are measured, of %d", measured, titles)
		}
	}
}

// A table that another is just tidying up is not waited for: all other writers would wait too. Nor does one whose rows were taken
// back pass for measured.
func TestATableThatCouldNotBeMeasuredIsMeasuredLater(t *testing.T) {
	viewstest.OnPostgreSQL(t, aTableThatCouldNotBeMeasuredIsMeasuredLater)
}

func aTableThatCouldNotBeMeasuredIsMeasuredLater(t *testing.T) {
	db, table := shelf(t)
	titles := 3
	write := func(fail error) error {
		var values []any
		for i := range measuredLeast {
			values = append(values, int64(100), fmt.Sprint("t", titles+i), nil)
		}
		err := db.Update(context.Background(), func(tx *Tx) error {
			return errors.Join(Insert("books_1", table.Names()).Write(tx, values), fail)
		})
		if err == nil {
			titles += measuredLeast
		}
		return err
	}
	failure := errors.New("no")
	if err := write(failure); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	tidying, err := db.backend.(*postgreSQL).pool.Beginx()
	must(t, err)
	_, err = tidying.Exec(`LOCK TABLE books_1 IN SHARE UPDATE EXCLUSIVE MODE`) // as VACUUM does
	must(t, err)
	written := make(chan error, 1)
	go func() { written <- write(nil) }()
	select {
	case err := <-written:
		must(t, err)
	case <-time.After(time.Minute):
		t.Error("the write waits for the table to be measured")
		must(t, tidying.Rollback())
		must(t, <-written)
	}
	_ = tidying.Rollback()
	must(t, write(nil))
	var measured int
	must(t, db.Reader().Get(&measured, `SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE oid = to_regclass('books_1')`))
	if measured != titles {
		t.Errorf("%d rows are measured, of %d", measured, titles)
	}
}

// Whoever is suspended within a transaction, with its machine or its container, does not keep all others from writing for as
// long as that lasts. Its transaction is taken back, and it finds that out.
func TestAWriterThatIsSuspendedLosesItsTurn(t *testing.T) {
	place := pgtest.Database(t)
	var patience int64
	must(t, open(t, place).Update(t.Context(), func(tx *Tx) error {
		return tx.Query(`SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'`, nil, func(rows *sqlx.Rows) error {
			return rows.Scan(&patience)
		})
	}))
	if patience == 0 {
		t.Error("it may keep its turn for ever")
	}
	suspended, other := open(t, place+"&idle_in_transaction_session_timeout=500"), open(t, place)
	err := suspended.Update(t.Context(), func(tx *Tx) error {
		if err := addLedger("lost")(tx); err != nil {
			return err
		}
		if err := other.Update(t.Context(), addLedger("other")); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err == nil {
		t.Error("the transaction of the one who was suspended was committed")
	}
	if !IsFault(err) {
		t.Errorf("it is not told that the database was the cause: %v", err)
	}
	for err != nil && IsFault(err) { // on a machine with much to do it may happen again
		err = suspended.Update(t.Context(), addLedger("again"))
	}
	must(t, err)
	if n := ledgers(t, other); n != 2 {
		t.Errorf("%d ledgers", n)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db, _ := shelf(t)
	if _, err := db.Reader().Exec(`DELETE FROM books_1`); err == nil {
		t.Error("one who reads has written")
	}
	if got, want := states(t, db), "1a new, 1b new, 2a new"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
