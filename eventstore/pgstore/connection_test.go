package pgstore_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

func TestAddressesThatAreRefused(t *testing.T) {
	good := pgtest.Database(t)
	for address, says := range map[string]string{
		"":                            "want a URL such as",
		"events.db":                   "want a URL such as",
		"mysql://host/database":       "want a URL such as",
		"postgres://u:secret@h:port/": "want a URL such as",
		"postgres://u:secret@h/d?sslmode=perhaps":                "sslmode",
		good + "&pool_max_conns=3":                               "pool_max_conns is 3",
		good + "&pool_max_conns=many":                            "pool_max_conns",
		good + "&tcp_user_timeout=20s":                           "tcp_user_timeout is \"20s\"",
		good + "&target_session_attrs=standby":                   "not in hot standby",
		good + "&no_such_setting=1":                              "no_such_setting",
		strings.Replace(good, "disable", "require", 1):           "TLS",
		strings.Replace(good, "/daybook", "/no_such_daybook", 1): "does not exist",
	} {
		s, err := pgstore.Open(t.Context(), address, pgstore.Options{})
		if err == nil {
			s.Close()
			t.Errorf("%s was taken", address)
			continue
		}
		if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q and no password", address, err, says)
		}
	}
}

func TestOptionsThatAreRefused(t *testing.T) {
	for _, limits := range []rowlog.Limits{
		{MaxAppendBytes: -1}, {MaxAppendBytes: 1 << 30}, {MaxWaiting: -1}, {PollInterval: -1},
	} {
		if s, err := pgstore.Open(t.Context(), "postgres://127.0.0.1:1/d", pgstore.Options{Limits: limits}); err == nil || !strings.Contains(err.Error(), "options") {
			t.Errorf("%+v: %v, %v", limits, s, err)
		}
	}
}

func TestManyProcessesThatStartAtOnceMakeOneStore(t *testing.T) {
	database := pgtest.Database(t)
	var group sync.WaitGroup
	ids := make(chan string, 8)
	for i := range cap(ids) {
		group.Go(func() {
			s, err := pgstore.Open(t.Context(), database, pgstore.Options{})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			ids <- s.ID()
			if _, err := s.Append(t.Context(), fmt.Sprint("stream-", i), eventstore.NoStream(), some(3)); err != nil {
				t.Errorf("append: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	group.Wait()
	close(ids)
	s := open(t, database, pgstore.Options{})
	for id := range ids {
		equal(t, "the identity", id, s.ID())
	}
	equal(t, "records", len(streamsIn(t, s)), 3*cap(ids))
}

func TestDatabasesThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ statement, says string }{
		"of a later version":          {`UPDATE eventstore.version SET version = 99`, "version 99, and this program knows versions up to"},
		"without a version":           {`DELETE FROM eventstore.version`, "not an event store of Daybook"},
		"with a sequence left behind": {`SELECT setval('eventstore.positions', 1)`, "setval('eventstore.positions', 3)"},
		"with a sequence begun anew":  {`ALTER SEQUENCE eventstore.positions RESTART WITH 4`, "setval('eventstore.positions', 3)"},
	} {
		t.Run(name, func(t *testing.T) {
			database := pgtest.Database(t)
			s := open(t, database, pgstore.Options{})
			for _, stream := range []string{"a", "b", "c"} {
				mustAppend(t, s, stream)
			}
			pgtest.Execute(t, database, test.statement)
			if _, err := pgstore.Open(t.Context(), database, pgstore.Options{}); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("open: %v, want %q", err, test.says)
			}
		})
	}
}

// TestUserWithoutRightsToMakeTables opens a store that is there as a user who may only use it.
func TestUserWithoutRightsToMakeTables(t *testing.T) {
	database := pgtest.Database(t)
	mustAppend(t, open(t, database, pgstore.Options{}), "stream")
	role := strings.ReplaceAll(database[strings.LastIndex(database, "/")+1:strings.Index(database, "?")], "test", "role")
	pgtest.Execute(t, database, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN;
		GRANT USAGE ON SCHEMA eventstore TO %[1]s;
		GRANT SELECT ON ALL TABLES IN SCHEMA eventstore TO %[1]s;
		GRANT INSERT ON eventstore.appends TO %[1]s;
		GRANT SELECT, USAGE ON eventstore.positions TO %[1]s`, role))
	t.Cleanup(func() { pgtest.Execute(t, database, fmt.Sprintf(`DROP OWNED BY %[1]s; DROP ROLE %[1]s`, role)) })
	s := open(t, strings.Replace(database, "postgres@", role+"@", 1), pgstore.Options{})
	mustAppend(t, s, "another")
	equal(t, "the log", streamsIn(t, s), "[stream another]")
}

// TestListeningIsTakenUpAgain cuts the connection that announcements come over.
func TestListeningIsTakenUpAgain(t *testing.T) {
	database := pgtest.Database(t)
	unasked := pgstore.Options{Limits: rowlog.Limits{PollInterval: never}}
	a, b := open(t, database, unasked), open(t, database, unasked)
	live := follow(t, b)
	mustAppend(t, a, "before")
	equal(t, "before", next(t, live).Stream, "before")
	for i := range 3 {
		pgtest.Execute(t, database, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`)
		stream := fmt.Sprint("after-", i)
		mustAppend(t, a, stream)
		equal(t, "after", next(t, live).Stream, stream)
	}
}

// TestStatementThatTakesTooLong locks the table: the database gives the append up, and says that it is undone.
func TestStatementThatTakesTooLong(t *testing.T) {
	database := pgtest.Database(t)
	s := open(t, database+"&statement_timeout=100ms", pgstore.Options{})
	unlock := lock(t, database)
	_, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(1))
	if !errors.Is(err, eventstore.ErrUnavailable) || errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append: %v, want that the store is unavailable", err)
	}
	unlock()
	mustAppend(t, s, "stream")
	equal(t, "the log", streamsIn(t, s), "[stream]")
}

