package progress

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/internal/watermark"
)

const (
	subjectProjected = "daybook.projected"
	subjectAppended  = "daybook.appended"
	subjectAwaited   = "daybook.awaited"
)

// How long what is to be told gathers, and how often the feed says that it is there.
const (
	gatherAppended  = 20 * time.Millisecond
	gatherProjected = 2 * time.Millisecond
	heartbeat       = time.Second
)

// ledgersMax bounds the ledgers in a message, so that it fits into what NATS takes, and how many are told of one commit.
const (
	ledgersMax        = 1000
	ledgersPendingMax = 10 * ledgersMax
)

// Options are what a node works with. Conn and Board are needed.
type Options struct {
	// Conn is the connection to NATS, which stays the caller's.
	Conn *nats.Conn
	// Board is told what the read models have.
	Board *watermark.Board
	// Bound is told how much they lack, if not nil.
	Bound *lag.Bound
	// Silence is after how long nobody is taken to feed the read models, if nothing is heard of it; 5 s where it is 0. The
	// feed tells something each second.
	Silence time.Duration
	// Logger takes what cannot be read or sent. Nil discards it.
	Logger *slog.Logger
}

// Node hears, for this process, how far the read models are. It is a worker (see package run), and safe for concurrent use.
type Node struct {
	Options

	// heads are what was appended here and has yet to be told; grown has a token where there are any.
	mu    sync.Mutex
	heads map[string]uint64
	grown chan struct{}

	// feed is this process's own, while it feeds the read models.
	feedMu sync.Mutex
	feed   *Feed
	// heard has a token when somebody else said what read models lack.
	heard chan struct{}
}

// New makes a node. It hears nothing until it runs.
func New(o Options) *Node {
	o.Silence = cmp.Or(o.Silence, 5*heartbeat)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Node{
		Options: o, heads: make(map[string]uint64), grown: make(chan struct{}, 1), heard: make(chan struct{}, 1),
	}
}

// Name is for logs.
func (n *Node) Name() string { return "progress of the read models" }

// Run hears and tells until ctx ends.
func (n *Node) Run(ctx context.Context) error {
	subscription, err := n.Conn.Subscribe(subjectProjected, n.hear)
	if err != nil {
		return fmt.Errorf("hear of the read models: %w", err)
	}
	defer func() { _ = subscription.Unsubscribe() }() // the connection may be gone
	silence := time.NewTimer(n.Silence)
	defer silence.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.heard:
			silence.Reset(n.Silence)
		case <-silence.C:
			n.forget()
			silence.Reset(n.Silence)
		case <-n.Board.Awaited():
			n.tellAwaited()
		case <-n.grown:
			run.Pause(ctx, gatherAppended)
			n.tellAppended()
		}
	}
}

// Appended says that this process has appended events to a ledger, up to a revision.
func (n *Node) Appended(ledger string, last uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heads[ledger] = max(n.heads[ledger], last)
	signal(n.grown)
}

func (n *Node) tellAppended() {
	n.mu.Lock()
	heads := n.heads
	n.heads = make(map[string]uint64)
	n.mu.Unlock()
	for part := range parts(heads) {
		n.send(subjectAppended, part)
	}
}

// tellAwaited tells whoever feeds that somebody waits.
func (n *Node) tellAwaited() {
	n.feedMu.Lock()
	defer n.feedMu.Unlock()
	if n.feed != nil {
		signal(n.feed.awaited)
		return
	}
	n.send(subjectAwaited, nil)
}

// notice is what is told of the read models.
type notice struct {
	// Lacks has how many events a projection lacks, of all that are being fed; nil as long as that is being found out.
	Lacks map[string]uint64 `json:"lacks"`
	// Ledgers has the revisions that projections have of a ledger.
	Ledgers map[string]map[string]uint64 `json:"ledgers,omitempty"`
}

// hear takes what another node says of the read models. While they are fed here, nobody else knows more of them.
func (n *Node) hear(message *nats.Msg) {
	n.feedMu.Lock()
	defer n.feedMu.Unlock()
	if n.feed != nil {
		return
	}
	var said notice
	if err := json.Unmarshal(message.Data, &said); err != nil {
		n.Logger.Warn("cannot read what is said of the read models", "error", err)
		return
	}
	for ledger, projections := range said.Ledgers {
		for projection, revision := range projections {
			n.Board.Publish(projection, ledger, revision)
		}
	}
	if said.Lacks != nil {
		n.Bound.Tell(said.Lacks)
		signal(n.heard)
	}
}

// forget takes it that nobody feeds the read models, or knows what they lack.
func (n *Node) forget() {
	n.feedMu.Lock()
	defer n.feedMu.Unlock()
	if n.feed == nil || n.feed.Lacks() == nil {
		n.Bound.Tell(nil)
	}
}

// send sends what may be lost: without a connection nobody hears it.
func (n *Node) send(subject string, content any) {
	data, err := json.Marshal(content)
	if err == nil {
		err = n.Conn.Publish(subject, data)
	}
	if err != nil {
		n.Logger.Debug("cannot tell other nodes of the read models", "subject", subject, "error", err)
	}
}

// signal leaves a token where there is none.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
