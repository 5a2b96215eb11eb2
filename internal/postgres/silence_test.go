package postgres_test

import (
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/internal/postgres"
	"github.com/daybook-ledger/daybook/internal/proxytest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

// A statement fails whose connection is cut without a word, whether its answer or the statement itself is lost, and the next
// one has a new connection.
func TestSilenceEndsStatements(t *testing.T) {
	database, err := url.Parse(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := proxytest.New(t, database.Host)
	database.Host = proxy.Address()
	db, err := postgres.Open(database.String()+
		"&tcp_user_timeout=1000&tcp_keepalives_idle=1&tcp_keepalives_interval=1&tcp_keepalives_count=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, lost := range []string{"the answer", "the statement"} {
		conn, err := db.Connx(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if lost == "the statement" {
			proxy.Swallow(t)
		}
		answer := make(chan error, 1)
		go func() {
			_, err := conn.ExecContext(t.Context(), `SELECT pg_sleep(3600)`)
			answer <- err
		}()
		if lost == "the answer" {
			for asleep := 0; asleep == 0; {
				if err := db.GetContext(t.Context(), &asleep, `SELECT count(*) FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event = 'PgSleep'`); err != nil {
					t.Fatal(err)
				}
			}
			proxy.Swallow(t)
		}
		select {
		case err := <-answer:
			if !postgres.IsFault(err) {
				t.Errorf("%s is lost: %v, want a fault of the database", lost, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s is lost, and it is still waited for", lost)
		}
		_ = conn.Close() // which is gone
	}
	if _, err := db.ExecContext(t.Context(), `SELECT 1`); err != nil {
		t.Errorf("a new connection: %v", err)
	}
}

func TestSilenceIsSaidInWholeNumbers(t *testing.T) {
	for _, said := range []string{"tcp_user_timeout=20s", "tcp_keepalives_idle=-1", "tcp_keepalives_count=3.5"} {
		if db, err := postgres.Open("postgres://daybook:secret@127.0.0.1/books?"+said, nil); err == nil {
			t.Errorf("%s was taken", said)
			_ = db.Close()
		}
	}
}
