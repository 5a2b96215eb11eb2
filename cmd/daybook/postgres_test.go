package main

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// TestLossOfTheDatabase takes the event store away from a server that runs, and gives it back: nobody touches the server.
func TestLossOfTheDatabase(t *testing.T) {
	postgres := pgtest.Start(t)
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--store", postgres.Database(t))
	openAndPost(t, server)
	again := client.NewTransaction{
		Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: "700"}}, Reference: "lost",
	}
	postgres.Kill()
	for range 2 { // the first may not know whether it was written; the engine finds out, when it can, what became of it
		_, err := server.Post(t.Context(), "demo", again, "lost")
		if problem := new(client.Problem); !errors.As(err, &problem) || problem.Status != http.StatusServiceUnavailable {
			t.Errorf("posting without a database: %v, want 503", err)
		}
	}
	if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "event store") {
		t.Errorf("ready without a database: %d %s", status, body)
	}
	if status, body := get(t.Context(), t, server.BaseURL+"/v1/ledgers/demo/events"); status != http.StatusServiceUnavailable {
		t.Errorf("events without a database: %d %s, want 503", status, body)
	}
	if _, err := server.Ledger(t.Context(), "demo", client.Query{}); err != nil {
		t.Errorf("read models without a database: %v", err)
	}
	postgres.Restart(t)
	accepted, err := server.Post(t.Context(), "demo", again, "lost")
	if err != nil {
		t.Fatalf("posting when the database is back: %v", err)
	}
	if _, err := server.Ledger(t.Context(), "demo", client.Query{MinRevision: &accepted.Revision, Wait: time.Minute}); err != nil {
		t.Errorf("the read models do not go on: %v", err)
	}
	if repeated, err := server.Post(t.Context(), "demo", again, "lost"); err != nil || repeated.Revision != accepted.Revision {
		t.Errorf("repeated: revision %d, %v, want %d", repeated.Revision, err, accepted.Revision)
	}
	if status, body := get(t.Context(), t, server.BaseURL+"/readyz"); status != http.StatusOK {
		t.Errorf("ready when the database is back: %d %s", status, body)
	}
}

// TestDirectoriesOfAnotherStore: what was made from one log is not used with another.
func TestDirectoriesOfAnotherStore(t *testing.T) {
	one, other := pgtest.Database(t), pgtest.Database(t)
	outside, inside := filepath.Join(t.TempDir(), "outside"), filepath.Join(t.TempDir(), "inside")
	for data, flags := range map[string][]string{outside: {"--store", one}, inside: nil} {
		server := serve(t, data, flags...)
		openAndPost(t, server)
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		data  string
		flags []string
		want  string
	}{
		"its store is elsewhere":    {outside, nil, "which is elsewhere: name it with --store"},
		"it belongs to another one": {outside, []string{"--store", other}, "belongs to the event store"},
		"it has a store of its own": {inside, []string{"--store", one}, "has an event store of its own"},
	} {
		for _, line := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"projections", "list"}} {
			_, errors, code := command(t, "", append(append(line, "--data", test.data), test.flags...)...)
			if code != exitFailed || !strings.Contains(errors, test.want) {
				t.Errorf("%s, %s: exit code %d, %q, want %q", name, line[0], code, errors, test.want)
			}
		}
	}
	for name, test := range map[string]struct {
		flags []string
		want  string
	}{
		"in the directory": {[]string{"--data", inside}, `"kind": "SQLite",
  "shared": false,
  "max_append_bytes": 67108864,
  "withdraws": true,
  "recognises_repetition": false,
  "endpoint": true`},
		"in PostgreSQL": {[]string{"--data", outside, "--store", one}, `"shared": true`},
	} {
		if out := mustCommand(t, append([]string{"store", "--json"}, test.flags...)...); !strings.Contains(out, test.want) {
			t.Errorf("the event store %s:\n%s", name, out)
		}
	}
	mustCommand(t, "projections", "rebuild", "--data", outside, "--store", one)
	if out := mustCommand(t, "projections", "list", "--data", outside, "--store", one); !strings.Contains(out, "running") {
		t.Errorf("the read models:\n%s", out)
	}
}
