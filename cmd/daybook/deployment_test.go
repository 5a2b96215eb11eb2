package main

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdb"
	"github.com/daybook-ledger/daybook/eventstore/pgstore"
	"github.com/daybook-ledger/daybook/eventstore/sqlstore"
	"github.com/daybook-ledger/daybook/internal/pgtest"
)

// deployment is a data directory, and what a server needs outside of it: the same tests run in each of the ways in which
// Daybook is run.
type deployment struct {
	data string
	// place are the flags that say where the event store and the read models are, and server those that a server needs
	// besides.
	place, server []string
	// views is where the read models are.
	views string
	// rounds is how often a quick trial kills the server.
	rounds int
	// open opens the event store, beside the server or when that has ended.
	open func(t *testing.T) eventstore.Store
	// connect connects an outside program to NATS.
	connect func(t *testing.T, server *served) *nats.Conn
	// harm kills one process after the other of those that run outside, as a crash would, and leaves one of the NATS servers
	// dead; heal starts that again.
	harm, heal func(t *testing.T)
}

// deployments are the ways to run Daybook, by the names that the environment lists in DAYBOOK_TEST_DEPLOYMENTS. All but the
// first need programs beside Go: make test-cluster installs them.
var deployments = map[string]func(*testing.T) *deployment{
	"embedded":     embedded,
	"postgres":     onPostgres,
	"eventstoredb": onEventStoreDB,
}

const deploymentsEnv = "DAYBOOK_TEST_DEPLOYMENTS"

// inDeployments runs a test, one of those named TestDeployed, in each deployment that is asked for: in the embedded one,
// unless others are.
func inDeployments(t *testing.T, test func(t *testing.T, deploy func(*testing.T) *deployment)) {
	t.Helper()
	caller := make([]uintptr, 1)
	runtime.Callers(2, caller)
	if frame, _ := runtime.CallersFrames(caller).Next(); !strings.Contains(frame.Function, ".TestDeployed") {
		t.Fatalf("make test-cluster does not find %s: name it TestDeployed…", frame.Function)
	}
	names := os.Getenv(deploymentsEnv)
	if names == "" {
		names = "embedded"
	}
	for name := range strings.SplitSeq(names, ",") {
		deploy := deployments[name]
		if deploy == nil {
			t.Fatalf("%s lists %q, which is no deployment", deploymentsEnv, name)
		}
		t.Run(name, func(t *testing.T) { test(t, deploy) })
	}
}

// serve starts a server.
func (d *deployment) serve(t *testing.T, flags ...string) *served {
	t.Helper()
	return serve(t, d.data, append(append(d.place[:len(d.place):len(d.place)], d.server...), flags...)...)
}

// on is a command line that works on the data directory.
func (d *deployment) on(command ...string) []string {
	return append(append(command, "--data", d.data), d.place...)
}

// embedded has everything in one process.
func embedded(t *testing.T) *deployment {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	nothing := func(*testing.T) {}
	return &deployment{
		data: data, server: []string{"--nats-listen", "127.0.0.1:0"}, views: filepath.Join(data, "views.db"),
		open: func(t *testing.T) eventstore.Store {
			t.Helper()
			s, err := sqlstore.Open(t.Context(), filepath.Join(data, "events.db"), sqlstore.Options{})
			return opened(t, s, err)
		},
		connect: outside, rounds: 10, harm: nothing, heal: nothing,
	}
}

// onPostgres has the event store and the read models in one database, and three NATS servers.
func onPostgres(t *testing.T) *deployment {
	t.Helper()
	server := pgtest.Start(t)
	database := server.Database(t)
	d := &deployment{
		place: []string{"--store", database, "--views", database}, views: database,
		open: func(t *testing.T) eventstore.Store {
			t.Helper()
			s, err := pgstore.Open(t.Context(), database, pgstore.Options{})
			return opened(t, s, err)
		},
		harm: func(t *testing.T) {
			t.Helper()
			server.Kill()
			server.Restart(t)
		},
	}
	d.outside(t)
	return d
}

// onEventStoreDB has the event store behind the protocol of EventStoreDB, in another process, the read models in PostgreSQL,
// and three NATS servers.
func onEventStoreDB(t *testing.T) *deployment {
	t.Helper()
	log, views := startEventStoreDB(t), pgtest.Start(t)
	database := views.Database(t)
	d := &deployment{
		place: []string{"--store", log.url(), "--views", database}, views: database,
		open: func(t *testing.T) eventstore.Store {
			t.Helper()
			s, err := esdb.Open(t.Context(), log.url(), esdb.Options{})
			return opened(t, s, err)
		},
		harm: func(t *testing.T) {
			t.Helper()
			log.Kill()
			views.Kill()
			log.start(t)
			views.Restart(t)
		},
	}
	d.outside(t)
	return d
}

// opened is what was opened, and is closed with the test.
func opened[T io.Closer](t *testing.T, s T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// outside gives a deployment a data directory for what is disposable, and has its events distributed through the cluster of
// NATS servers.
func (d *deployment) outside(t *testing.T) {
	t.Helper()
	d.data, d.rounds = filepath.Join(t.TempDir(), "data"), 5
	cluster := clusterOfNATS(t)
	urls := cluster.account(t)
	d.server = append(d.server, "--nats", urls, "--nats-replicas", "3")
	d.connect = func(t *testing.T, _ *served) *nats.Conn {
		t.Helper()
		conn, err := nats.Connect(urls)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		return conn
	}
	harmStore := d.harm
	d.harm = func(t *testing.T) {
		t.Helper()
		harmStore(t)
		cluster.killNext(t)
	}
	d.heal = cluster.heal
	t.Cleanup(func() { cluster.heal(t) })
}
