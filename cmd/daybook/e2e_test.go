package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/openapi"
	"github.com/daybook-ledger/daybook/internal/openapi/openapitest"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/projections/viewstest"
)

// asProgram makes the test binary the real program: the end-to-end tests run it as processes of their own, which they
// can kill.
const asProgram = "DAYBOOK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		if len(os.Args) == 4 && os.Args[1] == asEventStoreDB {
			if err := serveEventStoreDB(os.Args[2], os.Args[3]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(exitFailed)
			}
			os.Exit(0)
		}
		main() // it exits
	}
	if err := os.Setenv(asProgram, "1"); err != nil { // for the processes that the tests start
		panic(err)
	}
	asked.RoundTripper = traffic.Transport(http.DefaultTransport)
	http.DefaultTransport = &asked
	code := pgtest.Run(m)
	endNATS()
	for _, fault := range traffic.Faults() { // of tests that did not look
		fmt.Fprintln(os.Stderr, fault)
		code = 1
	}
	os.Exit(code)
}

// traffic holds all that the tests of this package ask and are answered over HTTP, from this process, to the description
// of the API: http.DefaultTransport goes through it.
var traffic = func() *openapitest.Checker {
	checker, err := openapitest.New(openapi.Document())
	if err != nil {
		panic(err)
	}
	return checker
}()

// asDescribed fails a test for traffic that is not as the description has it.
func asDescribed(t *testing.T) {
	t.Helper()
	for _, fault := range traffic.Faults() {
		t.Error(fault)
	}
}

// served is a running server and a client of it.
type served struct {
	*child
	*client.Client

	log *syncBuffer
}

// serve starts a server on a data directory. It is stopped with the test, if the test does not do it.
func serve(t *testing.T, data string, flags ...string) *served {
	t.Helper()
	log := new(syncBuffer)
	args := append([]string{"serve", "--dev", "--data", data, "--listen", "127.0.0.1:0"}, flags...)
	process, err := startChild(context.WithoutCancel(t.Context()), log, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	s := &served{child: process, Client: &client.Client{BaseURL: "http://" + process.Address}, log: log}
	t.Cleanup(func() {
		s.Kill()
		if viewstest.InPostgreSQL(t) && !t.Failed() {
			sameOnPostgreSQL(t, data, asked.of(process.Address))
		}
		asDescribed(t)
		if t.Failed() {
			t.Logf("the server's log:\n%s", log)
		}
	})
	return s
}

// command runs a command line in this process and gives its output.
func command(t *testing.T, stdin string, args ...string) (out, errors string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = daybook(t.Context(), args, nil, &streams{in: strings.NewReader(stdin), out: &o, err: &e})
	return o.String(), e.String(), code
}

// mustCommand is command where only success will do.
func mustCommand(t *testing.T, args ...string) string {
	t.Helper()
	out, errors, code := command(t, "", args...)
	if code != 0 {
		t.Fatalf("daybook %s: exit code %d\n%s", strings.Join(args, " "), code, errors)
	}
	return out
}

// realData is the folder of real books that may stand beside the project. Without it, what needs it is skipped.
func realData(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the real books are not here: %v", err)
	}
	return path
}

// logged waits until the server's log matches, and gives the first group of it.
func (s *served) logged(t *testing.T, pattern *regexp.Regexp) string {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		grows := s.log.grows()
		if match := pattern.FindStringSubmatch(s.log.String()); match != nil {
			return match[1]
		}
		select {
		case <-grows:
		case <-timeout:
			t.Fatalf("the server's log does not say %s:\n%s", pattern, s.log)
		}
	}
}

// syncBuffer is a buffer that a child process writes to while a test reads it.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
	// grown is closed at the next write, where somebody waits for one.
	grown chan struct{}
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grown != nil {
		close(b.grown)
		b.grown = nil
	}
	return b.buf.Write(p)
}

// grows gives a channel that is closed at the next write.
func (b *syncBuffer) grows() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.grown == nil {
		b.grown = make(chan struct{})
	}
	return b.grown
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
