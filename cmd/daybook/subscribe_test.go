package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/stream"
)

var natsAddress = regexp.MustCompile(`NATS listens for subscribers" address=(\S+)`)

// outside is a connection of a program with nothing but a NATS client.
func outside(t *testing.T, server *served) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect("nats://" + server.logged(t, natsAddress))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// outsideEvent is an event as docs/events.md describes the messages of NATS.
type outsideEvent struct {
	Revision uint64          `json:"revision"`
	Data     json.RawMessage `json:"data"`
	Envelope json.RawMessage `json:"envelope"`
}

func readEvent(t *testing.T, payload []byte) (e outsideEvent) {
	t.Helper()
	if err := json.Unmarshal(payload, &e); err != nil {
		t.Fatalf("the message %s: %v", payload, err)
	}
	return e
}

// TestOutsideSubscriber is a program with nothing but a NATS client. It gets every event in order, and proves to itself,
// with the hashes, that nothing is missing.
func TestOutsideSubscriber(t *testing.T) {
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--nats-listen", "127.0.0.1:0")
	conn := outside(t, server)
	subscription, err := conn.SubscribeSync("daybook.events.demo.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil { // the server knows of the subscription from here on
		t.Fatal(err)
	}
	last := openAndPost(t, server)

	var previous envelope.Hash
	for revision := range last.Revision + 1 {
		message, err := subscription.NextMsg(10 * time.Second)
		if err != nil {
			t.Fatalf("event %d: %v", revision, err)
		}
		event := readEvent(t, message.Data)
		meta, err := envelope.Parse(event.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		_, eventType, _ := stream.ParseSubject(message.Subject)
		place := envelope.Place{Stream: "ledger-demo", Revision: revision, Type: eventType}
		if err := meta.Verify(place, event.Data); err != nil || meta.Previous != previous {
			t.Fatalf("event %d breaks the chain: %v", revision, err)
		}
		if event.Revision != revision {
			t.Fatalf("event %d says that it is %d", revision, event.Revision)
		}
		previous = meta.Hash
	}
}

// TestDeployedRebuildBesideARunningServer rebuilds the read models from another process while clients post and read.
func TestDeployedRebuildBesideARunningServer(t *testing.T) {
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) { rebuildBesideAServer(t, deploy(t)) })
}

func rebuildBesideAServer(t *testing.T, d *deployment) {
	t.Helper()
	server := d.serve(t)
	accepted := openAndPost(t, server)
	done := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			answer, err := server.Post(t.Context(), "demo", client.NewTransaction{
				Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: "1"}},
			}, "")
			if err != nil {
				done <- err
				return
			}
			// A reader never sees less than it has seen, whichever tables are live.
			if _, err := server.Transaction(t.Context(), "demo", answer.Transaction.ID, client.Query{MinRevision: &answer.Revision}); err != nil {
				done <- err
				return
			}
			if _, err := server.Transaction(t.Context(), "demo", accepted.Transaction.ID, client.Query{}); err != nil {
				done <- err
				return
			}
		}
	}()
	for range 5 {
		mustCommand(t, d.on("projections", "rebuild")...)
	}
	mustCommand(t, d.on("projections", "rebuild", "entries", "accounts")...)
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if out := mustCommand(t, d.on("projections", "list")...); !regexp.MustCompile(`(?m)^entries +\d+ +7 +running`).MatchString(out) {
		t.Fatalf("the list does not show the seventh generation:\n%s", out)
	}
	if _, errors, code := command(t, "", d.on("projections", "rebuild", "entires")...); code != exitFailed || errors == "" {
		t.Fatalf("an unknown projection: exit code %d, %q", code, errors)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
}
