package main

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/internal/wire"
	"github.com/daybook-ledger/daybook/projections/views"
)

// blockProjector keeps the read models at a place, a file or a database, from being written by a running server.
func blockProjector(t *testing.T, place string) (release func()) {
	t.Helper()
	db, err := views.Open(t.Context(), place)
	if err != nil {
		t.Fatal(err)
	}
	blocked, released, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.Update(t.Context(), func(*views.Tx) error {
			close(blocked)
			<-released
			return nil
		})
	}()
	<-blocked
	return func() {
		close(released)
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestCommandsWaitForTheReadModels stops the projector of the real program from the outside. At the bound single commands
// are refused and a stream is held up, queries go on; afterwards everything goes on by itself, and what was acknowledged is
// there, and nothing else.
func TestCommandsWaitForTheReadModels(t *testing.T) {
	const bound, streamed = 200, 20_000
	data := filepath.Join(t.TempDir(), "data")
	server := serve(t, data, "--max-lag", fmt.Sprint(bound))
	opened, err := server.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Ledger(t.Context(), "demo", client.Query{MinRevision: &opened.Revision}); err != nil {
		t.Fatal(err)
	}
	release := blockProjector(t, filepath.Join(data, "views.db"))
	type outcome struct {
		answer client.StreamResults
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		answer, err := server.Stream(t.Context(), "demo", generated(streamed, func(i int) string {
			return fmt.Sprintf(`{"type":"post_transaction","data":{"transfers":[{"from":"world","to":"users:%d","asset":"X","amount":"1"}]}}`, i%10)
		}))
		done <- outcome{answer, err}
	}()
	server.follow(t, "demo", "TransactionPosted") // the stream is under way
	acknowledged := 0
	for {
		_, err := server.Post(t.Context(), "demo", client.NewTransaction{
			Transfers: []client.Transfer{{From: "world", To: "users:one", Asset: "X", Amount: "1"}},
		}, "")
		if client.IsCode(err, "overloaded") {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		acknowledged++
	}
	if _, metrics := get(t.Context(), t, server.BaseURL+"/metrics"); !strings.Contains(metrics, "daybook_lag_holding 1") {
		t.Errorf("the metrics do not tell")
	}
	if known, err := server.Ledger(t.Context(), "demo", client.Query{}); err != nil || known.Transactions != 0 {
		t.Errorf("a query answers %+v, %v", known, err)
	}
	lines := strings.NewReader(`{"type":"open_account","data":{"address":"late"}}`)
	if _, err := server.Stream(t.Context(), "demo", lines); !client.IsCode(err, "overloaded") {
		t.Errorf("a stream that comes now: %v", err)
	}
	select {
	case early := <-done:
		t.Fatalf("the stream did not wait: %+v", early)
	default:
	}

	release()
	stream := <-done
	if stream.err != nil || stream.answer.Accepted != streamed || stream.answer.Rejected != 0 {
		t.Fatalf("the stream: %+v", stream)
	}
	known, err := server.Ledger(t.Context(), "demo", client.Query{MinRevision: stream.answer.Revision, Wait: time.Minute})
	if err != nil || known.Transactions != uint64(acknowledged+streamed) {
		t.Fatalf("%+v, %v; want %d transactions that were acknowledged", known, err, acknowledged+streamed)
	}
	server.do(t, http.StatusCreated, "POST", "/demo/transactions", `{"transfers":[{"from":"a","to":"b","asset":"X","amount":"1"}]}`)
}

// TestLagIsKnownAfterAKill kills a server whose read models cannot be written: the next one says how far they are behind, although
// nothing is appended to it.
func TestLagIsKnownAfterAKill(t *testing.T) {
	const lacking = 60
	log := memstore.New()
	defer log.Close()
	address, stop := eventStoreDB(t, log, "127.0.0.1:0")
	t.Cleanup(stop)
	for name, store := range map[string]string{
		"in SQLite":       inside,
		"in EventStoreDB": "esdb://" + address + "?tls=false", // which cannot tell where streams end
	} {
		t.Run(name, func(t *testing.T) {
			data, views := filepath.Join(t.TempDir(), "data"), pgtest.Database(t)
			flags := []string{"--store", store, "--views", views, "--max-lag", "100"}
			server := serve(t, data, flags...)
			if _, err := server.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
				t.Fatal(err)
			}
			s := &site{t: t}
			s.posted(server, server, 1)
			mend := failEntries(t, views)
			for range lacking {
				if _, err := server.Post(t.Context(), "demo", toAlice("1"), ""); err != nil {
					t.Fatal(err)
				}
			}
			server.Kill()
			server = serve(t, data, flags...)
			s.becomes(server, "it knows what is lacking", func(c *wire.Cluster) bool { return c.LagEvents == lacking })
			mend()
			s.becomes(server, "the read models have caught up", func(c *wire.Cluster) bool { return c.LagEvents == 0 })
		})
	}
}

// TestOnlyWhatIsAppendedCounts: what a read model has to catch up with is what the log has, not what was tried.
func TestOnlyWhatIsAppendedCounts(t *testing.T) {
	store := memstore.New()
	defer store.Close()
	count := lag.NewCount(func(map[string]uint64) {})
	count.Has("entries", 0)
	count.Counted()
	records := []eventstore.Record{{Type: "A"}, {Type: "B"}, {Type: "C"}}
	add := func(stream string, expected eventstore.Expected) {
		_, _ = announced{store, count}.Append(t.Context(), stream, expected, records) // some are to fail
	}
	add("ledger-a", eventstore.NoStream())
	add("ledger-a", eventstore.At(7)) // a conflict
	add("ledger-b", eventstore.Any())
	add("other", eventstore.Any()) // which is no ledger's
	if lacks := count.Lacks()["entries"]; lacks != 6 {
		t.Errorf("%d events are lacking, want 6", lacks)
	}
}

// generated is lines that are made when they are read.
func generated(n int, line func(i int) string) io.Reader {
	r, w := io.Pipe()
	go func() {
		for i := range n {
			if _, err := io.WriteString(w, line(i)+"\n"); err != nil {
				return
			}
		}
		w.Close()
	}()
	return r
}
