package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/chaos"
)

const patience = 60 * time.Second

// TestMain leaves two goroutines out that are the NATS server's: one that is stopped while it makes a stream, as happens here, forgets the
// store of that stream.
func TestMain(m *testing.M) {
	const server = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction(server+".(*fileStore).flushStreamStateLoop"), goleak.IgnoreTopFunction(server+"/ats.Register.func1"))
}

// broker is a publisher and what is behind it: it remembers messages in the order in which they were stored, dropping
// those that it has, as JetStream does.
type broker struct {
	mu      sync.Mutex
	events  []stream.Event
	known   map[string]bool
	away    bool
	changed chan struct{}
	// refused takes a token when a relay was turned away.
	refused chan struct{}
}

var errAway = errors.New("the broker is away")

func newBroker() *broker {
	return &broker{known: map[string]bool{}, changed: make(chan struct{}), refused: make(chan struct{}, 1)}
}

func (b *broker) Publish(_ string, messages ...*message.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return errAway
	}
	for i, msg := range messages {
		e, err := stream.ParseMessage(msg)
		if err != nil {
			return err
		}
		if b.known[e.ID] {
			continue
		}
		if i == 0 && msg.Metadata[stream.KeyAfter] != strconv.Itoa(len(b.events)) {
			return stream.ErrMoved
		}
		b.known[e.ID] = true
		b.events = append(b.events, e)
	}
	close(b.changed)
	b.changed = make(chan struct{})
	if len(messages) > 0 && messages[0].Metadata[stream.KeyAfter] != strconv.Itoa(len(b.events)-len(messages)) {
		return stream.ErrMoved
	}
	return nil
}

func (b *broker) Close() error { return nil }

func (b *broker) Ensure(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.away {
		return nil
	}
	select {
	case b.refused <- struct{}{}:
	default:
	}
	return errAway
}

func (b *broker) End(_ context.Context, ours stream.Ours) (stream.End, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.events)
	if n == 0 {
		return stream.End{}, nil
	}
	last := b.events[n-1]
	if known, err := ours(&last); err != nil || !known {
		return stream.End{Sequence: uint64(n)}, err
	}
	return stream.End{Sequence: uint64(n), Last: &last}, nil
}

func (b *broker) Note(context.Context, stream.End) error { return nil }

// change does something to the broker between two publishes.
func (b *broker) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// wait returns what the broker has as soon as it has n events.
func (b *broker) wait(t *testing.T, n int) []stream.Event {
	t.Helper()
	timeout := time.After(patience)
	for {
		b.mu.Lock()
		events, changed := b.events, b.changed
		b.mu.Unlock()
		if len(events) >= n {
			return events
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("the broker has %d events, want %d", len(events), n)
		}
	}
}

// book appends events to a store, in several ledgers.
type book struct {
	t     *testing.T
	store eventstore.Store
	n     int
	heads map[string]int
}

func newBook(t *testing.T) *book {
	t.Helper()
	store := memstore.New()
	t.Cleanup(func() { _ = store.Close() })
	return &book{t: t, store: store, heads: map[string]int{}}
}

func (b *book) append(name string, n int) {
	b.t.Helper()
	records := make([]eventstore.Record, n)
	for i := range records {
		b.n++
		records[i] = eventstore.Record{
			ID: b.id(), Type: "TransactionPosted",
			Data: fmt.Appendf(nil, `{"n":%d}`, b.n), Metadata: fmt.Appendf(nil, `{"actor":"%s"}`, name),
		}
	}
	if _, err := b.store.Append(b.t.Context(), name, eventstore.Any(), records); err != nil {
		b.t.Fatalf("append: %v", err)
	}
	b.heads[name] += n
}

// id is that of the last event.
func (b *book) id() eventstore.ID {
	return eventstore.ID{0: 1, 13: byte(b.n >> 16), 14: byte(b.n >> 8), 15: byte(b.n)}
}

// total is how many events the ledgers have.
func (b *book) total() int {
	total := 0
	for name, head := range b.heads {
		if _, ok := cutLedger(name); ok {
			total += head
		}
	}
	return total
}

// start runs a relay until the test's end, or until the function that it returns is called.
func start(t testing.TB, r *relay.Relay) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the relay ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("the relay did not end")
		}
	})
	t.Cleanup(stop)
	return stop
}

// check demands that first occurrences of each ledger's revisions come in order, and all of them.
func check(t *testing.T, events []stream.Event, heads map[string]int) {
	t.Helper()
	next := map[string]uint64{}
	for _, e := range events {
		if e.Revision != next[e.Ledger] {
			t.Fatalf("ledger %s: revision %d comes when %d is next", e.Ledger, e.Revision, next[e.Ledger])
		}
		next[e.Ledger]++
	}
	checkAll(t, events, heads)
}

// checkAll demands that each ledger's revisions are all there, in any order.
func checkAll(t *testing.T, events []stream.Event, heads map[string]int) {
	t.Helper()
	seen := map[string]map[uint64]bool{}
	for _, e := range events {
		if seen[e.Ledger] == nil {
			seen[e.Ledger] = map[uint64]bool{}
		}
		seen[e.Ledger][e.Revision] = true
	}
	for name, head := range heads {
		ledger, ok := cutLedger(name)
		if ok && len(seen[ledger]) != head {
			t.Errorf("ledger %s: %d events arrived, want %d", ledger, len(seen[ledger]), head)
		}
	}
}

func cutLedger(stream string) (string, bool) {
	const prefix = "ledger-"
	if len(stream) <= len(prefix) || stream[:len(prefix)] != prefix {
		return "", false
	}
	return stream[len(prefix):], true
}

