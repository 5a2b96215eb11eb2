package forward

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/cluster"
)

// Subject is where a node gets what other nodes have for it.
func Subject(node string) string { return "daybook.node." + node + ".commands" }

// Options are what a forwarder needs. Every zero field but Conn and Member stands for the value in brackets.
type Options struct {
	// Conn is the connection to NATS, which stays the caller's.
	Conn *nats.Conn
	// Member tells who owns what.
	Member *cluster.Member
	// Patience is how long an owner is looked for that takes a request, before that is answered 503 [20 s]. It should be longer
	// than it takes until the session of a node that has died is over.
	Patience time.Duration
	// Silence is how long another node may give no sign of life before it is given up [10 s]. It is long, since a node that is gone
	// is told of otherwise: its session ends.
	Silence time.Duration
	// BodyLimit is the longest body that is kept to be sent, in bytes [32 MiB]. One that is longer goes to the handler of
	// this node, which refuses it.
	BodyLimit int64
	// SendOnce tells of requests that are not sent again after an attempt of which nobody knows what it has done, although they have an
	// idempotency key: those whose answer does not tell by its status whether all that was asked for was accepted [none].
	SendOnce func(echo.Context) bool
	// Logger is told what goes wrong on the way [discarded].
	Logger *slog.Logger
	// Registerer gets the metrics [none].
	Registerer prometheus.Registerer
}

// Forwarder has requests answered by other nodes, and answers theirs. It is safe for concurrent use.
type Forwarder struct {
	options Options
	log     *slog.Logger
	metrics *metrics
	inbox   string

	count atomic.Uint64 // of the requests that were sent

	mu     sync.Mutex
	asked  map[string]*call     // with other nodes, by their number
	serves map[string]*exchange // for other nodes, by the subject of their answers
	closed bool                 // no more requests of other nodes are taken
	busy   sync.WaitGroup       // requests of other nodes
	heard  *nats.Subscription   // to what comes back
}

// New makes a forwarder. Close it, after its worker has ended and when no request is left.
func New(o Options) (*Forwarder, error) {
	o.Patience = cmp.Or(o.Patience, 20*time.Second)
	o.Silence = cmp.Or(o.Silence, 10*time.Second)
	o.BodyLimit = cmp.Or(o.BodyLimit, 32<<20)
	if o.SendOnce == nil {
		o.SendOnce = func(echo.Context) bool { return false }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Forwarder{
		options: o, log: o.Logger, metrics: newMetrics(o.Registerer), inbox: o.Conn.NewInbox(),
		asked: map[string]*call{}, serves: map[string]*exchange{},
	}
	var err error
	if f.heard, err = o.Conn.Subscribe(f.inbox+".*", f.hearAnswer); err != nil {
		return nil, fmt.Errorf("subscribe to the answers of other nodes: %w", err)
	}
	return f, nil
}

// Close ends what is left.
func (f *Forwarder) Close() error {
	if err := f.heard.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from the answers of other nodes: %w", err)
	}
	return nil
}

// partSize is how long a part can be at most: NATS takes the frame in one message, and others get a turn in between.
func (f *Forwarder) partSize() int {
	const most = 256 << 10
	size := f.options.Conn.MaxPayload() - frameOverhead
	if size <= 0 { // it was never connected
		return most
	}
	return int(min(size, most))
}
