// Package pgtest gives tests a PostgreSQL. Nothing but tests imports it.
//
// A test binary has one server, started when the first test asks for a [Database] and stopped by [Run]; each test has a
// database of its own there. It is a temporary server made from the programs that are installed (Debian's package
// "postgresql"), or the one that DAYBOOK_TEST_POSTGRES names by its URL. A test that does harm to a server has [Start] make
// one for it alone. Where there is neither, the test is skipped, and says so.
package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// serverEnv names a server that is there, by the URL of any of its databases, as a user who may create others.
const serverEnv = "DAYBOOK_TEST_POSTGRES"

// shared is the server of this test binary.
var shared struct { //nolint:gochecknoglobals // of a process, as its tests are
	once   sync.Once
	server *Server // nil where serverEnv names one
	url    string
	err    error
}

// databases counts those made by this process.
var databases atomic.Int64 //nolint:gochecknoglobals // as above

// Run runs the tests of a package and stops what they had started. It is for TestMain: os.Exit(pgtest.Run(m)).
func Run(m *testing.M) (code int) {
	defer func() {
		if shared.server != nil {
			shared.server.stop()
		}
	}()
	return m.Run()
}

// Database makes an empty database and gives its URL. It is removed with the test, whoever is connected to it.
func Database(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.url = os.Getenv(serverEnv); shared.url != "" {
			return
		}
		programs, err := findPrograms()
		if err == nil {
			shared.server, err = start(programs, false)
		}
		if err != nil {
			shared.err = err
			return
		}
		shared.url = shared.server.url()
	})
	unlessMissing(t, shared.err)
	return makeDatabase(t, shared.url)
}

// unlessMissing ends the test: it is skipped where PostgreSQL is not installed, and fails where it is and err tells why it
// does not work.
func unlessMissing(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case isMissing(err):
		t.Skipf("%v: install Debian's package postgresql, or name a server in %s", err, serverEnv)
	default:
		t.Fatalf("start PostgreSQL: %v", err)
	}
}

func makeDatabase(t testing.TB, server string) string {
	t.Helper()
	name := fmt.Sprintf("daybook_test_%d_%d", os.Getpid(), databases.Add(1))
	Execute(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { Execute(t, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Execute runs a statement in a database, on a connection of its own. It may be called when the test is being cleaned up.
func Execute(t testing.TB, database, statement string, args ...any) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
