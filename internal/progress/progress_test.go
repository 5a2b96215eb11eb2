package progress_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/progress"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
	"github.com/daybook-ledger/daybook/internal/watermark"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds waits for what must come; it is never waited out in a test that passes.
const patience = time.Minute

// node is a node that runs.
type node struct {
	*progress.Node

	board *watermark.Board
	bound *lag.Bound
	conn  *nats.Conn
}

// mostBehind is how far read models may be behind in these tests.
const mostBehind = 100

func start(t *testing.T, servers string, silence time.Duration) *node {
	t.Helper()
	conn, err := nats.Connect(servers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	n := &node{board: watermark.New(), bound: lag.New(mostBehind, nil), conn: conn}
	n.Node = progress.New(progress.Options{
		Conn: conn, Board: n.board, Bound: n.bound, Silence: silence, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	return n
}

// two are nodes that know that they hear each other.
func two(t *testing.T, silence time.Duration) (a, b *node) {
	t.Helper()
	servers := natstest.URLs(natstest.New(t, nil))
	a, b = start(t, servers, silence), start(t, servers, silence)
	for _, pair := range [][2]*node{{a, b}, {b, a}} {
		feed := pair[0].feed(t)
		end := make(chan struct{})
		var telling sync.WaitGroup
		telling.Go(func() { // until the other one has begun to listen
			for {
				feed.Publish("greeting", "hello", 1)
				select {
				case <-end:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
		pair[1].reaches(t, "hello", 1, "greeting")
		close(end)
		telling.Wait()
		feed.Close()
	}
	return a, b
}

func (n *node) feed(t *testing.T) *progress.Feed {
	t.Helper()
	feed, err := n.Feed()
	if err != nil {
		t.Fatal(err)
	}
	return feed
}

// reaches waits until a node's board has a revision.
func (n *node) reaches(t *testing.T, ledger string, revision uint64, projections ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := n.board.Wait(ctx, ledger, revision, projections...); err != nil {
		t.Fatal(err)
	}
}

// becomes waits until a node's commands are held up, or are not.
func (n *node) becomes(t *testing.T, held bool) {
	t.Helper()
	end := time.After(patience)
	for (n.bound.Held() != nil) != held {
		select {
		case <-time.After(time.Millisecond): // nobody says when a bound begins to hold
		case <-end:
			t.Fatalf("held up is %t for ever, %d behind", !held, n.bound.Behind())
		}
	}
}

// lacks waits until a node knows how far the read models are behind.
func (n *node) lacks(t *testing.T, events uint64) {
	t.Helper()
	for end := time.Now().Add(patience); n.bound.Behind() != events; time.Sleep(time.Millisecond) { // nobody tells of it
		if time.Now().After(end) {
			t.Fatalf("%d behind, want %d", n.bound.Behind(), events)
		}
	}
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: it never happened", what)
	}
}

func TestOtherNodesHearOfCommits(t *testing.T) {
	a, b := two(t, 0)
	feed := a.feed(t)
	feed.Publish("entries", "main", 7)
	feed.Publish("accounts", "main", 9)
	feed.Publish("entries", "other", 3)
	for _, n := range []*node{a, b} {
		n.reaches(t, "main", 7, "entries", "accounts")
		n.reaches(t, "main", 9, "accounts")
		n.reaches(t, "other", 3, "entries")
	}
	feed.Close()

	feed = b.feed(t) // it feeds now
	defer feed.Close()
	feed.Publish("entries", "main", 8)
	a.reaches(t, "main", 8, "entries")
}

// Messages have a largest size.
func TestCommitsOfManyLedgersAreHeardOf(t *testing.T) {
	a, b := two(t, 0)
	feed := a.feed(t)
	defer feed.Close()
	const ledgers = 3500
	name := func(i int) string {
		return fmt.Sprintf("a-ledger-with-a-name-that-is-as-long-as-names-can-be-%010d", i)
	}
	for i := range ledgers {
		for _, projection := range []string{"ledgers", "accounts", "entries", "transactions", "holds", "periods", "assertions"} {
			feed.Publish(projection, name(i), uint64(i))
		}
	}
	for i := range ledgers {
		b.reaches(t, name(i), uint64(i), "ledgers", "assertions")
	}
}

func TestWhoWaitsIsHeard(t *testing.T) {
	a, b := two(t, 0)
	feed := a.feed(t)
	defer feed.Close()
	for revision, n := range []*node{a, b, a, b} {
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() { _ = n.board.Wait(ctx, "main", uint64(revision), "entries") })
		await(t, "the feed is told", feed.Awaited())
		feed.Publish("entries", "main", uint64(revision))
		waiting.Wait()
		cancel()
	}
}

func TestCommandsAreHeldUpOnEveryNode(t *testing.T) {
	a, b := two(t, time.Hour)
	feed := a.feed(t)
	defer feed.Close()
	feed.Log(map[string]uint64{"idle": 1000})
	feed.Has("entries", 1000)
	feed.Has("accounts", 1000)
	feed.Counted()
	b.Appended("main", 49)
	a.Appended("other", 50)
	b.Appended("main", 39) // it comes late, and is known
	b.Appended("main", 50) // 51 events of one and 51 of the other
	for _, n := range []*node{a, b} {
		n.becomes(t, true)
		if behind := n.bound.Behind(); behind != 102 {
			t.Errorf("%d behind, want 102", behind)
		}
	}
	feed.Has("entries", 1051)
	feed.Has("accounts", 1031)
	for _, n := range []*node{a, b} {
		n.becomes(t, false) // 71 of the one, 51 of the other
	}
	b.Appended("main", 80) // 101
	b.becomes(t, true)
	feed.Gone("accounts")
	b.becomes(t, false)
}

// TestWhatIsLackingWhenAFeedBeginsCounts: meanwhile nobody takes it that nothing is.
func TestWhatIsLackingWhenAFeedBeginsCounts(t *testing.T) {
	a, b := two(t, time.Hour)
	feed := a.feed(t)
	feed.Has("entries", 0)
	feed.Counted()
	b.Appended("main", mostBehind)
	b.becomes(t, true)
	feed.Close()

	feed = a.feed(t)
	defer feed.Close()
	feed.Has("entries", 0)
	feed.Publish("entries", "other", 7)
	b.reaches(t, "other", 7, "entries") // which it was told of by the feed that has yet to count
	if behind := b.bound.Behind(); behind != mostBehind+1 || b.bound.Held() == nil {
		t.Errorf("%d behind, and commands are taken", behind)
	}
	feed.Log(map[string]uint64{"main": mostBehind + 1, "idle": 50})
	feed.Counted()
	for _, n := range []*node{a, b} {
		n.lacks(t, mostBehind+51)
	}
	b.Appended("other", 10) // who begins so far behind may be so, and not much further
	a.becomes(t, true)
	feed.Has("entries", mostBehind)
	for _, n := range []*node{a, b} {
		n.becomes(t, false)
		n.lacks(t, 62)
	}
}

func TestWhatNobodyFeedsHoldsNothingUp(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *node, *node, *progress.Feed){
		"it is not fed any more": func(_ *testing.T, _, _ *node, feed *progress.Feed) { feed.Close() },
		"its node cannot be heard": func(_ *testing.T, a, _ *node, feed *progress.Feed) {
			a.conn.Close()
			feed.Close()
		},
		"whoever feeds it cannot find out what it lacks": func(t *testing.T, _, b *node, feed *progress.Feed) {
			t.Helper()
			feed.Close()
			feed = b.feed(t)
			t.Cleanup(feed.Close)
			feed.Has("entries", 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := two(t, 1500*time.Millisecond)
			feed := a.feed(t)
			feed.Has("entries", 0)
			feed.Counted()
			b.Appended("main", mostBehind)
			for _, n := range []*node{a, b} {
				n.becomes(t, true)
			}
			end(t, a, b, feed)
			for _, n := range []*node{a, b} {
				n.becomes(t, false)
			}
		})
	}
}
