package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

func TestBothSignalsEndTheServerCleanly(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			server := serve(t, data)
			accepted := openAndPost(t, server)
			if err := server.command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := server.command.Wait(); err != nil {
				t.Fatalf("the server ends with %v", err)
			}
			again := serve(t, data)
			got, err := again.Transaction(t.Context(), "demo", accepted.Transaction.ID, client.Query{MinRevision: &accepted.Revision})
			if err != nil || got.RecordedAt != accepted.Transaction.RecordedAt {
				t.Fatalf("after the restart: %+v, %v", got, err)
			}
		})
	}
}

func openAndPost(t *testing.T, server *served) client.Accepted {
	t.Helper()
	if _, err := server.OpenLedger(t.Context(), client.NewLedger{Name: "demo"}, ""); err != nil {
		t.Fatal(err)
	}
	accepted, err := server.Post(t.Context(), "demo", client.NewTransaction{
		Transfers: []client.Transfer{{From: "world", To: "users:alice", Asset: "USD/2", Amount: "1050"}},
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	return accepted
}

// TestRefusedSettings starts the real program with settings that are dangerous or unknown.
func TestRefusedSettings(t *testing.T) {
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	taken := busy.Addr().String()
	for name, test := range map[string]struct {
		args []string
		env  string
		code int
		want string
	}{
		"the network without authentication":       {args: []string{"--listen", "0.0.0.0:0"}, code: exitUsage, want: "no authentication"},
		"all addresses":                            {args: []string{"--listen", ":0"}, code: exitUsage, want: "no authentication"},
		"NATS on the network":                      {args: []string{"--nats-listen", "0.0.0.0:0"}, code: exitUsage, want: "--nats-listen"},
		"EventStoreDB's clients on the network":    {args: []string{"--esdb-listen", "0.0.0.0:0"}, code: exitUsage, want: "--esdb-listen"},
		"an address outside the trusted network":   {args: []string{"--listen", "192.168.1.1:0", "--trusted-network", "10.0.0.0/8"}, code: exitUsage, want: "no authentication"},
		"all addresses and a trusted network":      {args: []string{"--listen", "0.0.0.0:0", "--trusted-network", "10.0.0.0/8"}, code: exitUsage, want: "no authentication"},
		"everybody is trusted":                     {args: []string{"--trusted-network", "0.0.0.0/0"}, code: exitUsage, want: "not private"},
		"NATS in a trusted network":                {args: []string{"--nats-listen", "10.0.0.1:0", "--trusted-network", "10.0.0.0/8"}, code: exitUsage, want: "--nats"},
		"profiles in a trusted network":            {args: []string{"--pprof-listen", "10.0.0.1:0", "--trusted-network", "10.0.0.0/8"}, code: exitUsage, want: "--pprof-listen"},
		"development in a trusted network":         {args: []string{"--dev", "--trusted-network", "10.0.0.0/8"}, code: exitUsage, want: "--dev"},
		"a node that shares nothing":               {args: []string{"--node", "a"}, code: exitUsage, want: "--store (postgres://… or esdb://…), --views (postgres://…), --nats (nats://…)"},
		"a node with read models of its own":       {args: []string{"--node", "a", "--store", "esdb://127.0.0.1:1", "--nats", "nats://127.0.0.1:1"}, code: exitUsage, want: "name them with --views (postgres://…)"},
		"some roles of a process alone":            {args: []string{"--roles", "queries"}, code: exitUsage, want: "--node"},
		"a role that does not exist":               {args: []string{"--roles", "commands,reports"}, code: exitUsage, want: "commands,relay,projections,queries"},
		"a role twice":                             {args: []string{"--roles", "commands,relay,projections,commands"}, code: exitUsage, want: "twice"},
		"a node of no name":                        {args: []string{"--node", "a.b"}, code: exitUsage, want: "--node a.b"},
		"ledgers that move before they do":         {args: []string{"--node", "a", "--follow=-1s"}, code: exitUsage, want: "0s leaves ledgers where they are"},
		"a lease too short":                        {args: []string{"--node", "a", "--lease", "1s"}, code: exitUsage, want: "at least 2s"},
		"two NATS servers":                         {args: []string{"--nats", "nats://127.0.0.1:1", "--nats-listen", "127.0.0.1:0"}, code: exitUsage, want: "leave one of them out"},
		"replicas in one process":                  {args: []string{"--nats-replicas", "3"}, code: exitUsage, want: "need --nats"},
		"too many replicas":                        {args: []string{"--nats", "nats://127.0.0.1:1", "--nats-replicas", "6"}, code: exitUsage, want: "1 to 5"},
		"a key and no NATS":                        {args: []string{"--nats-key", "key.pem"}, code: exitUsage, want: "need --nats"},
		"NATS at no URL":                           {args: []string{"--nats", "127.0.0.1:4222"}, code: exitUsage, want: "nats://host:port"},
		"NATS with a certificate that is none":     {args: []string{"--nats", "nats://u:secret@127.0.0.1:1", "--nats-ca", "none.pem"}, code: exitUsage, want: "none.pem"},
		"NATS that forgets at once":                {args: []string{"--nats-max-age", "1s"}, code: exitUsage, want: "at least 1m0s"},
		"NATS that keeps nothing":                  {args: []string{"--nats-max-bytes", "0"}, code: exitUsage, want: "--nats-max-bytes must be at least"},
		"no bulk at all":                           {args: []string{"--bulk-limit", "0"}, code: exitUsage, want: "--bulk-limit must be at least 1"},
		"a port that does not exist":               {args: []string{"--listen", "127.0.0.1:70000"}, code: exitUsage, want: `"70000" is no port`},
		"a port that is taken":                     {args: []string{"--listen", taken}, code: exitFailed, want: "choose another address with --listen"},
		"profiles on a port that is taken":         {args: []string{"--pprof-listen", taken}, code: exitFailed, want: "choose another address with --pprof-listen"},
		"an address of another machine":            {args: []string{"--listen", "10.255.255.254:0", "--trusted-network", "10.255.255.254/32"}, code: exitFailed, want: "choose another one with --listen"},
		"read models in a file of some name":       {args: []string{"--views", "views.db"}, code: exitUsage, want: "--views: want sqlite, or a URL such as"},
		"read models in EventStoreDB":              {args: []string{"--views", "esdb://u:secret@127.0.0.1"}, code: exitUsage, want: "--views: want sqlite, or a URL such as"},
		"read models at no URL":                    {args: []string{"--views", "postgres://u:secret%@127.0.0.1/d"}, code: exitUsage, want: "--views: "},
		"read models with a store's setting":       {args: []string{"--views", "postgres://u:secret@127.0.0.1/d?pool_max_conns=9"}, code: exitUsage, want: "pool_max_conns is for the event store"},
		"a store at no URL":                        {args: []string{"--store", "postgres://u:secret%@127.0.0.1/d"}, code: exitUsage, want: "--store: "},
		"a store with too few connections":         {args: []string{"--store", "postgres://u:secret@127.0.0.1/d?pool_max_conns=1"}, code: exitUsage, want: "at least 4"},
		"an EventStoreDB with a slip":              {args: []string{"--store", "esdb://127.0.0.1?tsl=false"}, code: exitUsage, want: "tsl"},
		"an unknown flag":                          {args: []string{"--lisen", "127.0.0.1:0"}, code: exitUsage, want: "--lisen"},
		"an unknown variable":                      {env: "DAYBOOK_LISEN=127.0.0.1:0", code: exitUsage, want: "DAYBOOK_LISEN"},
		"a directory of something else":            {args: []string{"--data", foreign}, code: exitFailed, want: "not a Daybook data directory"},
		"keys kept for less than is promised":      {args: []string{"--key-retention", "1h"}, code: exitUsage, want: "at least 24h"},
		"a store that is none":                     {args: []string{"--store", "mysql://u:secret@host/d"}, code: exitUsage, want: "--store: want sqlite, or a URL such as"},
		"a store that is not there":                {env: "DAYBOOK_STORE=postgres://u:secret@127.0.0.1:1/d", code: exitFailed, want: "open event store postgres://127.0.0.1:1/d"},
		"an EventStoreDB that is not there":        {args: []string{"--store", "esdb://127.0.0.1:1?tls=false"}, code: exitFailed, want: "connect to EventStoreDB"},
		"an event store with two endpoints":        {args: []string{"--store", "esdb://127.0.0.1", "--esdb-listen", "127.0.0.1:0"}, code: exitUsage, want: "clients read one in EventStoreDB there"},
		"a configuration file that does not exist": {args: []string{"--config", "none.yaml"}, code: exitUsage, want: "none.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			data := filepath.Join(t.TempDir(), "data")
			args := append([]string{"serve", "--listen", "127.0.0.1:0", "--data", data}, test.args...)
			ctx, cancel := context.WithTimeout(t.Context(), patience) // for one that is not refused, and serves
			defer cancel()
			program := exec.CommandContext(ctx, self, args...)
			program.Env = append(os.Environ(), test.env)
			out, err := program.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != test.code || !strings.Contains(string(out), test.want) ||
				strings.Contains(string(out), "secret") {
				t.Fatalf("%v, want exit code %d and %q in\n%s", err, test.code, test.want, out)
			}
			if _, err := os.Stat(data); test.code == exitUsage && !os.IsNotExist(err) {
				t.Errorf("it has made the data directory: %v", err)
			}
		})
	}
}

func TestSecondServerOnTheSameDataIsRefused(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	serve(t, data)
	log := new(syncBuffer)
	if _, err := startChild(t.Context(), log, "serve", "--dev", "--data", data, "--listen", "127.0.0.1:0"); err == nil ||
		!strings.Contains(log.String(), "another daybook runs in") {
		t.Fatalf("error %v\n%s", err, log)
	}
}

func TestProbes(t *testing.T) {
	server := serve(t, filepath.Join(t.TempDir(), "data"))
	openAndPost(t, server)
	for path, want := range map[string]string{
		"/healthz": `"ok"`, "/readyz": `"projections":"ok"`, "/metrics": "daybook_http_requests_total",
		"/problems": "insufficient_funds",
	} {
		if status, body := get(t.Context(), t, server.BaseURL+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s: %d, want %s in\n%s", path, status, want, body)
		}
	}
}

// TestHealth asks a server as a supervisor does, by the address that stands in the environment of both.
func TestHealth(t *testing.T) {
	broker := natstest.New(t, nil)
	server := serve(t, filepath.Join(t.TempDir(), "data"), "--nats", natstest.URLs(broker))
	openAndPost(t, server)
	t.Setenv("DAYBOOK_LISTEN", server.Address)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // nobody is there, and nobody needs to be
	equal(t, "alive", mustCommand(t, "health"), "{\"status\":\"ok\"}\n")
	if out := mustCommand(t, "health", "--ready"); !strings.Contains(out, `"nats":"ok"`) {
		t.Errorf("ready: %s", out)
	}
	broker.Stop()
	server.logged(t, natsLost)
	mustCommand(t, "health")
	if _, text, code := command(t, "", "health", "--ready"); code != exitFailed || !strings.Contains(text, "not connected") {
		t.Errorf("without NATS: exit code %d, %s", code, text)
	}
	server.Kill()
	if _, text, code := command(t, "", "health"); code != exitFailed || !strings.Contains(text, "refused") {
		t.Errorf("killed: exit code %d, %s", code, text)
	}
	for _, bad := range []string{"127.0.0.1", ":8080", "127.0.0.1:0"} {
		if _, text, code := command(t, "", "health", "--listen", bad); code != exitUsage || !strings.Contains(text, "--listen") {
			t.Errorf("--listen %s: exit code %d, %s", bad, code, text)
		}
	}
}

func get(ctx context.Context, t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}
