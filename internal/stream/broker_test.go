package stream_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
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

// replaceStream makes the stream anew. The server may refuse that until it has removed what the old one left.
func replaceStream(t testing.TB, conn *nats.Conn) {
	t.Helper()
	if err := newJetStream(t, conn).DeleteStream(context.Background(), stream.Name); err != nil {
		t.Fatalf("delete the stream: %v", err)
	}
	broker, err := stream.NewBroker(conn, stream.Config{})
	if err != nil {
		t.Fatalf("make the broker: %v", err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := broker.Ensure(context.Background())
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("make the stream anew: %v", err)
		}
	}
}

// purgeStream removes all messages but the last ones.
func purgeStream(t testing.TB, conn *nats.Conn, keep uint64) {
	t.Helper()
	s, err := newJetStream(t, conn).Stream(context.Background(), stream.Name)
	if err == nil {
		err = s.Purge(context.Background(), jetstream.WithPurgeKeep(keep))
	}
	if err != nil {
		t.Fatalf("purge the stream: %v", err)
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
	if config.MaxBytes != 1<<30 || config.MaxAge != 7*24*time.Hour || config.Duplicates != 30*time.Second ||
		config.Discard != jetstream.DiscardOld || config.Storage != jetstream.FileStorage {
		t.Errorf("the default configuration is %+v", config)
	}
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), eventsOf("shop", 0, 3))
	ensure(t, conn, stream.Config{Embedded: true, MaxBytes: 1 << 20, MaxAge: time.Hour, DuplicateWindow: 3 * time.Minute})
	after := info(t, conn)
	if after.Config.MaxBytes != 1<<20 || after.Config.MaxAge != time.Hour || after.Config.Duplicates != 3*time.Minute {
		t.Errorf("the configuration after a change is %+v", after.Config)
	}
	if after.State.Msgs != 3 {
		t.Errorf("the stream has %d messages after a change, want 3", after.State.Msgs)
	}
}

// TestEnsureTakesAnOlderStream is about a stream as it was made before: how it is written cannot be changed.
func TestEnsureTakesAnOlderStream(t *testing.T) {
	conn := connect(t, startServer(t, natsserver.Options{}))
	_, err := newJetStream(t, conn).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: stream.Name, Subjects: []string{stream.All}, Duplicates: 2 * time.Minute, MaxBytes: 1 << 28, AllowBatchPublish: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	ensure(t, conn, stream.Config{Embedded: true})
	config := info(t, conn).Config
	if config.PersistMode != jetstream.DefaultPersistMode || config.MaxBytes != 1<<30 || config.Duplicates != 30*time.Second {
		t.Errorf("the configuration is %+v", config)
	}
}

func TestOnlyAnEmbeddedStreamIsWrittenLater(t *testing.T) {
	for embedded, want := range map[bool]jetstream.PersistModeType{
		true: jetstream.AsyncPersistMode, false: jetstream.DefaultPersistMode,
	} {
		conn := connect(t, startServer(t, natsserver.Options{}))
		ensure(t, conn, stream.Config{Embedded: embedded})
		ensure(t, conn, stream.Config{Embedded: !embedded}) // which changes nothing
		if got := info(t, conn).Config.PersistMode; got != want {
			t.Errorf("embedded %v: written as %v, want %v", embedded, got, want)
		}
	}
}

// TestMessagesOfTheFormerFormAreRead has a stream that an older version filled.
func TestMessagesOfTheFormerFormAreRead(t *testing.T) {
	conn := startStream(t)
	sent := eventsOf("shop", 0, 3)
	for _, e := range sent {
		msg := nats.NewMsg(stream.Subject(e.Ledger, e.Type))
		msg.Data = e.Data
		msg.Header = nats.Header{
			"Nats-Msg-Id": {e.ID}, "Daybook-Revision": {strconv.FormatUint(e.Revision, 10)}, "Daybook-Position": {e.Position},
			"Daybook-Metadata": {string(e.Metadata)},
		}
		if _, err := newJetStream(t, conn).PublishMsg(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	ends(t, ensure(t, conn, stream.Config{}), 3, sent[2].Position)
	sent = append(sent, event("shop", 3))
	publish(t, newPublisher(t, conn, stream.PublisherOptions{}), sent)
	same(t, sent, collect(t, subscribe(t, conn, stream.SubscriberOptions{Start: stream.StartAt(1)}), 4))
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
	var payload struct {
		Revision uint64          `json:"revision"`
		Position string          `json:"position"`
		Size     int             `json:"size"`
		Data     json.RawMessage `json:"data"`
		Envelope json.RawMessage `json:"envelope"`
	}
	decoder := json.NewDecoder(bytes.NewReader(msg.Data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&payload); err != nil {
		t.Fatalf("the payload %s: %v", msg.Data, err)
	}
	for name, pair := range map[string][2]string{
		"subject":  {msg.Subject, "daybook.events.shop.TransactionPosted"},
		"data":     {string(payload.Data), string(want.Data)},
		"id":       {msg.Header.Get("Nats-Msg-Id"), want.ID},
		"position": {payload.Position, "8/0"},
		"envelope": {string(payload.Envelope), string(want.Metadata)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, want %q", name, pair[0], pair[1])
		}
	}
	if payload.Revision != 7 || payload.Size != len(want.Data) || len(msg.Header) != 1 {
		t.Errorf("the message has the payload %s and headers %v", msg.Data, msg.Header)
	}
}
