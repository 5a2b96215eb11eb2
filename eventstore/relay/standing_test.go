package relay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// window is for how long the broker of these tests remembers ids: so that a pause may be longer.
const window = 100 * time.Millisecond

// forgetful is a broker outside that soon knows no id any more.
func forgetful(t *testing.T, server *natstest.Server) *broadcast {
	t.Helper()
	n := outside(t, stream.Config{}, server)
	_, err := n.jetstream(t).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: stream.Name, Subjects: []string{stream.All}, AllowBatchPublish: true, Duplicates: window,
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *broadcast) jetstream(t *testing.T) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(n.conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func (n *broadcast) stream(t *testing.T) jetstream.Stream {
	t.Helper()
	s, err := n.jetstream(t).Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stored is how many messages were ever stored.
func (n *broadcast) stored(t *testing.T) int {
	t.Helper()
	return int(n.stream(t).CachedInfo().State.LastSeq)
}

// once demands that everything was stored once, in the order of the log.
func (n *broadcast) once(t *testing.T, want int) {
	t.Helper()
	events, last := n.read(t, want), eventstore.Start
	for _, e := range events {
		position, err := eventstore.ParsePosition(e.Position)
		if err != nil || position.Compare(last) <= 0 {
			t.Errorf("position %s comes after %s", e.Position, last)
		}
		last = position
	}
	if got := n.stored(t); got != want {
		t.Errorf("%d messages were stored, want %d", got, want)
	}
}

// relayOver runs a relay with small batches until it is stopped.
func relayOver(t *testing.T, book *book, n *broadcast) (stop func()) {
	t.Helper()
	return start(t, relay.New(book.store, n.publisher, n.broker, relay.Options{MaxEvents: 10, Backoff: 20 * time.Millisecond}))
}

// await waits until the last event of a book is the last of the stream.
func (n *broadcast) await(t *testing.T, book *book) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s := n.stream(t)
		msg, err := s.GetMsg(t.Context(), s.CachedInfo().State.LastSeq)
		if err == nil && msg.Header.Get(stream.HeaderID) == book.id().String() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the last event does not come")
		}
	}
}

// deadly is a publisher whose process dies so many batches after one that the broker did not take as it was meant.
type deadly struct {
	*stream.Publisher

	after   int
	trouble bool
	dead    chan struct{}
}

var errDead = errors.New("the process is dead")

func (d *deadly) PublishEvents(after uint64, events []stream.Event) error {
	if d.trouble && d.after == 0 {
		select {
		case <-d.dead:
		default:
			close(d.dead)
		}
		return errDead
	}
	if d.trouble {
		d.after--
	}
	err := d.Publisher.PublishEvents(after, events)
	d.trouble = d.trouble || err != nil
	return err
}

// TestARelayThatDiesWhileItRefillsLeavesNoHole has a server lose many events, and the relay that publishes them again die
// before all are there.
func TestARelayThatDiesWhileItRefillsLeavesNoHole(t *testing.T) {
	for after := range 3 {
		server := natstest.New(t, nil)
		book, n := newBook(t), forgetful(t, server)
		d := &deadly{Publisher: n.publisher, after: after, dead: make(chan struct{})}
		stop := start(t, relay.New(book.store, d, n.broker, relay.Options{MaxEvents: 10, Backoff: time.Millisecond}))
		book.append("ledger-shop", 5)
		n.await(t, book)
		server.Stop()
		server.Save()
		server.Start()
		n.reconnected(t)
		book.append("ledger-shop", 45)
		n.await(t, book)
		server.Stop()
		server.Restore()
		server.Start()
		n.reconnected(t)
		book.append("ledger-shop", 10)
		<-d.dead
		stop()
		relayOver(t, book, n)
		checkAll(t, n.read(t, book.total()), book.heads)
	}
}

func (n *broadcast) reconnected(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); !n.conn.IsConnected() || n.conn.Flush() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no connection")
		}
	}
}

// paused is a publisher that does not go on for a while.
type paused struct {
	*stream.Publisher

	begun, goOn chan struct{}
}

func (p *paused) PublishEvents(after uint64, events []stream.Event) error {
	p.begun <- struct{}{}
	<-p.goOn
	return p.Publisher.PublishEvents(after, events)
}

