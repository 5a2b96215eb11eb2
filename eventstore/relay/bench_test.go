package relay_test

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/internal/stream"
)

// benchAppend is how many events an append holds, as a ledger's writer makes them under load.
const benchAppend = 16

// BenchmarkPath takes events from the event store through the relay and NATS to a subscriber. What it reports is the
// processor time of all of it, client and server, which says something on a busy machine, too.
//
// "behind" relays what is there already; "live" appends 20,000 events a second meanwhile, and "append" does only that:
// it is no part of the path and to be subtracted.
func BenchmarkPath(b *testing.B) {
	b.Run("behind", func(b *testing.B) {
		store := memstore.New()
		appendEvents(b, store, 0)
		benchPath(b, store, func() {})
	})
	b.Run("live", func(b *testing.B) {
		store := memstore.New()
		benchPath(b, store, func() { appendEvents(b, store, 20_000) })
	})
	b.Run("append", func(b *testing.B) {
		used := processor(b)
		appendEvents(b, memstore.New(), 20_000)
		used()
	})
}

func benchPath(b *testing.B, store eventstore.Store, feed func()) {
	b.Helper()
	n := startNATS(b, b.TempDir())
	if err := n.broker.Ensure(b.Context()); err != nil {
		b.Fatal(err)
	}
	s, err := stream.NewSubscriber(n.conn, stream.SubscriberOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	messages, err := s.Subscribe(context.Background(), stream.All)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	used := processor(b)
	stop := start(b, relay.New(store, n.publisher, n.broker, relay.Options{}))
	defer stop()
	go feed()
	batches := count(b, messages, b.N)
	used()
	b.ReportMetric(float64(b.N)/float64(batches), "events/batch")
}

func count(b *testing.B, messages <-chan *message.Message, want int) (batches int) {
	b.Helper()
	for got := 0; got < want; batches++ {
		got += len(stream.Batch(receive(b, messages)))
	}
	return batches
}

// appendEvents appends b.N events, so many a second, or at once.
func appendEvents(b *testing.B, store eventstore.Store, rate int) {
	b.Helper()
	began := time.Now()
	for n := 0; n < b.N; n += benchAppend {
		if rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
		}
		records := make([]eventstore.Record, min(benchAppend, b.N-n))
		for i := range records {
			records[i] = benchRecord(n + i)
		}
		if _, err := store.Append(b.Context(), "ledger-shop", eventstore.Any(), records); err != nil {
			b.Errorf("append: %v", err)
			return
		}
	}
}

// benchRecord is the n-th event, of a realistic size; all have the same content.
func benchRecord(n int) eventstore.Record {
	return eventstore.Record{
		ID: eventstore.ID{0: 1, 12: byte(n >> 24), 13: byte(n >> 16), 14: byte(n >> 8), 15: byte(n)}, Type: "TransactionPosted",
		Data: benchData, Metadata: benchMetadata,
	}
}

//nolint:gochecknoglobals // constants
var (
	benchData = []byte(`{"id":1234567,"entries":[{"account":"world","asset":"USD/2","debit":"1050"},` +
		`{"account":"users:alice:wallet","asset":"USD/2","credit":"1050"}],"effective_at":"2026-01-31T12:00:00Z"}`)
	benchMetadata = []byte(`{"id":"0197d0c0-0000-7000-8000-000000000000","schema":1,"recorded_at":"2026-01-31T12:00:00.123456789Z",` +
		`"actor":"dev","request":"9b1e3c0d8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c",` +
		`"previous":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b",` +
		`"hash":"d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"}`)
)

// processor reports the processor time that each of b.N events cost since.
func processor(b *testing.B) (report func()) {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/event") }
}
