package progress

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/run"
)

// Feed is where the projections of this process say how far they are, while they are the ones that are run: to this node's board
// and bound, and to those of the others. It is safe for concurrent use.
type Feed struct {
	// Count is told what the log has and what the projections have, and hears what every node appends.
	*lag.Count

	node    *Node
	awaited chan struct{}
	stop    context.CancelFunc
	done    chan struct{}

	mu sync.Mutex
	// pending is what was published and has yet to be told, of a bounded number of ledgers: who waits for another one looks
	// for himself.
	pending map[string]map[string]uint64
	changed chan struct{}
}

// Feed begins to tell how far the projections of this process are. A process has one at a time, and closes it when its
// projections have ended.
func (n *Node) Feed() (*Feed, error) {
	ctx, stop := context.WithCancel(context.Background())
	f := &Feed{
		node: n, awaited: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
		pending: make(map[string]map[string]uint64), changed: make(chan struct{}, 1),
	}
	f.Count = lag.NewCount(func(map[string]uint64) { signal(f.changed) })
	appended, err := n.Conn.Subscribe(subjectAppended, f.hearAppended)
	if err != nil {
		stop()
		return nil, fmt.Errorf("hear what is appended: %w", err)
	}
	awaited, err := n.Conn.Subscribe(subjectAwaited, func(*nats.Msg) { signal(f.awaited) })
	if err != nil {
		_ = appended.Unsubscribe() // the connection is closed, or this could not have failed
		stop()
		return nil, fmt.Errorf("hear who waits: %w", err)
	}
	_ = n.Conn.FlushTimeout(heartbeat) // so that what is said from now on is heard; where NATS is away nobody says anything
	n.feedMu.Lock()
	n.feed = f
	n.feedMu.Unlock()
	go func() {
		defer close(f.done)
		f.run(ctx)
		_, _ = appended.Unsubscribe(), awaited.Unsubscribe() // the connection may be gone
	}()
	return f, nil
}

// Close ends it: the read models are not fed here any more.
func (f *Feed) Close() {
	f.stop()
	<-f.done
	f.node.feedMu.Lock()
	defer f.node.feedMu.Unlock()
	f.node.feed = nil
	f.node.Bound.Tell(nil)
}

// Publish says that a projection has committed everything up to a revision of a ledger.
func (f *Feed) Publish(projection, ledger string, revision uint64) {
	f.node.Board.Publish(projection, ledger, revision)
	f.mu.Lock()
	defer f.mu.Unlock()
	of := f.pending[ledger]
	if of == nil {
		if len(f.pending) >= ledgersPendingMax {
			return
		}
		of = make(map[string]uint64)
		f.pending[ledger] = of
	}
	of[projection] = revision
	signal(f.changed)
}

// Awaited has a token when somebody has begun to wait, on whichever node.
func (f *Feed) Awaited() <-chan struct{} { return f.awaited }

func (f *Feed) hearAppended(message *nats.Msg) {
	var ledgers map[string]uint64
	if err := json.Unmarshal(message.Data, &ledgers); err != nil {
		f.node.Logger.Warn("cannot read what was appended", "error", err)
		return
	}
	for ledger, last := range ledgers {
		ledgers[ledger] = last + 1
	}
	f.Log(ledgers)
}

func (f *Feed) run(ctx context.Context) {
	alive := time.NewTicker(heartbeat)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-alive.C:
		case <-f.changed:
			run.Pause(ctx, gatherProjected) // a commit is told ledger by ledger
		}
		f.tell()
	}
}

// tell tells what is pending, and what is lacking at present even where nothing is pending.
func (f *Feed) tell() {
	f.mu.Lock()
	pending := f.pending
	f.pending = make(map[string]map[string]uint64)
	f.mu.Unlock()
	lacks := f.Lacks()
	if lacks != nil {
		f.node.Bound.Tell(lacks)
	}
	told := lacks == nil
	for part := range parts(pending) {
		f.node.send(subjectProjected, notice{Lacks: lacks, Ledgers: part})
		told = true
	}
	if !told {
		f.node.send(subjectProjected, notice{Lacks: lacks})
	}
}

// parts gives the parts of a map that fit into a message each.
func parts[V any](all map[string]V) iter.Seq[map[string]V] {
	return func(yield func(map[string]V) bool) {
		if len(all) <= ledgersMax {
			if len(all) > 0 {
				yield(all)
			}
			return
		}
		part := make(map[string]V, ledgersMax)
		for key, value := range maps.All(all) {
			part[key] = value
			if len(part) == ledgersMax {
				if !yield(part) {
					return
				}
				part = make(map[string]V, ledgersMax)
			}
		}
		if len(part) > 0 {
			yield(part)
		}
	}
}