// TestConnectionEndedByTheServer: whoever is thrown out does not know whether that was before or after the commit.
func TestConnectionEndedByTheServer(t *testing.T) {
	database := pgtest.Database(t)
	registry := prometheus.NewRegistry()
	s := open(t, database, pgstore.Options{Registerer: registry})
	unlock := lock(t, database)
	answer := make(chan error, 1)
	go func() {
		_, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(1))
		answer <- err
	}()
	awaitBlocked(t, database, 1)
	pgtest.Execute(t, database, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
		WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0`)
	if err := <-answer; !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append: %v, want that its outcome is unknown", err)
	}
	unlock()
	mustAppend(t, s, "stream") // it was not written, and can be made again
	equal(t, "appends that were counted", count(t, registry, "daybook_eventstore_appends_total"), 2)
	equal(t, "records that were counted", count(t, registry, "daybook_eventstore_records_total"), 1)
}

// TestAnswerThatBreaksOff: the records are not durable before the last message says so, although the position came before it.
func TestAnswerThatBreaksOff(t *testing.T) {
	s, line := pgstore.OpenThrough(t, pgtest.Database(t), pgstore.Options{})
	closing(t, s)
	mustAppend(t, s, "before")
	line.CutEarly()
	if _, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(1)); !errors.Is(err, eventstore.ErrOutcomeUnknown) {
		t.Errorf("append: %v, want that its outcome is unknown", err)
	}
	mustAppend(t, s, "after")
	equal(t, "the log", streamsIn(t, s), "[before stream after]")
}

// TestConnectionThatIsSaidToBeLost by whoever stands between, in the way in which a server refuses a statement: what the server
// did is not known.
func TestConnectionThatIsSaidToBeLost(t *testing.T) {
	for code, want := range map[string]error{
		"08006": eventstore.ErrOutcomeUnknown, // connection_failure
		"08007": eventstore.ErrOutcomeUnknown, // transaction_resolution_unknown
		"40003": eventstore.ErrOutcomeUnknown, // statement_completion_unknown
		"40001": eventstore.ErrUnavailable,    // serialization_failure
	} {
		database := pgtest.Database(t)
		s := open(t, database, pgstore.Options{})
		pgtest.Execute(t, database, `
			CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'lost' USING ERRCODE = '`+code+`'; END $$;
			CREATE TRIGGER lose AFTER INSERT ON eventstore.appends FOR EACH ROW EXECUTE FUNCTION lose()`)
		if _, err := s.Append(t.Context(), "stream", eventstore.NoStream(), some(1)); !errors.Is(err, want) {
			t.Errorf("append that fails with %s: %v, want %v", code, err, want)
		}
	}
}

// lock keeps others from writing to the log.
func lock(t *testing.T, database string) (unlock func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), `LOCK TABLE eventstore.appends IN SHARE MODE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { conn.Close(t.Context()) }
}

func count(t *testing.T, registry *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestHeadsAreWhereStreamsEnd(t *testing.T) {
	s := open(t, pgtest.Database(t), pgstore.Options{})
	want := map[string]eventstore.Revision{"a": 0, "B": 2499, "c-1": 4} // B has several rows
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
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, err := range s.Heads(t.Context()) {
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("of a closed store: %v", err)
		}
	}
}

// TestDeadConnectionsAreNotTriedOneByOne ends all connections while they are idle: one append may find that out, and the
// others use new ones.
func TestDeadConnectionsAreNotTriedOneByOne(t *testing.T) {
	const connections = 8
	database := pgtest.Database(t)
	s, _ := pgstore.OpenThrough(t, database, pgstore.Options{}) // whose connections are not tried before they are used
	closing(t, s)
	unlock := lock(t, database) // so that each append has a connection of its own: the others are taken
	var group sync.WaitGroup
	for i := range connections {
		group.Go(func() {
			if _, err := s.Append(t.Context(), fmt.Sprint("stream-", i), eventstore.NoStream(), some(1)); err != nil {
				t.Errorf("append: %v", err)
			}
		})
		awaitBlocked(t, database, i+1)
	}
	unlock()
	group.Wait()
	pgtest.Execute(t, database, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	failed := 0
	for i := range connections {
		if _, err := s.Append(t.Context(), fmt.Sprint("stream-", i), eventstore.At(0), some(1)); err != nil {
			failed++
		}
	}
	if failed > 1 {
		t.Errorf("%d of %d appends failed, want 1 at most", failed, connections)
	}
}
