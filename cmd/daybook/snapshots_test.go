package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/cluster/snapshots"
)

// TestANodeReadsTheTailAlone has a node take over a ledger of a hundred thousand events that it never had, from one that is killed: it
// fetches the other one's snapshot, and reads what is after that. What keys and references the other one has used up it knows.
func TestANodeReadsTheTailAlone(t *testing.T) {
	s := newSite(t)
	const events, every, size = 100_000, 20_000, 1000
	spacing := strconv.Itoa(every)
	a := s.node("a", "--snapshot-every", spacing, "--max-lag", "0")
	b := s.node("b", "--snapshot-every", spacing, "--max-lag", "0")
	if _, err := a.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	post := func(n *served, reference string) (client.Accepted, error) {
		return n.Post(t.Context(), "demo", client.NewTransaction{
			Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: "1"}}, Reference: reference,
		}, strings.ReplaceAll(reference, " ", "-"))
	}
	first, err := post(a, "the first one")
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < events; from += size {
		postMany(t, a, from, size)
	}
	s.shares("ledger-demo", events-2*every)
	a.Kill()
	again, err := post(b, "the first one")
	if err != nil || again.Revision != first.Revision {
		t.Errorf("the first one again: revision %d, %v; it was %d", again.Revision, err, first.Revision)
	}
	next, err := post(b, "the next one")
	if err != nil || next.Revision < events {
		t.Errorf("the next one: revision %d, %v", next.Revision, err)
	}
	_, err = b.Post(t.Context(), "demo", client.NewTransaction{
		Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: "1"}}, Reference: "bulk-17",
	}, "")
	if !client.IsCode(err, "reference_exists") {
		t.Errorf("a reference that is used up: %v", err)
	}
	if got := metricOf(t, b, `daybook_snapshots_fetched_total{outcome="done"}`); got != 1 {
		t.Errorf("%.0f snapshots were fetched", got)
	}
	if got := metricOf(t, b, "daybook_engine_load_events_total"); got > 3*every {
		t.Errorf("%.0f events of %d were read", got, events)
	} else {
		t.Logf("%.0f events of %d were read", got, events)
	}
}

// shares waits until there is a snapshot for all nodes with so many events.
func (s *site) shares(stream string, events uint64) {
	s.t.Helper()
	conn, err := nats.Connect(s.nats)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	var manifest struct{ Revision uint64 }
	for end := time.Now().Add(patience); manifest.Revision+1 < events; time.Sleep(20 * time.Millisecond) { // nobody tells of it
		if time.Now().After(end) {
			s.t.Fatalf("%d of %d events are in a snapshot: %v", manifest.Revision+1, events, err)
		}
		messages, missing := js.Stream(s.t.Context(), snapshots.Stream)
		if err = missing; err != nil {
			continue
		}
		message, missing := messages.GetLastMsgForSubject(s.t.Context(), "daybook.snapshots."+stream+".manifest")
		if err = missing; err == nil {
			err = json.Unmarshal(message.Data, &manifest)
		}
	}
}

// postMany posts so many transactions, with a key and a reference each.
func postMany(t *testing.T, n *served, from, many int) {
	t.Helper()
	commands := make([]client.Command, many)
	for i := range commands {
		data := fmt.Sprintf(`{"transfers":[{"from":"world","to":"users:%d","asset":"USD/2","amount":"1"}],"reference":"bulk-%d"}`, i, from+i)
		commands[i] = client.Command{Type: client.PostTransaction, IdempotencyKey: fmt.Sprint("key-", from+i), Data: json.RawMessage(data)}
	}
	results, err := n.Bulk(t.Context(), "demo", false, commands)
	if err != nil {
		t.Fatal(err)
	}
	for i := range results.Results {
		if problem := results.Results[i].Problem; problem != nil {
			t.Fatal(problem)
		}
	}
}

// metricOf reads one number that a node exposes; 0 where it does not.
func metricOf(t *testing.T, n *served, name string) float64 {
	t.Helper()
	_, all := get(t.Context(), t, n.BaseURL+"/metrics")
	for line := range strings.Lines(all) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			number, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	return 0
}
