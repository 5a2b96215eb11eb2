package relay_test

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// outside connects to servers as the program does.
func outside(t testing.TB, c stream.Config, servers ...*natstest.Server) *broadcast {
	t.Helper()
	conn, err := stream.Dial(stream.DialOptions{Servers: natstest.URLs(servers...)})
	if err != nil {
		t.Fatal(err)
	}
	return speak(t, conn, c, func() {})
}

func startOutside(t *testing.T, book *book, n *broadcast) *relay.Relay {
	t.Helper()
	r := relay.New(book.store, n.publisher, n.broker, relay.Options{MaxEvents: 10, Backoff: 20 * time.Millisecond})
	start(t, r)
	return r
}

// TestTheServerComesAndGoes stops a server outside while events flow, and starts it with what it had.
func TestTheServerComesAndGoes(t *testing.T) {
	server := natstest.New(t, nil)
	book, n := newBook(t), outside(t, stream.Config{}, server)
	r := startOutside(t, book, n)
	for range 5 {
		book.append("ledger-shop", 30)
		server.Stop()
		book.append("ledger-shop", 30)
		book.append("ledger-other", 3)
		server.Start()
		book.append("ledger-shop", 30)
	}
	check(t, n.read(t, book.total()), book.heads)
	if err := r.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
}

// TestAServerThatForgotGetsEverythingAgain has a server come back with nothing, while events flow and while none do.
func TestAServerThatForgotGetsEverythingAgain(t *testing.T) {
	server := natstest.New(t, nil)
	book, n := newBook(t), outside(t, stream.Config{}, server)
	startOutside(t, book, n)
	for range 3 {
		book.append("ledger-shop", 30)
		checkAll(t, n.read(t, book.total()), book.heads)
		server.Stop()
		server.Forget()
		server.Start()
		book.append("ledger-shop", 3)
	}
	checkAll(t, n.read(t, book.total()), book.heads)
}

// TestWhatTheBrokerLostIsPublishedAgain loses the stream while nothing is being published, so that no publishing fails.
func TestWhatTheBrokerLostIsPublishedAgain(t *testing.T) {
	book, n := newBook(t), startNATS(t, t.TempDir())
	start(t, relay.New(book.store, n.publisher, n.broker, relay.Options{MaxEvents: 10, Backoff: time.Millisecond}))
	for range 3 {
		book.append("ledger-shop", 25)
		n.read(t, book.total())
	}
	js, err := jetstream.New(n.conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(t.Context(), stream.Name); err != nil {
		t.Fatal(err)
	}
	if err := n.broker.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	book.append("ledger-shop", 5)
	checkAll(t, n.read(t, book.total()), book.heads)
}

// TestAClusterLosesAServerAtATime stops the server of a cluster that leads the stream, and then another.
func TestAClusterLosesAServerAtATime(t *testing.T) {
	servers := natstest.Cluster(t, 3)
	book, n := newBook(t), outside(t, stream.Config{Replicas: 3}, servers...)
	startOutside(t, book, n)
	book.append("ledger-shop", 30)
	check(t, n.read(t, book.total()), book.heads)
	leader := slices.IndexFunc(servers, func(s *natstest.Server) bool { return s.Name() == leaderOf(t, n) })
	for i := range 2 {
		s := servers[(leader+i)%len(servers)]
		s.Stop()
		book.append("ledger-shop", 30)
		n.read(t, book.total()) // two servers go on without it
		s.Start()
		book.append("ledger-other", 5)
	}
	checkAll(t, n.read(t, book.total()), book.heads)
}

func leaderOf(t *testing.T, n *broadcast) string {
	t.Helper()
	js, err := jetstream.New(n.conn)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().Config.Replicas; got != 3 {
		t.Errorf("the stream is kept by %d servers, want 3", got)
	}
	return s.CachedInfo().Cluster.Leader
}

// TestAStreamThatDoesNotServeIsTold has the relay say why it does not publish, and go on when that is put right.
func TestAStreamThatDoesNotServeIsTold(t *testing.T) {
	book, n := newBook(t), outside(t, stream.Config{}, natstest.New(t, nil))
	js, err := jetstream.New(n.conn)
	if err != nil {
		t.Fatal(err)
	}
	foreign := jetstream.StreamConfig{Name: stream.Name, Subjects: []string{"other"}}
	if _, err := js.CreateStream(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	told := make(signal, 1)
	r := relay.New(book.store, n.publisher, n.broker, relay.Options{
		Backoff: 20 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(told, nil)),
	})
	start(t, r)
	book.append("ledger-shop", 3)
	<-told
	if err := r.Ready(t.Context()); !errors.Is(err, stream.ErrConflict) {
		t.Errorf("ready: %v, want what is wrong with the stream", err)
	}
	if err := js.DeleteStream(t.Context(), stream.Name); err != nil {
		t.Fatal(err)
	}
	check(t, n.read(t, book.total()), book.heads)
}

// signal is a log of which it matters only that something is written.
type signal chan struct{}

func (s signal) Write(p []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(p), nil
}