// TestARelayThatWasPausedStoresNothingAgain pauses a relay with a batch in its hands until its successor has published that
// and more, and the broker has forgotten the ids.
func TestARelayThatWasPausedStoresNothingAgain(t *testing.T) {
	book, n := newBook(t), forgetful(t, natstest.New(t, nil))
	p := &paused{Publisher: n.publisher, begun: make(chan struct{}), goOn: make(chan struct{})}
	book.append("ledger-shop", 5)
	stop := start(t, relay.New(book.store, p, n.broker, relay.Options{MaxEvents: 10, Backoff: time.Millisecond}))
	<-p.begun
	stopSuccessor := relayOver(t, book, n)
	book.append("ledger-shop", 20)
	n.await(t, book)
	<-time.After(3 * window) // the pause
	p.goOn <- struct{}{}
	book.append("ledger-shop", 5)
	n.await(t, book)
	close(p.goOn)
	go func() {
		for range p.begun { // whatever it still tries goes through
		}
	}()
	stop()
	stopSuccessor()
	close(p.begun)
	n.once(t, book.total())
}

// TestAStartStoresNothingAgain starts a relay after the broker has forgotten the ids.
func TestAStartStoresNothingAgain(t *testing.T) {
	book, n := newBook(t), forgetful(t, natstest.New(t, nil))
	for range 3 {
		stop := relayOver(t, book, n)
		book.append("ledger-shop", 15)
		n.await(t, book)
		stop()
		<-time.After(3 * window) // nobody relays
	}
	n.once(t, book.total())
}

// TestWhatExpiredIsNotPublishedAgain empties the stream as age does, while a relay works and while none does.
func TestWhatExpiredIsNotPublishedAgain(t *testing.T) {
	server := natstest.New(t, nil)
	book, n := newBook(t), forgetful(t, server)
	for range 2 {
		stop := relayOver(t, book, n)
		book.append("ledger-shop", 15)
		n.await(t, book)
		n.purge(t)
		book.append("ledger-shop", 15)
		n.await(t, book)
		stop()
		n.purge(t)
		server.Stop()
		server.Start()
		n.reconnected(t)
		<-time.After(3 * window)
	}
	book.append("ledger-shop", 3) // while nobody relays: these are to come
	relayOver(t, book, n)
	n.await(t, book)
	if got := n.stored(t); got != book.total() {
		t.Errorf("%d messages were stored, want %d", got, book.total())
	}
}

func (n *broadcast) purge(t *testing.T) {
	t.Helper()
	if err := n.stream(t).Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestSomebodyElsesMessagesChangeNothing has messages between the events and behind them that are none.
func TestSomebodyElsesMessagesChangeNothing(t *testing.T) {
	book, n := newBook(t), forgetful(t, natstest.New(t, nil))
	foreign := 0
	for range 3 {
		stop := relayOver(t, book, n)
		book.append("ledger-shop", 10)
		n.await(t, book)
		stop()
		for range 5 {
			subject := stream.Subject("shop", "TransactionPosted")
			if _, err := n.jetstream(t).Publish(context.Background(), subject, []byte("{}")); err != nil {
				t.Fatal(err)
			}
			foreign++
		}
		<-time.After(3 * window)
	}
	book.append("ledger-shop", 1)
	relayOver(t, book, n)
	n.await(t, book)
	if got := n.stored(t); got != book.total()+foreign {
		t.Errorf("%d messages were stored, want %d", got, book.total()+foreign)
	}
}

// TestAnotherLogIsPublishedWhole has the stream end with events of a log that is not the relay's.
func TestAnotherLogIsPublishedWhole(t *testing.T) {
	n := forgetful(t, natstest.New(t, nil))
	one, other := newBook(t), newBook(t)
	one.append("ledger-shop", 30)
	stop := relayOver(t, one, n)
	n.await(t, one)
	stop()
	other.n = 1000
	other.append("ledger-shop", 20)
	relayOver(t, other, n)
	n.await(t, other)
	if got := n.stored(t); got != 50 {
		t.Errorf("%d messages were stored, want those of both logs, 50", got)
	}
}
