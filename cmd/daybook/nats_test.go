package main

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

var (
	natsLost  = regexp.MustCompile(`msg="(lost NATS)`)
	relayBack = regexp.MustCompile(`msg="(publishing again)"`)
)

// TestNATSOutside runs with a NATS server outside that goes away and comes back: commands go on without it, and it gets what
// it missed.
func TestNATSOutside(t *testing.T) {
	broker := natstest.New(t, nil)
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--nats", natstest.URLs(broker))
	last := openAndPost(t, server)
	followed(t, broker, last.Revision)
	if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusOK {
		t.Fatalf("GET /readyz: %d\n%s", status, body)
	}

	broker.Stop()
	server.logged(t, natsLost)
	if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "not connected") {
		t.Errorf("GET /readyz without NATS: %d\n%s", status, body)
	}
	for range 20 {
		var err error
		last, err = server.Post(t.Context(), "demo", client.NewTransaction{
			Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: "1"}},
		}, "")
		if err != nil {
			t.Fatalf("post without NATS: %v", err)
		}
	}
	// The read models are fed from the event store meanwhile.
	if _, err := server.Ledger(t.Context(), "demo", client.Query{MinRevision: &last.Revision, Wait: 30 * time.Second}); err != nil {
		t.Error(err)
	}

	broker.Start()
	server.logged(t, relayBack)
	followed(t, broker, last.Revision)
	if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusOK {
		t.Errorf("GET /readyz with NATS again: %d\n%s", status, body)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
}

// TestNATSIsNotThereYet starts before its NATS server does.
func TestNATSIsNotThereYet(t *testing.T) {
	broker := natstest.New(t, nil)
	broker.Stop()
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--nats", natstest.URLs(broker))
	last := openAndPost(t, server)
	broker.Start()
	server.logged(t, relayBack)
	followed(t, broker, last.Revision)
}

// followed waits until NATS has all of a ledger's events up to the last, in order.
func followed(t *testing.T, broker *natstest.Server, last uint64) {
	t.Helper()
	conn, err := nats.Connect(natstest.URLs(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	subscription, err := js.SubscribeSync("daybook.events.demo.>", nats.OrderedConsumer())
	if err != nil {
		t.Fatal(err)
	}
	for revision := range last + 1 {
		message, err := subscription.NextMsg(30 * time.Second)
		if err != nil {
			t.Fatalf("event %d: %v", revision, err)
		}
		if got := readEvent(t, message.Data).Revision; got != revision {
			t.Fatalf("revision %d comes where %d is next", got, revision)
		}
	}
}

// TestAStreamThatExistsIsChecked has a stream that loses events, as somebody made it.
func TestAStreamThatExistsIsChecked(t *testing.T) {
	broker := natstest.New(t, nil)
	conn, err := nats.Connect(natstest.URLs(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.AddStream(&nats.StreamConfig{Name: stream.Name, Subjects: []string{stream.All}, Retention: nats.WorkQueuePolicy}); err != nil {
		t.Fatal(err)
	}
	log := new(syncBuffer)
	_, err = startChild(t.Context(), log, "serve", "--dev", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0",
		"--nats", natstest.URLs(broker))
	if err == nil || !strings.Contains(log.String(), "its retention is WorkQueue, not Limits") {
		t.Fatalf("error %v\n%s", err, log)
	}
}
