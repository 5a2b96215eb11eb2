package pgstore_test

import (
	"errors"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/internal/proxytest"
)

// through gives the URL of a database by way of a proxy.
func through(t *testing.T, database string) (string, *proxytest.Proxy) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	proxy := proxytest.New(t, u.Host)
	u.Host = proxy.Address()
	return u.String(), proxy
}

// within gives what a function answers; it fails the test where it does not.
func within[T any](t *testing.T, answer func() T) T {
	t.Helper()
	answers := make(chan T, 1)
	go func() { answers <- answer() }()
	select {
	case a := <-answers:
		return a
	case <-time.After(time.Minute):
		t.Fatal("there is no answer")
		panic("not reached")
	}
}

// TestTheWayIsCutWithoutAWord loses all that is sent on the connections that a store has, while the server may work on a
// statement for as long as it likes.
func TestTheWayIsCutWithoutAWord(t *testing.T) {
	const impatient = "&statement_timeout=1h&tcp_user_timeout=1000&tcp_keepalives_idle=1&tcp_keepalives_interval=1&tcp_keepalives_count=1"
	database := pgtest.Database(t)
	away, proxy := through(t, database)
	s := open(t, away+impatient, pgstore.Options{})
	mustAppend(t, s, "first")

	unlock := lock(t, database)
	answer := make(chan error, 1)
	go func() {
		_, err := s.Append(t.Context(), "doubtful", eventstore.NoStream(), some(1))
		answer <- err
	}()
	awaitBlocked(t, database, 1)
	proxy.Swallow(t)
	if err := within(t, func() error { return <-answer }); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("an append whose answer is lost: %v, want that its outcome is unknown", err)
	}
	unlock()

	mustAppend(t, s, "second") // and with it there is a connection that nobody uses
	proxy.Swallow(t)
	err := within(t, func() error {
		_, err := s.Append(t.Context(), "lost", eventstore.NoStream(), some(1))
		return err
	})
	if !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("an append that is lost: %v, want that its outcome is unknown", err)
	}

	streamsIn(t, s)
	proxy.Swallow(t)
	err = within(t, func() (err error) {
		for _, err = range s.ReadAll(t.Context(), eventstore.Start) {
		}
		return err
	})
	if !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("a reading that is lost: %v, want that the store is unavailable", err)
	}
	mustAppend(t, s, "third")
	equal(t, "the log without what was in doubt", slices.DeleteFunc(streamsIn(t, s), func(stream string) bool {
		return stream == "doubtful"
	}), "[first second third]")
}

// TestADatabaseThatIsSilent takes all that is sent to it and answers nothing: an append waits neither for a connection that is
// tried nor for a new one, and nothing of it is written.
func TestADatabaseThatIsSilent(t *testing.T) {
	database := pgtest.Database(t)
	away, proxy := through(t, database)
	s := closing(t, pgstore.OpenTrying(t, away+"&connect_timeout=1&statement_timeout=1h", pgstore.Options{}))
	mustAppend(t, s, "before")
	proxy.Hush(true)
	err := within(t, func() error {
		_, err := s.Append(t.Context(), "meanwhile", eventstore.NoStream(), some(1))
		return err
	})
	if !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append: %v, want that the store is unavailable", err)
	}
	proxy.Hush(false)
	mustAppend(t, s, "after")
	equal(t, "the log", streamsIn(t, s), "[before after]")
}

// TestNoConnectionIsFree for as long as a statement may take: the append is refused, and nothing of it is written.
func TestNoConnectionIsFree(t *testing.T) {
	s := open(t, pgtest.Database(t)+"&statement_timeout=50ms", pgstore.Options{})
	release := s.TakeConnections(t)
	err := within(t, func() error {
		_, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(1))
		return err
	})
	if !errors.Is(err, eventstore.ErrUnavailable) {
		t.Errorf("append: %v, want that the store is unavailable", err)
	}
	release()
	mustAppend(t, s, "stream")
}

// TestTheServerNoticesToo that a client is gone without a word, whose append it would keep open for hours otherwise, and with it
// the stream and all readers of the log.
func TestTheServerNoticesToo(t *testing.T) {
	const asked = `SELECT current_setting('tcp_keepalives_idle') || ' ' || current_setting('tcp_keepalives_interval') || ' ' ||
		current_setting('tcp_keepalives_count') || ' ' || current_setting('tcp_user_timeout')`
	for said, want := range map[string]string{
		"": "5 5 3 20000", "&tcp_user_timeout=7000&tcp_keepalives_idle=2": "2 5 3 7000",
	} {
		database := pgtest.Database(t)
		s := open(t, database+said, pgstore.Options{})
		pgtest.Execute(t, database, `CREATE TABLE seen (settings text);
			CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO seen `+asked+`; RETURN NULL; END $$;
			CREATE TRIGGER see AFTER INSERT ON eventstore.appends FOR EACH ROW EXECUTE FUNCTION see()`)
		mustAppend(t, s, "stream")
		equal(t, "on the connection of an append", ask(t, database, `SELECT settings FROM seen`), want)
	}
}
