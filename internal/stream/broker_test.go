package stream_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
)

// dial connects over TCP, as somebody outside does, and again whenever the server is back.
func dial(t testing.TB, address string) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect("nats://"+address, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		t.Fatalf("connect to %s: %v", address, err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func newJetStream(t testing.TB, conn *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatalf("JetStream: %v", err)
	}
	return js
}

func info(t testing.TB, conn *nats.Conn) *jetstream.StreamInfo {
	t.Helper()
	s, err := newJetStream(t, conn).Stream(context.Background(), stream.Name)
	if err != nil {
		t.Fatalf("look up the stream: %v", err)
	}
	return s.CachedInfo()
}

func deleteConsumers(t testing.TB, conn *nats.Conn) {
	t.Helper()
	ctx := context.Background()
	s, err := newJetStream(t, conn).Stream(ctx, stream.Name)
	if err != nil {
		t.Fatalf("look up the stream: %v", err)
	}
	for name := range s.ConsumerNames(ctx).Name() {
		if err := s.DeleteConsumer(ctx, name); err != nil {
			t.Fatalf("delete the consumer: %v", err)
		}
	}
}

func deleteStream(t testing.TB, conn *nats.Conn) {
	t.Helper()
	if err := newJetStream(t, conn).DeleteStream(context.Background(), stream.Name); err != nil {
		t.Fatalf("delete the stream: %v", err)
	}
}

// value is that of the only metric of a name.
func value(t testing.TB, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

func TestEnsureChangesTheStreamToBeAsConfigured(t *testing.T) {
	conn := startStream(t)
	config := info(t, conn).Config
	if config.MaxBytes != 1<<30 || config.MaxAge != 7*24*time.Hour || config.Duplicates < 2*time.Minute ||
		config.Discard != jetstream.DiscardOld || config.Storage != jetstream.FileStorage {
		t.Errorf("the default configuration is %+v", config)
	}
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 3))
	ensure(t, conn, stream.Config{MaxBytes: 1 << 20, MaxAge: time.Hour, DuplicateWindow: 3 * time.Minute})
	after := info(t, conn)
	if after.Config.MaxBytes != 1<<20 || after.Config.MaxAge != time.Hour || after.Config.Duplicates != 3*time.Minute {
		t.Errorf("the configuration after a change is %+v", after.Config)
	}
	if after.State.Msgs != 3 {
		t.Errorf("the stream has %d messages after a change, want 3", after.State.Msgs)
	}
}

func TestLastPosition(t *testing.T) {
	conn := startStream(t)
	broker := ensure(t, conn, stream.Config{})
	position := func(but uint64, want string) {
		t.Helper()
		got, err := broker.LastPosition(t.Context(), but)
		if err != nil || got != want {
			t.Errorf("last position but %d: %q, %v; want %q", but, got, err, want)
		}
	}
	position(0, "")
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 10))
	position(0, "10/0")
	position(4, "6/0")
	position(9, "1/0")
	position(10, "")
	s, err := newJetStream(t, conn).Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context(), jetstream.WithPurgeKeep(3)); err != nil {
		t.Fatal(err)
	}
	position(1, "9/0")
	position(9, "8/0")
}

func TestTheStreamOutlivesTheServer(t *testing.T) {
	dir := t.TempDir()
	server := startServer(t, natsserver.Options{Dir: dir})
	conn := connect(t, server)
	ensure(t, conn, stream.Config{})
	sent := eventsOf("shop", 0, 10)
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent)
	conn.Close()
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}

	conn = connect(t, startServer(t, natsserver.Options{Dir: dir}))
	ensure(t, conn, stream.Config{})
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent) // the broker remembers ids, too
	if got := info(t, conn).State.Msgs; got != 10 {
		t.Errorf("the stream has %d messages after a restart, want 10", got)
	}
	collect(t, subscribe(t, conn, stream.SubscriberOptions{Start: stream.StartAt(1)}), 10)
}

func TestAnybodyWithANATSClientCanRead(t *testing.T) {
	server := startServer(t, natsserver.Options{Listen: "127.0.0.1:0"})
	outside := dial(t, server.Address())
	conn := connect(t, server)
	ensure(t, conn, stream.Config{})
	subscription, err := outside.SubscribeSync(stream.Topic + ".shop.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := outside.Flush(); err != nil {
		t.Fatal(err)
	}
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), append(eventsOf("other", 0, 2), event("shop", 7)))
	msg, err := subscription.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	want := event("shop", 7)
	for name, pair := range map[string][2]string{
		"subject":  {msg.Subject, "daybook.events.shop.TransactionPosted"},
		"data":     {string(msg.Data), string(want.Data)},
		"id":       {msg.Header.Get("Nats-Msg-Id"), want.ID},
		"revision": {msg.Header.Get("Daybook-Revision"), "7"},
		"position": {msg.Header.Get("Daybook-Position"), "8/0"},
		"metadata": {msg.Header.Get("Daybook-Metadata"), string(want.Metadata)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	if len(msg.Header) != 4 {
		t.Errorf("the message has headers %v, want 4", msg.Header)
	}
}
