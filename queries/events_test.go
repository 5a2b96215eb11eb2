package queries_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// historyWorld has a ledger of 8 events that no projection knows.
func historyWorld(t *testing.T) *world {
	w := newWorld(t)
	w.open("main")
	for i := range 5 {
		post := transfer("world", "users:1", "USD/2", "1", "")
		post.Description = fmt.Sprintf("\"%d\" </script>\u2028", i)
		w.do("main", post)
	}
	return w
}

func TestEventsAreCloudEvents(t *testing.T) {
	w := historyWorld(t)
	var p wire.Page[wire.Event]
	w.get("/ledgers/main/events").at(7).ok(&p)
	if len(p.Data) != 8 || p.NextCursor != nil {
		t.Fatalf("%d events, next %v", len(p.Data), p.NextCursor)
	}
	previous := envelope.Hash{}
	revision := uint64(0)
	for record, err := range w.log.ReadStream(t.Context(), "ledger-main", 0) {
		must(t, err)
		e, err := envelope.Parse(record.Metadata)
		must(t, err)
		want := wire.Event{
			SpecVersion: "1.0", ID: fmt.Sprintf("00000000-0000-0000-%04x-%012x", 0, revision+1), Source: "/ledgers/main", Type: record.Type,
			Time: e.RecordedAt, DataContentType: "application/json", Data: json.RawMessage(record.Data), Revision: revision, Actor: "tester",
			CorrelationID: "request-7", SchemaVersion: 1, PreviousHash: hex.EncodeToString(previous[:]), Hash: hex.EncodeToString(e.Hash[:]),
		}
		if diff := cmp.Diff(want, p.Data[revision]); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		previous, revision = e.Hash, revision+1
	}
}

func TestEventsInPages(t *testing.T) {
	w := historyWorld(t)
	revision := func(e wire.Event) string { return fmt.Sprint(e.Revision) }
	for query, want := range map[string]string{
		"?limit=3": "0 1 2|3 4 5|6 7|", "?limit=4": "0 1 2 3|4 5 6 7|", "?from=6": "6 7|", "?from=5&limit=2": "5 6|7|",
		"?from=8": "|", "?from=18446744073709551615": "|", "?limit=1000": "0 1 2 3 4 5 6 7|",
	} {
		got, cursor := "", ""
		for {
			var p wire.Page[wire.Event]
			w.get("/ledgers/main/events" + query + cursor).ok(&p)
			got += names(p.Data, revision) + "|"
			if p.NextCursor == nil {
				break
			}
			cursor = "&cursor=" + *p.NextCursor
		}
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestEventsAsLines(t *testing.T) {
	w := historyWorld(t)
	var p wire.Page[json.RawMessage]
	w.get("/ledgers/main/events").ok(&p)
	for query, want := range map[string][]json.RawMessage{"": p.Data, "?from=3": p.Data[3:], "?from=3&limit=2": p.Data[3:5], "?from=8": {}, "?limit=5000": p.Data} {
		r := w.get("/ledgers/main/events"+query, "Accept", "text/html;q=0.1, application/x-ndjson")
		if got := r.header.Get("Content-Type"); r.status != 200 || got != "application/x-ndjson" {
			t.Errorf("%s: %d %s", query, r.status, got)
		}
		got := []json.RawMessage{}
		for line := range bytes.Lines(r.body) {
			got = append(got, bytes.TrimSuffix(line, []byte("\n")))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", query, diff)
		}
	}
	w.get("/ledgers/other/events", "Accept", "application/x-ndjson").fails(404, "ledger_not_found")
	w.get("/ledgers/main/events?limit=0", "Accept", "application/x-ndjson").fails(422, "invalid_field")
}

func TestEventsTellTheRevisionThatTheProjectionsKnow(t *testing.T) {
	w := historyWorld(t)
	w.get("/ledgers/main/events?limit=2").at(2) // the first event of the next page was seen
	w.project("ledgers")
	w.get("/ledgers/main/events?limit=2").at(7)
	w.get("/ledgers/main/events?from=100").at(7)
	w.get("/ledgers/main/events", "Accept", "application/x-ndjson").at(7)
	w.get("/ledgers/main/events?min_revision=7&wait=0").at(7)
}

// A log that breaks in the middle must not look like one that ends there.
func TestEventsThatBreakOffAreNotTakenForWhole(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	description := strings.Repeat("x", 4000)
	for range 40 {
		post := transfer("world", "users:1", "USD/2", "1", "")
		post.Description = description
		w.do("main", post)
	}
	_, err := w.log.Append(t.Context(), "ledger-main", eventstore.Any(), []eventstore.Record{{Type: "TransactionPosted", Data: []byte(`{}`), Metadata: []byte(`{}`)}})
	must(t, err)
	defer func() {
		if r := recover(); r != http.ErrAbortHandler { //nolint:errorlint // a panic, not an error
			t.Errorf("the handler ended with %v", r)
		}
	}()
	r := httptest.NewRequest(http.MethodGet, "/v1/ledgers/main/events", nil)
	r.Header.Set("Accept", "application/x-ndjson")
	w.handler.ServeHTTP(httptest.NewRecorder(), r)
}
