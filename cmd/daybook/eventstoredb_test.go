package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/client"
)

// eventStoreDB serves a log as EventStoreDB would, at an address or a free one, until stop is called.
func eventStoreDB(t *testing.T, log eventstore.Store, address string) (bound string, stop func()) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := esdbserver.New(listener, log, esdbserver.Options{Writable: true, Grace: 1})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	return server.Address(), func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server of the log: %v", err)
		}
	}
}

func toAlice(amount string) client.NewTransaction {
	return client.NewTransaction{
		Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: amount}},
	}
}

// TestLogInEventStoreDB keeps the log outside: two servers write to it, it goes away and comes back, and the directory that
// belongs to it is used for no other.
func TestLogInEventStoreDB(t *testing.T) {
	log := memstore.New()
	defer log.Close()
	address, stop := eventStoreDB(t, log, "127.0.0.1:0")
	store := "esdb://" + address + "?tls=false"
	data := filepath.Join(t.TempDir(), "data")
	first := serve(t, data, "--store", store)
	openAndPost(t, first)
	second := serve(t, filepath.Join(t.TempDir(), "data"), "--store", store)
	var last client.Accepted
	for i := range 6 { // in turn: each server meets what the other one has written
		server := []*served{first, second}[i%2]
		accepted, err := server.Post(t.Context(), "demo", toAlice("10"), "")
		if err != nil {
			t.Fatal(err)
		}
		last = accepted
	}
	for _, server := range []*served{first, second} {
		got, err := server.Transaction(t.Context(), "demo", last.Transaction.ID, client.Query{MinRevision: &last.Revision})
		if err != nil || got.RecordedAt != last.Transaction.RecordedAt {
			t.Fatalf("the last transaction is %+v, %v", got, err)
		}
	}

	stop()
	_, err := first.Post(t.Context(), "demo", toAlice("1"), "key")
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusServiceUnavailable {
		t.Fatalf("without the log: %v, want 503", err)
	}
	_, stop = eventStoreDB(t, log, address)
	defer stop()
	if accepted, err := first.Post(t.Context(), "demo", toAlice("1"), "key"); err != nil || accepted.Revision != last.Revision+1 {
		t.Fatalf("with the log again: revision %d, %v; want %d", accepted.Revision, err, last.Revision+1)
	}

	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	if out := mustCommand(t, "projections", "rebuild", "--data", data, "--store", store); !strings.Contains(out, "rebuilt from") {
		t.Errorf("rebuild: %s", out)
	}
	if out := mustCommand(t, "audit", "verify", "--data", data, "--store", store); !strings.Contains(out, " equal ") {
		t.Errorf("the audit did not compare the read models:\n%s", out)
	}
	if out := mustCommand(t, "store", "--data", data, "--store", store); !strings.Contains(out, "at most 983040 bytes") ||
		!strings.Contains(out, "nobody knows") || !strings.Contains(out, "recognised by the ids") {
		t.Errorf("the traits of EventStoreDB:\n%s", out)
	}
	other, stopOther := eventStoreDB(t, memstore.New(), "127.0.0.1:0")
	defer stopOther()
	for want, flags := range map[string][]string{
		"which is elsewhere: name it with --store": nil,
		"belongs to the event store":               {"--store", "esdb://" + other + "?tls=false"},
	} {
		for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"projections", "list"}, {"audit", "verify"}, {"store"}} {
			args = append(append(args, "--data", data), flags...)
			if _, text, code := command(t, "", args...); code == 0 || !strings.Contains(text, want) {
				t.Errorf("daybook %s: code %d, %s, want %q", strings.Join(args, " "), code, text, want)
			}
		}
	}
}

// TestWhatEventStoreDBTakesInOneAppend is less than what is posted at once: what may be divided is, transaction by
// transaction, and what may not be is refused as a whole.
func TestWhatEventStoreDBTakesInOneAppend(t *testing.T) {
	log := memstore.New()
	defer log.Close()
	address, stop := eventStoreDB(t, log, "127.0.0.1:0")
	defer stop()
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--store", "esdb://"+address+"?tls=false")
	opened := openAndPost(t, server)
	const commands = 3000 // of more than 500 bytes each
	body := func(atomic bool) string {
		one := `{"type":"post_transaction","data":{"transfers":[{"from":"world","to":"users:alice","asset":"USD/2","amount":"1"}]}}`
		return fmt.Sprintf(`{"atomic":%t,"commands":[%s]}`, atomic, strings.TrimSuffix(strings.Repeat(one+",", commands), ","))
	}
	post := func(body string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.BaseURL+"/v1/ledgers/demo/bulk", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	if status := post(body(true)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("an atomic bulk: %d, want 413", status)
	}
	if status := post(body(false)); status != http.StatusOK {
		t.Errorf("a bulk: %d, want 200", status)
	}
	accepted, err := server.Post(t.Context(), "demo", toAlice("1"), "")
	if err != nil || accepted.Revision != opened.Revision+commands+1 {
		t.Errorf("revision %d (%v), want %d: the bulk once, the atomic one not at all", accepted.Revision, err, opened.Revision+commands+1)
	}
}
