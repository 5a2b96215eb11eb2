package cluster

import (
	"context"
	"sync"

	"github.com/daybook-ledger/daybook/internal/run"
)

const (
	// fewAsked is how many commands for a ledger say nothing about where the next ones will come in.
	fewAsked = 20
	// mostGiven bounds what a node gives away at once: each of these ledgers is read by the node that gets it.
	mostGiven = 64
)

// origins count at which nodes the commands for ledgers came in. It is safe for concurrent use.
type origins struct {
	mu      sync.Mutex
	ledgers map[string]map[string]int // by the ledger, and then by the node
}

func (o *origins) count(ledger, node string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	nodes := o.ledgers[ledger]
	if nodes == nil {
		nodes = map[string]int{}
		o.ledgers[ledger] = nodes
	}
	nodes[node]++
}

// settled are the ledgers that were asked for often enough where nine in ten of the commands came in at one node, with that node. What was
// asked for often enough is counted anew from here, and what is not wanted is forgotten.
func (o *origins) settled(wanted func(ledger string) bool) map[string]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	settled := map[string]string{}
	for ledger, nodes := range o.ledgers {
		all, most, at := 0, 0, ""
		for node, n := range nodes {
			if all += n; n > most {
				most, at = n, node
			}
		}
		isWanted := wanted(ledger)
		if isWanted && all < fewAsked {
			continue
		}
		delete(o.ledgers, ledger)
		if isWanted && 10*most >= 9*all {
			settled[ledger] = at
		}
	}
	return settled
}

// Asked notes that a command for a ledger of this node came in at a node, which passed it on if it is another one. It is what tells where a
// ledger should be.
func (m *Member) Asked(ledger, node string) {
	if m.options.Follow > 0 {
		m.origins.count(ledger, node)
	}
}

// follow gives ledgers to the nodes where their commands come in, every so often, until ctx ends.
func (m *Member) follow(ctx context.Context) {
	if m.options.Follow <= 0 {
		return
	}
	for ctx.Err() == nil {
		run.Pause(ctx, m.options.Follow)
		m.giveAway(ctx)
	}
}

// giveAway makes the claims to ledgers whose commands come in elsewhere those of the nodes where they do.
func (m *Member) giveAway(ctx context.Context) {
	given := 0
	for ledger, node := range m.origins.settled(m.owns) {
		to, ok := m.view.deciding(node)
		if node == m.options.Node.Name || !ok || given == mostGiven {
			continue // what is left will be asked for again
		}
		if err := m.give(ctx, ledgerKeys+ledger, to); err != nil {
			if ctx.Err() == nil && !conflicts(err) {
				m.log.WarnContext(ctx, "a ledger could not be given to the node where its commands come in",
					"ledger", ledger, "to", node, "error", err)
			}
			return // and see what has become of it the next time
		}
		given++
		m.log.InfoContext(ctx, "gave a ledger to the node where its commands come in", "ledger", ledger, "to", node)
	}
}

// owns tells whether a ledger is this node's.
func (m *Member) owns(ledger string) bool {
	owner, ok := m.Owner(ledger)
	return ok && owner.Here && !owner.Alone
}

// give makes a claim of this node another's. What this node was given to do for it is done all the same: the log keeps the two apart.
func (m *Member) give(ctx context.Context, key string, to Owner) error {
	was, owner, ok := m.view.claim(key)
	if !ok || !owner.Here {
		return nil
	}
	if _, err := m.put(ctx, key, was, claim{Node: to.Node, Session: to.Session}); err != nil {
		return err
	}
	m.metrics.given.Inc()
	return nil
}

// deciding is a node that decides commands, if it does and lives.
func (v *view) deciding(node string) (Owner, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	n, there := v.nodes[node]
	return Owner{Node: node, Session: n.Session}, there && n.decides()
}
