package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What the keys begin with.
const (
	nodeKeys      = "node."
	ledgerKeys    = "ledger."
	singletonKeys = "singleton."
)

// markersAfter is how long the bucket tells those who come late that something was removed. Who watches is told at once.
const markersAfter = time.Minute

// openBucket finds the bucket, and makes it where it is missing. One that is not the one of before is watched anew.
func (m *Member) openBucket(ctx context.Context) error {
	bucket, err := m.js.KeyValue(ctx, Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = m.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: Bucket, Description: "Nodes of Daybook, and what each of them owns", History: 1,
			LimitMarkerTTL: markersAfter, Replicas: m.options.Replicas, Storage: jetstream.FileStorage,
		})
	}
	if err != nil {
		return fmt.Errorf("open the bucket %s: %w", Bucket, err)
	}
	status, err := bucket.Status(ctx)
	if err != nil {
		return fmt.Errorf("open the bucket %s: %w", Bucket, err)
	}
	if status.LimitMarkerTTL() == 0 {
		return fmt.Errorf("the bucket %s was not made by Daybook: %w", Bucket, jetstream.ErrLimitMarkerTTLNotSupported)
	}
	made := time.Time{}
	if s, ok := status.(*jetstream.KeyValueBucketStatus); ok {
		made = s.StreamInfo().Created
	}
	m.mu.Lock()
	isNew := m.bucket == nil || !made.Equal(m.made)
	m.bucket, m.made = bucket, made
	m.mu.Unlock()
	if isNew {
		m.watchAnew()
	}
	return nil
}

// currentBucket is the bucket as it was found last, or nil before that, and when it was made.
func (m *Member) currentBucket() (jetstream.KeyValue, time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bucket, m.made
}

// watchAnew has the watch begin anew.
func (m *Member) watchAnew() {
	select {
	case m.restart <- struct{}{}:
	default:
	}
}

// rewatch is the pause after a watch that failed.
const rewatch = 250 * time.Millisecond

// watch keeps the view until ctx ends.
func (m *Member) watch(ctx context.Context) {
	var watched time.Time // when the bucket was made that the view is of
	for ctx.Err() == nil {
		bucket, made := m.currentBucket()
		if !made.Equal(watched) {
			m.view.forget()
			watched = made
		}
		err := m.watchOnce(ctx, bucket)
		if err == nil || ctx.Err() != nil {
			continue
		}
		m.log.DebugContext(ctx, "the cluster cannot be watched at present", "error", err)
		pause := time.NewTimer(rewatch)
		select {
		case <-ctx.Done():
		case <-m.restart:
		case <-pause.C:
		}
		pause.Stop()
	}
}

var errWatchEnded = errors.New("the watch ended")

// watchOnce watches until it is told to begin anew, or fails.
func (m *Member) watchOnce(ctx context.Context, bucket jetstream.KeyValue) error {
	if bucket == nil {
		select {
		case <-ctx.Done():
		case <-m.restart:
		}
		return nil
	}
	// The watch lasts as long as its context, so that this has no deadline; beginning it has.
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	tooLong := time.AfterFunc(m.options.Lease, cancel)
	watcher, err := bucket.WatchAll(watching)
	if err != nil {
		return fmt.Errorf("watch the bucket %s: %w", Bucket, err)
	}
	tooLong.Stop()
	defer func() {
		cancel()
		for range watcher.Updates() { // until it has ended, which waits for its updates to be taken
		}
	}()
	found := map[string]bool{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-m.restart:
			return nil
		case entry, more := <-watcher.Updates():
			switch {
			case !more:
				return errWatchEnded
			case entry != nil:
				if found != nil {
					found[entry.Key()] = true
				}
				m.learn(entry)
			case found != nil:
				m.view.sweep(found)
				found = nil
			}
		}
	}
}

// learn takes what the watch brings into the view.
func (m *Member) learn(entry jetstream.KeyValueEntry) {
	gone := entry.Operation() != jetstream.KeyValuePut
	if name, ok := strings.CutPrefix(entry.Key(), nodeKeys); ok {
		n := known{revision: entry.Revision()}
		if !gone && json.Unmarshal(entry.Value(), &n.sessionValue) != nil {
			gone = true // nobody of ours
		}
		m.view.learnNode(name, n, gone)
		return
	}
	c := claim{revision: entry.Revision()}
	if !gone && json.Unmarshal(entry.Value(), &c) != nil {
		c.Node, c.Session = "", "" // nobody's, and to be replaced
	}
	m.noteClaim(entry.Key(), c, gone)
}

// noteClaim takes a claim into the view, and tells who wants to know of a ledger that was this node's.
func (m *Member) noteClaim(key string, c claim, gone bool) {
	was := m.view.learnClaim(key, c, gone)
	ledger, isLedger := strings.CutPrefix(key, ledgerKeys)
	if isLedger && was.Node == m.options.Node.Name && c.Node != "" && c.Node != was.Node {
		m.options.Taken(ledger)
	}
}

// learnNode notes a session that began, was renewed, or is gone.
func (v *view) learnNode(name string, n known, gone bool) {
	v.mu.RLock()
	was, there := v.nodes[name]
	renewed := there && !gone && was.Session == n.Session
	v.mu.RUnlock()
	if renewed { // the usual case, which nobody has to be woken for
		v.mu.Lock()
		defer v.mu.Unlock()
		v.nodes[name] = n
		v.seen = max(v.seen, n.revision)
		return
	}
	v.change(func() {
		v.seen = max(v.seen, n.revision)
		if gone {
			delete(v.nodes, name)
		} else {
			v.nodes[name] = n
		}
		if name == v.node && v.own != nil && n.revision > v.own.revision && (gone || n.Session != v.own.id) {
			v.own, v.unable = nil, errSessionOver
		}
	})
}

// learnClaim notes a claim, unless a later one is known, and gives the one before.
func (v *view) learnClaim(key string, c claim, gone bool) (was claim) {
	claims, name := v.claims(key)
	if claims == nil {
		return was
	}
	v.change(func() {
		v.seen = max(v.seen, c.revision)
		if was = claims[name]; was.revision >= c.revision {
			was = claim{} // nothing changes
			return
		}
		if gone {
			c = claim{revision: c.revision, gone: true}
		}
		claims[name] = c
	})
	return was
}

// claims are those of the key's kind, and what the key says whose it is; nil for a key of no kind.
func (v *view) claims(key string) (claims map[string]claim, name string) {
	if ledger, ok := strings.CutPrefix(key, ledgerKeys); ok {
		return v.ledgers, ledger
	}
	if singleton, ok := strings.CutPrefix(key, singletonKeys); ok {
		return v.singletons, singleton
	}
	return nil, ""
}

// kindOf is the kind of a key, as metrics call it.
func kindOf(key string) string {
	kind, _, _ := strings.Cut(key, ".")
	return kind
}

// forget drops everything: the bucket is another one.
func (v *view) forget() {
	v.change(func() {
		v.ready, v.seen = false, 0
		clear(v.nodes)
		clear(v.ledgers)
		clear(v.singletons)
	})
}

// sweep drops what was not found when the watch began, and says that the rest is known.
func (v *view) sweep(found map[string]bool) {
	v.change(func() {
		for name := range v.nodes {
			if !found[nodeKeys+name] {
				delete(v.nodes, name)
			}
		}
		for name := range v.ledgers {
			if !found[ledgerKeys+name] {
				delete(v.ledgers, name)
			}
		}
		for name := range v.singletons {
			if !found[singletonKeys+name] {
				delete(v.singletons, name)
			}
		}
		v.ready = true
	})
}
