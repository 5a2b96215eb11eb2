package main

import (
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/pgtest"
	"github.com/daybook-ledger/daybook/internal/proxytest"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// TestClusterOutlivesWhatItRestsOn has clients post to all nodes of a cluster while what the nodes rest on is taken away and comes
// back: one of three NATS servers, all of them, and PostgreSQL, which has both the log and the read models, without a warning. In
// the end all that was acknowledged is there, once, and the audit finds nothing.
func TestClusterOutlivesWhatItRestsOn(t *testing.T) {
	servers, database := natstest.Cluster(t, 3), pgtest.Start(t)
	l := newClusterLoad(&site{
		t: t, nats: natstest.URLs(servers...), store: database.Database(t), views: database.Database(t), data: map[string]string{},
	}, "--nats-replicas", "3")
	stop := l.load()
	for round := range clusterRounds() {
		one := servers[round%len(servers)]
		l.during("one NATS server is away", one.Stop, one.Start)
		l.during("all NATS servers are away", func() {
			for _, s := range servers {
				s.Stop()
			}
		}, func() {
			for _, s := range servers {
				s.Start()
			}
		})
		// Nothing can be posted while it is away.
		database.Kill()
		l.during("PostgreSQL is back", func() { database.Restart(t) }, func() {})
	}
	stop()
	l.check()
}

// TestClusterIsParted cuts the owner of a ledger off from NATS, and so from the other nodes, but not from the log: it goes on
// deciding beside the one that takes the ledger over.
func TestClusterIsParted(t *testing.T) {
	s := newSite(t)
	server := strings.TrimPrefix(s.nats, "nats://")
	links := map[string]*proxytest.Proxy{}
	l := newClusterLoad(s)
	for i, name := range l.names {
		if err := l.nodes[i].Stop(); err != nil {
			t.Fatal(err)
		}
		links[name] = proxytest.New(t, server)
		s.nats = "nats://" + links[name].Address()
		l.start(i)
	}
	s.nats = "nats://" + server
	stop := l.load()
	for round := range clusterRounds() {
		link := func(i int) *proxytest.Proxy { return links[l.names[i]] }
		// Cut off, which it notices at once, or as if packets were lost, which it does not.
		if round%2 == 0 {
			l.handover("cut off", l.ownerOf(ledgerNumber(0)), func(i int) { link(i).SetAway(true) }, func(i int) { link(i).SetAway(false) })
		} else {
			l.handover("out of reach", l.ownerOf(ledgerNumber(0)), func(i int) { link(i).Hush(true) }, func(i int) { link(i).Hush(false) })
		}
	}
	stop()
	l.check()
}

// during takes something away, waits until a good deal was acknowledged all the same, brings it back, and waits until all nodes
// are ready.
func (l *clusterLoad) during(what string, takeAway, bringBack func()) {
	l.t.Helper()
	takeAway()
	began, before := time.Now(), l.count()
	l.until(what+", and commands are acknowledged", func() bool { return l.count() >= before+100 })
	l.t.Logf("%s: 100 commands were acknowledged after %v", what, time.Since(began).Round(time.Millisecond))
	bringBack()
	for i, n := range l.nodes {
		l.becomes(n, l.names[i]+" is in the cluster", func(c *wire.Cluster) bool { return c.Standing == "held" && len(c.Nodes) == len(l.nodes) })
	}
	l.until("the read models have what was posted", func() bool {
		last := l.last(ledgerNumber(0))
		_, err := l.nodes[0].Ledger(l.t.Context(), ledgerNumber(0), client.Query{MinRevision: &last, Wait: time.Second})
		return err == nil
	})
}

// until waits for a condition.
func (l *clusterLoad) until(what string, condition func() bool) {
	l.t.Helper()
	until(l.t, what, condition)
}

// until waits for a condition of which nobody tells.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never was so that %s", what)
		}
	}
}

// count is how many postings were acknowledged.
func (l *clusterLoad) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acknowledged)
}

// last is the last revision of a ledger that was acknowledged.
func (l *clusterLoad) last(ledger string) (revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, accepted := range l.acknowledged {
		if strings.HasPrefix(key, ledger+" ") {
			revision = max(revision, accepted.Revision)
		}
	}
	return revision
}
