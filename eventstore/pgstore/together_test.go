package pgstore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// together has appends to streams that do not exist wait until they go to the database together, and gives their answers to come.
func together(t *testing.T, s *pgstore.Store, streams ...string) (answers map[string]chan error) {
	t.Helper()
	release := s.TakeConnections(t)
	answers = map[string]chan error{}
	for i, stream := range streams {
		answer := make(chan error, 1)
		answers[stream] = answer
		go func() {
			appended, err := s.Append(t.Context(), stream, eventstore.NoStream(), some(i+1))
			if err == nil && appended.Last != eventstore.Revision(i) {
				err = fmt.Errorf("it ends at revision %d, not at %d", appended.Last, i)
			}
			answer <- err
		}()
		s.AwaitWaiting(t, i+1)
	}
	release()
	return answers
}

// TestCommitThatFails for one of those that are written together, as late as can be: the others are written.
func TestCommitThatFails(t *testing.T) {
	database := pgtest.Database(t)
	s := open(t, database, pgstore.Options{})
	pgtest.Execute(t, database, `
		CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN IF NEW.stream = 'b' THEN RAISE 'not this one'; END IF; RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON eventstore.appends
			DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`)
	answers := together(t, s, "a", "b", "c")
	if err := <-answers["b"]; !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append to b: %v, want that it cannot be written", err)
	}
	for _, stream := range []string{"a", "c"} {
		if err := <-answers[stream]; err != nil {
			t.Errorf("append to %s: %v", stream, err)
		}
	}
	for _, stream := range streamsIn(t, s) {
		if stream == "b" {
			t.Error("b was written")
		}
	}
}

// transactions is in how many transactions what is in the log was written.
func transactions(t *testing.T, database string) string {
	t.Helper()
	return ask(t, database, `SELECT count(DISTINCT xmin::text)::text FROM eventstore.appends`)
}

func TestWhatWaitsIsWrittenTogether(t *testing.T) {
	database := pgtest.Database(t)
	s := open(t, database, pgstore.Options{})
	for stream, answer := range together(t, s, "b", "a", "c") {
		if err := <-answer; err != nil {
			t.Errorf("append to %s: %v", stream, err)
		}
	}
	equal(t, "the log", streamsIn(t, s), "[a a b c c c]") //nolint:dupword // streams
	equal(t, "transactions", transactions(t, database), "1")
}

// TestConflictConcernsOneOfMany: the others are written.
func TestConflictConcernsOneOfMany(t *testing.T) {
	database := pgtest.Database(t)
	s := open(t, database, pgstore.Options{})
	mustAppend(t, s, "b")
	answers := together(t, s, "a", "b", "c")
	var conflict *eventstore.ConflictError
	if err := <-answers["b"]; !errors.As(err, &conflict) || conflict.Stream != "b" || !conflict.Exists || conflict.Actual != 0 {
		t.Errorf("append to b: %v, want a conflict at revision 0", err)
	}
	for _, stream := range []string{"a", "c"} {
		if err := <-answers[stream]; err != nil {
			t.Errorf("append to %s: %v", stream, err)
		}
	}
	equal(t, "the log", streamsIn(t, s), "[b a c c c]") //nolint:dupword // streams
}

// TestOneThatWaitsForAnotherWriterHoldsUpNobody: another process has an append to one of the streams on its way, for as long as it likes.
func TestOneThatWaitsForAnotherWriterHoldsUpNobody(t *testing.T) {
	for name, commits := range map[string]bool{"commits": true, "gives up": false} {
		t.Run(name, func(t *testing.T) {
			database := pgtest.Database(t)
			s := open(t, database, pgstore.Options{})
			other := begin(t, database, "b")
			answers := together(t, s, "a", "b", "c", "d")
			for _, stream := range []string{"a", "c", "d"} {
				if err := <-answers[stream]; err != nil {
					t.Errorf("append to %s: %v", stream, err)
				}
			}
			awaitBlocked(t, database, 1)
			want, end := error(nil), other.Rollback
			if commits {
				want, end = eventstore.ErrConflict, other.Commit
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-answers["b"]; !errors.Is(err, want) {
				t.Errorf("append to b: %v, want %v", err, want)
			}
		})
	}
}

// TestLostTogether: of nothing that was on its way when the connection was lost is the outcome known, whatever it is.
func TestLostTogether(t *testing.T) {
	for _, carriedOut := range []bool{true, false} {
		t.Run(fmt.Sprint("carried out: ", carriedOut), func(t *testing.T) {
			database := pgtest.Database(t)
			s, line := pgstore.OpenThrough(t, database, pgstore.Options{})
			closing(t, s)
			mustAppend(t, s, "before") // so that the connection knows the statement
			line.Cut(carriedOut)
			for _, answer := range together(t, s, "a", "b", "c") {
				if err := <-answer; !errors.Is(err, eventstore.ErrOutcomeUnknown) {
					t.Errorf("append: %v, want that its outcome is unknown", err)
				}
			}
			want := "[before]"
			if carriedOut {
				want = "[before a b b c c c]" //nolint:dupword // streams
			}
			equal(t, "the log", streamsIn(t, s), want)
		})
	}
}

// TestOneTransactionTakesOnlySoMuch has more wait than are written together.
func TestOneTransactionTakesOnlySoMuch(t *testing.T) {
	database := pgtest.Database(t)
	s := open(t, database, pgstore.Options{})
	var streams []string
	for i := range 40 {
		streams = append(streams, fmt.Sprintf("stream-%02d", i))
	}
	for stream, answer := range together(t, s, streams...) {
		if err := <-answer; err != nil {
			t.Errorf("append to %s: %v", stream, err)
		}
	}
	if got := transactions(t, database); got == "1" || got == "40" {
		t.Errorf("they were written in %s transactions", got)
	}
}
