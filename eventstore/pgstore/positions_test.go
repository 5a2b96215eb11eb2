package pgstore_test

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// TestNoPositionIsToldBeforeItIsGiven: readers and marks rest on the last position that was given. A larger one, told while
// others take positions, has readers pass over what is on its way to a place in between. It shows as a number that is taken back.
func TestNoPositionIsToldBeforeItIsGiven(t *testing.T) {
	database := pgtest.Database(t)
	open(t, database, pgstore.Options{})
	taking, stop := context.WithCancel(t.Context())
	var taker sync.WaitGroup
	taker.Go(func() {
		// What is set has the next position that is taken written to the log, as one in 33 is otherwise.
		_, err := execute(taking, database, `DO $$ BEGIN
			LOOP PERFORM setval('eventstore.positions', nextval('eventstore.positions')); END LOOP; END $$`)
		if taking.Err() == nil {
			t.Errorf("take positions: %v", err)
		}
	})
	_, err := execute(t.Context(), database, `DO $$
		DECLARE before bigint := 0; told bigint;
		BEGIN
			FOR i IN 1 .. 400000 LOOP
				told := eventstore.given();
				IF told < before THEN RAISE '% was told, and then %', before, told; END IF;
				before := told;
			END LOOP;
		END $$`)
	if err != nil {
		t.Error(err)
	}
	stop()
	taker.Wait()
	if last := ask(t, database, `SELECT eventstore.given()::text`); len(last) < 4 {
		t.Errorf("only %s positions were taken meanwhile", last)
	}
}

// execute runs a statement on a connection of its own.
func execute(ctx context.Context, database, statement string) (pgconn.CommandTag, error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer conn.Close(ctx)
	return conn.Exec(ctx, statement)
}

// TestAppendsWaitForTheDisk whatever the database and the session say. What is in force at the commit is seen by a trigger that
// is put off until then.
func TestAppendsWaitForTheDisk(t *testing.T) {
	for said, want := range map[string]string{"off": "on", "on": "on", "local": "local", "remote_apply": "remote_apply"} {
		t.Run(said, func(t *testing.T) {
			database := pgtest.Database(t)
			s := open(t, database+"&synchronous_commit="+said, pgstore.Options{})
			pgtest.Execute(t, database, `
				CREATE TABLE seen (setting text);
				CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
					BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
				CREATE CONSTRAINT TRIGGER see AFTER INSERT ON eventstore.appends
					DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see()`)
			mustAppend(t, s, "stream")
			equal(t, "at the commit", ask(t, database, `SELECT string_agg(setting, ',') FROM seen`), want)
		})
	}
}

// ask gives the one text that a statement answers with.
func ask(t *testing.T, database, statement string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), statement).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestTablesOfTheFirstVersionAreBroughtUpToDate with what they hold, and go on where they ended.
func TestTablesOfTheFirstVersionAreBroughtUpToDate(t *testing.T) {
	database := pgtest.Database(t)
	first, err := os.ReadFile("schema/001.sql")
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Execute(t, database, `CREATE SCHEMA eventstore; CREATE TABLE eventstore.version AS SELECT 1 AS version`)
	pgtest.Execute(t, database, string(first))
	if err := begin(t, database, "old").Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := pgstore.OpenLog(t.Context(), database, ""); err == nil || !strings.Contains(err.Error(), "version 1") {
		t.Errorf("open the log: %v, want that it is of an earlier version", err)
	}
	s := open(t, database, pgstore.Options{})
	mustAppend(t, s, "new")
	if _, err := s.Append(t.Context(), "old", eventstore.At(0), some(2)); err != nil {
		t.Error(err)
	}
	equal(t, "the log", streamsIn(t, s), "[old new old old]")
	equal(t, "the version", ask(t, database, `SELECT version::text FROM eventstore.version`), "2")
}
