package esdb_test

import (
	"context"
	"iter"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdb"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

// unreachableLeader is a variable of the environment by which a test says, to the process that it starts of itself, that the
// client leaves connections open there.
const unreachableLeader = "ESDB_TEST_UNREACHABLE_LEADER"

func TestMain(m *testing.M) {
	if os.Getenv(unreachableLeader) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	// The client drops a connection to a leader that it cannot reach without closing it (connectionStateMachine in its
	// impl.go, where getSupportedMethods has failed), and gives nobody else a hold on it. What is left is gRPC's: the attempts
	// to connect, with the pauses between them, and the workers of the connection. All else has to end here too.
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("google.golang.org/grpc.(*addrConn).resetTransportAndUnlock"),
		goleak.IgnoreTopFunction("google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run"),
	)
}

// parameters of the URLs of tests: no encryption, and a patience that outlasts a machine that is busy with other things.
const parameters = "?tls=false&defaultDeadline=60000"

// appendSize is what the servers of the tests take in one append, in bytes as they count.
const appendSize = 4 << 20

func TestStore(t *testing.T) { storetest.Run(t, newHarness()) }

func BenchmarkStore(b *testing.B) { storetest.Benchmark(b, newHarness()) }

// backend is what a store under test talks to: a server over a connection, and a log that can be made to fail.
type backend struct {
	url   string
	log   *damaged
	fault *storetest.Faulty
}

func newHarness() storetest.Harness {
	const maxWaiting, attempts = 24, 2
	var mu sync.Mutex
	backends := map[eventstore.Store]backend{}
	of := func(s eventstore.Store) backend {
		mu.Lock()
		defer mu.Unlock()
		return backends[s]
	}
	openAt := func(t testing.TB, b backend) eventstore.Store {
		s := open(t, b.url, esdb.Options{MaxWaiting: maxWaiting, Attempts: attempts})
		mu.Lock()
		defer mu.Unlock()
		backends[s] = b
		return s
	}
	return storetest.Harness{
		New: func(t testing.TB) eventstore.Store {
			log := &damaged{Store: memstore.New()}
			fault := storetest.NewFaulty(log)
			address := serve(t, fault)
			return openAt(t, backend{url: "esdb://" + address + parameters + "&maxAppendSize=4194304", log: log, fault: fault})
		},
		Reopen: func(t testing.TB, s eventstore.Store) eventstore.Store { return openAt(t, of(s)) },
		Capabilities: storetest.Capabilities{
			Shared:     true,
			MaxWaiting: maxWaiting,
			Stall: func(_ testing.TB, s eventstore.Store) (release func()) {
				gate := storetest.NewGate()
				of(s).fault.Always(gate.Slow())
				return func() {
					of(s).fault.Always(nil)
					gate.Open()
				}
			},
			FillUp: func(_ testing.TB, s eventstore.Store) (mend func()) {
				of(s).fault.Always(storetest.Refused(eventstore.ErrUnavailable))
				return func() { of(s).fault.Always(nil) }
			},
			LoseOutcome: func(_ testing.TB, s eventstore.Store, written bool) {
				first := storetest.Lost()
				if written {
					first = storetest.Written()
				}
				of(s).fault.Next(first, storetest.Lost()) // one for each attempt
			},
			Damage: func(t testing.TB, s eventstore.Store, stream string) { of(s).log.damage(t, stream) },
		},
	}
}

// serve serves a store, writable, until the test ends, and closes it then.
func serve(t testing.TB, store eventstore.Store) (address string) {
	t.Helper()
	server := startServer(t, store, "127.0.0.1:0")
	t.Cleanup(func() {
		server.stop()
		_ = store.Close()
	})
	return server.Address()
}

type server struct {
	*esdbserver.Server

	stop func()
}

func startServer(t testing.TB, store eventstore.Store, address string) server {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := esdbserver.New(listener, store, esdbserver.Options{
		Writable: true, MaxAppendBytes: appendSize, Grace: time.Millisecond,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return server{Server: s, stop: sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})}
}

func open(t testing.TB, url string, o esdb.Options) *esdb.Store {
	t.Helper()
	s, err := esdb.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// damaged is a store in which the last append of a stream may be damaged.
type damaged struct {
	eventstore.Store

	mu     sync.Mutex
	stream string
	last   eventstore.Position // the record before the damage
}

// damage makes the last three records of the stream unreadable.
func (d *damaged) damage(t testing.TB, stream string) {
	t.Helper()
	var records []eventstore.Recorded
	for r, err := range d.Store.ReadStream(t.Context(), stream, 0) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stream, d.last = stream, records[len(records)-4].Position
}

func (d *damaged) read(inner iter.Seq2[eventstore.Recorded, error]) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for r, err := range inner {
			d.mu.Lock()
			unreadable := err == nil && r.Stream == d.stream && r.Position.Compare(d.last) > 0
			d.mu.Unlock()
			if unreadable {
				yield(eventstore.Recorded{}, eventstore.ErrCorrupt)
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (d *damaged) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	return d.read(d.Store.ReadStream(ctx, stream, from))
}

func (d *damaged) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return d.read(d.Store.ReadAll(ctx, after))
}

func (d *damaged) ReadAllBackwards(
	ctx context.Context, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return d.read(d.Store.ReadAllBackwards(ctx, before))
}
