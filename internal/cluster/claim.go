package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/run"
)

// Owner tells who decides for a ledger at present. It asks nobody, and is not ok where nobody does or that is not known.
func (m *Member) Owner(ledger string) (owner Owner, ok bool) {
	m.view.mu.RLock()
	defer m.view.mu.RUnlock()
	switch m.view.standingLocked() {
	case held:
		c, there := m.view.ledgers[ledger]
		if !there {
			return Owner{}, false
		}
		return m.view.ownerLocked(c)
	case alone:
		return m.aloneOwner()
	case seeking, over:
	}
	return Owner{}, false
}

// Locate tells who decides for a ledger. Where nobody does this node takes it, if deciding is one of its roles, and otherwise
// another node is named that will. It waits while that cannot be told, until ctx ends: then it fails with [ErrNoOwner].
//
// It is a matter of the moment: when Locate returns, the owner may be another one already.
func (m *Member) Locate(ctx context.Context, ledger string) (Owner, error) {
	for {
		changed := m.view.next()
		if owner, ok := m.Owner(ledger); ok {
			return owner, nil
		}
		standing, why := m.view.standing()
		if standing == over {
			return Owner{}, fmt.Errorf("%w: this node is leaving the cluster", ErrNoOwner)
		}
		if standing == held {
			var owner Owner
			var err error
			if owner, err = m.settle(ctx, ledger); err == nil {
				return owner, nil
			}
			why = err
		}
		m.awaitChange(ctx, changed)
		if ctx.Err() != nil {
			return Owner{}, errors.Join(fmt.Errorf("%w: ledger %q: %w", ErrNoOwner, ledger, ctx.Err()), why)
		}
	}
}

// lookAgain is after how long is looked again at what is waited for, if nothing is heard of it until then: a claim that could not
// be made may be possible.
const lookAgain = 250 * time.Millisecond

// awaitChange waits for a change, or the end of the session by the clock, or a while, or the end of ctx.
func (m *Member) awaitChange(ctx context.Context, changed <-chan struct{}) {
	wait := lookAgain
	if s := m.view.session(time.Now()); s != nil {
		wait = min(wait, time.Until(s.until))
	}
	run.Await(ctx, changed, wait)
}

// Alive tells whether the session of an owner lasts, as far as this node knows.
func (m *Member) Alive(owner Owner) bool {
	m.view.mu.RLock()
	defer m.view.mu.RUnlock()
	_, ok := m.view.ownerLocked(claim{Node: owner.Node, Session: owner.Session})
	return ok
}

// Release gives a ledger of this node up, so that it is anybody's. It is for what turned out to be no ledger.
func (m *Member) Release(ctx context.Context, ledger string) { m.release(ctx, ledgerKeys+ledger) }

// Changed is closed when something in the cluster changes after the call.
func (m *Member) Changed() <-chan struct{} { return m.view.next() }

// aloneOwner is this node for whatever it is, if it decides at all.
func (m *Member) aloneOwner() (Owner, bool) {
	return Owner{Node: m.options.Node.Name, Here: true, Alone: true}, m.decides()
}

var (
	errNobodyDecides = errors.New("no node of the cluster decides commands")
	errBeingTaken    = errors.New("it is being taken")
)

// settle finds an owner for a ledger that has none.
func (m *Member) settle(ctx context.Context, ledger string) (Owner, error) {
	if !m.decides() {
		return m.view.candidate(ledger)
	}
	owner, err := m.take(ctx, ledgerKeys+ledger)
	if err != nil {
		return Owner{}, fmt.Errorf("take ledger %q: %w", ledger, err)
	}
	return owner, nil
}

// take makes a claim whose session is gone, or that there is not, this node's.
func (m *Member) take(ctx context.Context, key string) (Owner, error) {
	if !m.startTaking(key) {
		return Owner{}, errBeingTaken
	}
	defer m.endTaking(key)
	was, owner, ok := m.view.claim(key)
	s := m.view.session(time.Now())
	switch {
	case ok:
		return owner, nil
	case s == nil:
		return Owner{}, errSessionOver
	}
	c, err := m.put(ctx, key, was, claim{Node: m.options.Node.Name, Session: s.id})
	if err != nil {
		return Owner{}, err
	}
	m.metrics.taken.WithLabelValues(kindOf(key)).Inc()
	return Owner{Node: c.Node, Session: c.Session, Here: true, New: true}, nil
}

// put writes a claim in place of the one that was, if it is still there.
func (m *Member) put(ctx context.Context, key string, was, c claim) (claim, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return claim{}, fmt.Errorf("write a claim: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, m.options.Lease)
	defer cancel()
	bucket, _ := m.currentBucket()
	if was.revision == 0 || was.gone {
		c.revision, err = bucket.Create(limited, key, content)
	} else {
		c.revision, err = bucket.Update(limited, key, content, was.revision)
	}
	if err != nil {
		return claim{}, err
	}
	m.noteClaim(key, c, false)
	return c, nil
}

// startTaking lets one at a time make a claim; the others wait for what becomes of it.
func (m *Member) startTaking(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taking[key] {
		return false
	}
	m.taking[key] = true
	return true
}

func (m *Member) endTaking(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.taking, key)
}

// release gives up a claim of this node, so that others need not wait for the end of the session.
func (m *Member) release(ctx context.Context, key string) {
	was, owner, ok := m.view.claim(key)
	if !ok || !owner.Here {
		return
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.options.Lease/3)
	defer cancel()
	bucket, _ := m.currentBucket()
	err := bucket.Purge(limited, key, jetstream.LastRevision(was.revision), jetstream.PurgeTTL(markersAfter))
	if err != nil && !conflicts(err) {
		m.log.WarnContext(ctx, "a claim could not be given up, and ends with the session", "key", key, "error", err)
	}
}

// claim is what is known of a key of a ledger or a singleton, and whose it is if it holds.
func (v *view) claim(key string) (c claim, owner Owner, ok bool) {
	claims, name := v.claims(key)
	v.mu.RLock()
	defer v.mu.RUnlock()
	c = claims[name]
	owner, ok = v.ownerLocked(c)
	return c, owner, ok
}

// candidate names a node that decides: the same one for a ledger on each node that asks, as long as the nodes stay the same.
func (v *view) candidate(ledger string) (Owner, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var best Owner
	var most uint64
	for name, n := range v.nodes {
		if !n.decides() {
			continue
		}
		weight := sha256.Sum256([]byte(name + "/" + ledger))
		if w := binary.BigEndian.Uint64(weight[:]); best.Node == "" || w > most {
			best, most = Owner{Node: name, Session: n.Session}, w
		}
	}
	if best.Node == "" {
		return Owner{}, errNobodyDecides
	}
	return best, nil
}