func TestPublishesEveryEventOfEveryLedgerInOrder(t *testing.T) {
	book, broker := newBook(t), newBroker()
	book.append("ledger-shop", 5)
	book.append("users", 3)
	book.append("ledger-other", 2)
	start(t, relay.New(book.store, broker, broker, relay.Options{MaxEvents: 3}))
	broker.wait(t, 7)
	book.append("ledger-shop", 4)

	events := broker.wait(t, 11)
	check(t, events, book.heads)
	first := events[0]
	if first.ID != "01000000-0000-0000-0000-000000000001" || first.Type != "TransactionPosted" ||
		string(first.Data) != `{"n":1}` || string(first.Metadata) != `{"actor":"ledger-shop"}` || first.Position == "" {
		t.Errorf("the first event is %+v", first)
	}
}

func TestGoesOnWhenTheBrokerIsBack(t *testing.T) {
	book, broker := newBook(t), newBroker()
	start(t, relay.New(book.store, broker, broker, relay.Options{Backoff: time.Millisecond}))
	book.append("ledger-shop", 10)
	broker.wait(t, 10)
	broker.change(func() { broker.away = true })
	for range 5 {
		book.append("ledger-shop", 10)
	}
	<-broker.refused
	broker.change(func() { broker.away = false })
	check(t, broker.wait(t, 60), book.heads)
}

func TestTellsOnceThatTheStoreIsAway(t *testing.T) {
	b, book := newBroker(), newBook(t)
	book.append("ledger-shop", 3)
	store := storetest.NewFaulty(book.store)
	store.FailReads(eventstore.ErrUnavailable)
	registry := prometheus.NewRegistry()
	log := new(logged)
	defer start(t, relay.New(store, b, b, relay.Options{
		Backoff: time.Millisecond, Registry: registry, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}))()
	for deadline := time.Now().Add(patience); failures(t, registry) < 5; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the relay does not try again")
		}
	}
	store.FailReads(nil)
	check(t, b.wait(t, 3), book.heads)
	if text := log.String(); strings.Count(text, "cannot publish") != 1 || strings.Count(text, "publishing again") > 1 {
		t.Errorf("it told\n%s", text)
	}
}

// logged is a log that is read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func failures(t *testing.T, registry *prometheus.Registry) (n float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "daybook_relay_failures_total" {
			n = family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return n
}

func TestPublishesAgainWhatTheBrokerLost(t *testing.T) {
	book, broker := newBook(t), newBroker()
	start(t, relay.New(book.store, broker, broker, relay.Options{Backoff: time.Millisecond}))
	book.append("ledger-shop", 10)
	broker.wait(t, 10)
	broker.change(func() {
		broker.away, broker.events, broker.known = true, nil, map[string]bool{}
	})
	book.append("ledger-shop", 1)
	<-broker.refused
	broker.change(func() { broker.away = false })
	check(t, broker.wait(t, 11), book.heads)
}

func TestRestartGoesOnWithoutLoss(t *testing.T) {
	book, broker := newBook(t), newBroker()
	for round := 1; round <= 5; round++ {
		stop := start(t, relay.New(book.store, broker, broker, relay.Options{MaxEvents: 4}))
		book.append("ledger-shop", 7)
		broker.wait(t, 7*round)
		stop()
	}
	check(t, broker.wait(t, 35), book.heads)
}

// TestPartOfABatchIsNoLoss kills a relay in the middle of a batch of which the broker stored the beginning and not the
// end. The next relay must see that.
func TestPartOfABatchIsNoLoss(t *testing.T) {
	book, broker := newBook(t), newBroker()
	book.append("ledger-shop", 10)
	failed := make(chan struct{})
	half := publisherFunc(func(topic string, messages ...*message.Message) error {
		select {
		case <-failed:
		default:
			_ = broker.Publish(topic, messages[:len(messages)/2]...)
			close(failed)
		}
		return chaos.ErrInjected
	})
	stop := start(t, relay.New(book.store, half, broker, relay.Options{MaxEvents: 10}))
	<-failed
	stop()
	start(t, relay.New(book.store, broker, broker, relay.Options{MaxEvents: 10}))
	checkAll(t, broker.wait(t, 10), book.heads)
}

type publisherFunc func(topic string, messages ...*message.Message) error

func (f publisherFunc) Publish(topic string, m ...*message.Message) error { return f(topic, m...) }
func (f publisherFunc) Close() error                                      { return nil }

func TestAPublisherThatFailsAtRandomLosesNothing(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			book, broker := newBook(t), newBroker()
			options := relay.Options{MaxEvents: 10, Backoff: time.Millisecond}
			total := 0
			for round := range uint64(4) {
				failing := chaos.NewPublisher(broker, seed*100+round, 0.5)
				stop := start(t, relay.New(book.store, failing, broker, options))
				for i := range 10 {
					book.append(fmt.Sprintf("ledger-%d", i%3), 7)
					total += 7
				}
				broker.wait(t, total/2)
				stop()
			}
			start(t, relay.New(book.store, broker, broker, options))
			checkAll(t, broker.wait(t, total), book.heads)
		})
	}
}

func TestEndsWhereTheStoreIsClosed(t *testing.T) {
	book, broker := newBook(t), newBroker()
	done := make(chan error, 1)
	go func() { done <- relay.New(book.store, broker, broker, relay.Options{}).Run(context.Background()) }()
	book.append("ledger-shop", 1)
	broker.wait(t, 1)
	_ = book.store.Close()
	select {
	case err := <-done:
		if !errors.Is(err, eventstore.ErrClosed) {
			t.Errorf("the relay ended with %v, want ErrClosed", err)
		}
	case <-time.After(patience):
		t.Error("the relay did not end")
	}
}
