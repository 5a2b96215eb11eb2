package linear_test

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/cluster/forward"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

// The shortest lease, so that a test sees many of them end.
const lease = cluster.MinLease

// node is a process of a cluster, as far as deciding commands goes.
type node struct {
	t    *testing.T
	name string
	url  string
	// nats and store are its links to both. Frozen together they make it what a process is that is paused, as others see it.
	nats, store natstest.Link
	conn        *nats.Conn
	engines     *commands.Engines
	cancel      []context.CancelFunc
	ended       []chan error
}

type worker interface {
	Run(ctx context.Context) error
}

// startNode starts a process over a log that it shares with others.
func startNode(t *testing.T, servers, name string, store *memstore.Store) *node {
	t.Helper()
	n := &node{t: t, name: name}
	log := slog.New(slog.DiscardHandler)
	var err error
	n.conn, err = nats.Connect(servers, nats.SetCustomDialer(&n.nats), nats.ReconnectBufSize(-1), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.PingInterval(time.Second), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	member, err := cluster.New(cluster.Options{
		Conn: n.conn, Lease: lease, Logger: log, Node: cluster.Node{Name: name, Home: name, Roles: []string{cluster.RoleCommands}},
		Taken: func(ledger string) { n.engines.Release(ledgername.Stream(ledger)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	forwarder, err := forward.New(forward.Options{Conn: n.conn, Member: member, Logger: log, Silence: 3 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	behind := pausable{Store: store, link: &n.store}
	n.engines = commands.NewEngines(behind, engine.Options{})
	e := httpx.New(httpx.Options{})
	commands.New(commands.Options{
		Ledgers: n.engines, Store: behind, Around: forwarder.Middleware(commands.LedgerOf),
	}).Register(e.Group("/v1"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.url = "http://" + listener.Addr().String()
	for _, w := range []worker{member, forwarder.Answering(e), httpx.NewServer(listener, e, nil)} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		n.cancel, n.ended = append(n.cancel, cancel), append(n.ended, ended)
	}
	return n
}

// stop ends the process in order; with its links to NATS cut before that, it is as if it had died.
func (n *node) stop(died bool) {
	n.t.Helper()
	if died {
		n.conn.Close()
	}
	n.nats.Thaw()
	n.store.Thaw()
	for i := len(n.cancel) - 1; i >= 0; i-- {
		n.cancel[i]()
		if err := <-n.ended[i]; err != nil {
			n.t.Errorf("node %s: %v", n.name, err)
		}
	}
	if err := n.engines.Close(context.WithoutCancel(n.t.Context())); err != nil {
		n.t.Errorf("node %s: %v", n.name, err)
	}
	n.conn.Close()
}

// pausable is a log to which the link can be frozen.
type pausable struct {
	eventstore.Store

	link *natstest.Link
}

// Append implements [eventstore.Store].
func (p pausable) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	p.link.Wait()
	appended, err := p.Store.Append(ctx, stream, expected, records)
	p.link.Wait()
	return appended, err
}

// ReadStream implements [eventstore.Store].
func (p pausable) ReadStream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		p.link.Wait()
		for recorded, err := range p.Store.ReadStream(ctx, stream, from) {
			if !yield(recorded, err) {
				return
			}
		}
		p.link.Wait()
	}
}

// post asks a node for a posting, and puts into words what it answers.
func (n *node) post(client *http.Client, p transfer) told {
	request, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, n.url+"/v1/ledgers/books/transactions", p.body())
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if p.key > 0 {
		request.Header.Set("Idempotency-Key", strconv.Itoa(p.key))
	}
	response, err := client.Do(request)
	if err != nil {
		return told{outcome: unknown}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return told{outcome: unknown}
	}
	return p.answered(n.t, response, body)
}
