package cluster

import (
	"sync"
	"time"
)

// standing is what a node is in its cluster.
type standing int

const (
	// seeking: it is not known yet whether there will be a session.
	seeking standing = iota
	// held: there is a session, and the others are known.
	held
	// alone: NATS is out of reach.
	alone
	// over: the member is stopped.
	over
)

// Owner is who decides for a ledger, or does the work of a singleton.
type Owner struct {
	// Node is its name, and Session the session that the claim depends on.
	Node, Session string
	// Here: it is this node.
	Here bool
	// New: it is this node since the call that tells so.
	New bool
	// Alone: it is this node because no other can be asked (see the package's comment), and Session is empty.
	Alone bool
}

// claim is what a key of a ledger or of a singleton holds.
type claim struct {
	Node    string `json:"node"`
	Session string `json:"session"`

	revision uint64
	gone     bool // the key was deleted
}

// known is a node's session as the bucket tells.
type known struct {
	sessionValue

	revision uint64
}

// view is what this node knows of the cluster: what the bucket holds, as far as the watch has got, and its own session.
type view struct {
	node string // this one

	mu         sync.RWMutex
	own        *session // nil for none
	unable     error    // why there is none, as far as that was tried
	isAlone    bool
	stopped    bool
	ready      bool // all that the bucket held at first is known
	nodes      map[string]known
	ledgers    map[string]claim
	singletons map[string]claim
	seen       uint64        // the greatest revision that the watch has come to
	changed    chan struct{} // closed at the next change
}

func newView(node string) *view {
	return &view{
		node: node, nodes: map[string]known{}, ledgers: map[string]claim{}, singletons: map[string]claim{},
		changed: make(chan struct{}),
	}
}

// change changes the view, and wakes those who wait for that.
func (v *view) change(do func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	do()
	close(v.changed)
	v.changed = make(chan struct{})
}

// next is closed at the next change. Who waits for one asks for next first, and looks after that.
func (v *view) next() <-chan struct{} {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.changed
}

// session is this node's, or nil where there is none at that time.
func (v *view) session(at time.Time) *session {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.sessionLocked(at)
}

func (v *view) sessionLocked(at time.Time) *session {
	if v.own == nil || !at.Before(v.own.until) {
		return nil
	}
	return v.own
}

// standing tells what this node is, and why it has no session.
func (v *view) standing() (standing, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.standingLocked(), v.unable
}

func (v *view) standingLocked() standing {
	switch {
	case v.stopped:
		return over
	case v.sessionLocked(time.Now()) != nil && v.ready:
		return held
	case v.isAlone:
		return alone
	default:
		return seeking
	}
}

// ownerLocked tells whose a claim is, if it still holds. The caller holds the lock.
func (v *view) ownerLocked(c claim) (Owner, bool) {
	if c.Node == v.node {
		s := v.sessionLocked(time.Now())
		return Owner{Node: c.Node, Session: c.Session, Here: true}, s != nil && s.id == c.Session
	}
	return Owner{Node: c.Node, Session: c.Session}, c.Session != "" && v.nodes[c.Node].Session == c.Session
}

// begin notes a session or its renewal.
func (v *view) begin(s *session) {
	v.change(func() { v.own, v.isAlone, v.unable = s, false, nil })
}

// lose notes that there is no session, and why.
func (v *view) lose(why error) {
	v.change(func() { v.own, v.unable = nil, why })
}

// beAlone notes that there is no session because nobody can be asked, and tells whether that is new.
func (v *view) beAlone(why error) (isNew bool) {
	v.change(func() { isNew, v.own, v.isAlone, v.unable = !v.isAlone, nil, true, why })
	return isNew
}

// behind tells whether the watch has yet to come to a revision.
func (v *view) behind(revision uint64) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.seen < revision
}

func (v *view) stop() {
	v.change(func() { v.own, v.stopped = nil, true })
}
