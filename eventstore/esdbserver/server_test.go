package esdbserver_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what would otherwise wait for ever.
const patience = 30 * time.Second

// serve serves a store until the test ends, and gives the address.
func serve(t *testing.T, store eventstore.Store, o esdbserver.Options) string {
	t.Helper()
	server, stop := start(t, store, o)
	t.Cleanup(stop)
	return server.Address()
}

func start(t *testing.T, store eventstore.Store, o esdbserver.Options) (server *esdbserver.Server, stop func()) {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server = esdbserver.New(listener, store, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	return server, func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(patience):
			t.Error("the server does not stop")
		}
	}
}

// connect is the official client.
func connect(t *testing.T, url string) *esdb.Client {
	t.Helper()
	config, err := esdb.ParseConnectionString(url)
	if err != nil {
		t.Fatal(err)
	}
	config.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// client serves a store and connects to it.
func client(t *testing.T, store eventstore.Store, o esdbserver.Options) *esdb.Client {
	t.Helper()
	return connect(t, "esdb://"+serve(t, store, o)+"?tls=false")
}

// dial is a connection without the official client, for what that does not send.
func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// made is when the records of the tests were made, by their ids.
var made = time.Date(2026, 1, 31, 12, 0, 0, 123_000_000, time.UTC)

// record is the n-th record of a stream, with a version-7 id.
func record(stream string, n int) eventstore.Record {
	id := eventstore.ID{6: 0x70, 8: 0x80, 14: byte(n >> 8), 15: byte(n)}
	for i, milliseconds := 5, made.UnixMilli(); i >= 0; i, milliseconds = i-1, milliseconds>>8 {
		id[i] = byte(milliseconds)
	}
	copy(id[9:14], stream)
	return eventstore.Record{
		ID: id, Type: fmt.Sprint("Type", n%3), Data: fmt.Appendf(nil, `{"n":%d}`, n), Metadata: []byte(`{"by":"me"}`),
	}
}

func records(stream string, first, n int) []eventstore.Record {
	made := make([]eventstore.Record, n)
	for i := range made {
		made[i] = record(stream, first+i)
	}
	return made
}

func add(t *testing.T, store eventstore.Store, stream string, rs ...eventstore.Record) {
	t.Helper()
	if _, err := store.Append(t.Context(), stream, eventstore.Any(), rs); err != nil {
		t.Fatal(err)
	}
}

// filled is a store with two streams, written in turn, in appends of 1, 2, 3 … records.
func filled(t *testing.T) *memstore.Store {
	t.Helper()
	store := memstore.New()
	t.Cleanup(func() { _ = store.Close() })
	written := map[string]int{}
	for i := range 12 {
		stream := []string{"ledger-a", "ledger-b"}[i%2]
		add(t, store, stream, records(stream, written[stream], i+1)...)
		written[stream] += i + 1
	}
	return store
}

// all is the log as the store itself gives it.
func all(t *testing.T, store eventstore.Store) []eventstore.Recorded {
	t.Helper()
	var read []eventstore.Recorded
	for r, err := range store.ReadAll(t.Context(), eventstore.Start) {
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, r)
	}
	return read
}

// of are the records of one stream.
func of(log []eventstore.Recorded, stream string) []eventstore.Recorded {
	var some []eventstore.Recorded
	for _, r := range log {
		if r.Stream == stream {
			some = append(some, r)
		}
	}
	return some
}
