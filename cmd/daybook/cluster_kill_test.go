package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/wire"
)

const (
	clusterLedgers = 4
	clusterClients = 6
	// clusterFaithful is how many of the ledgers have their commands sent to one node, as a balancer might, and when that does not
	// answer to any; those for the others go to any.
	clusterFaithful = 2
)

// TestClusterUnderLoad has clients post to all nodes of a cluster while the owner of a ledger is killed, paused for longer than its
// lease, and all nodes are started again one after another. Each client repeats what it got no answer to, with the same idempotency
// key, at any node. In the end all that was acknowledged is there, once, and the audit finds nothing. How long it took until the
// ledger's commands were accepted again is logged.
func TestClusterUnderLoad(t *testing.T) {
	l := newClusterLoad(newSite(t))
	stop := l.load()
	for range clusterRounds() {
		l.handover("killed", l.ownerOf(ledgerNumber(0)), func(i int) {
			l.nodes[i].Kill()
		}, l.start)
		l.handover("paused", l.ownerOf(ledgerNumber(0)), func(i int) {
			if err := l.nodes[i].command.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
		}, func(i int) {
			if err := l.nodes[i].command.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		})
		for i := range l.nodes {
			l.handover("stopped", i, func(i int) {
				if err := l.nodes[i].Stop(); err != nil {
					t.Errorf("node %s ends with %v", l.names[i], err)
				}
			}, l.start)
		}
	}
	l.followed()
	stop()
	l.check()
}

// followed waits until the ledgers of which all commands come in at one node are that one's again, in the middle of the traffic.
func (l *clusterLoad) followed() {
	l.t.Helper()
	deadline := time.Now().Add(patience)
	for i := range clusterFaithful {
		for l.ownerOf(ledgerNumber(i)) != l.usual(i) {
			if time.Now().After(deadline) {
				l.t.Fatalf("%s is not the node's where its commands come in, but %s's", ledgerNumber(i), l.names[l.ownerOf(ledgerNumber(i))])
			}
			time.Sleep(50 * time.Millisecond) // nobody tells a client what changes
		}
	}
}

func ledgerNumber(i int) string { return fmt.Sprint("books-", i) }

// clusterRounds is how often each fault is made.
func clusterRounds() int {
	if os.Getenv("DAYBOOK_TEST_SOAK") != "" {
		return 20
	}
	return 1
}

// newClusterLoad starts three nodes, and opens the ledgers by all of them.
func newClusterLoad(s *site, flags ...string) *clusterLoad {
	s.t.Helper()
	l := &clusterLoad{site: s, acknowledged: map[string]client.Accepted{}, flags: append(flags, "--snapshot-every", "300", "--follow", "300ms")}
	for _, name := range []string{"a", "b", "c"} {
		l.nodes = append(l.nodes, l.node(name, l.flags...))
		l.names = append(l.names, name)
	}
	for i := range clusterLedgers {
		if _, err := l.nodes[i%3].OpenLedger(s.t.Context(), client.NewLedger{Name: ledgerNumber(i), Template: "wallets"}, ""); err != nil {
			s.t.Fatal(err)
		}
	}
	return l
}

type clusterLoad struct {
	*site

	mu           sync.Mutex
	nodes        []*served
	names        []string
	flags        []string                   // of each node
	acknowledged map[string]client.Accepted // by reference

	repeated atomic.Int64 // requests that were sent again
}

// start starts a node again on the data directory that it had.
func (l *clusterLoad) start(i int) {
	again := l.node(l.names[i], l.flags...)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nodes[i] = again
}

// usual is the node where the commands for one of the faithful ledgers come in.
func (l *clusterLoad) usual(ledger int) int { return (ledger + 1) % len(l.nodes) }

// choose names the node that a command is sent to.
func (l *clusterLoad) choose(random *rand.Rand, ledger int, again bool) *served {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ledger < clusterFaithful && !again {
		return l.nodes[l.usual(ledger)]
	}
	return l.nodes[random.IntN(len(l.nodes))]
}

// load has clients post until it is told to stop.
func (l *clusterLoad) load() (stop func()) {
	ctx, cancel := context.WithCancel(l.t.Context())
	seed := rand.Uint64()
	l.t.Logf("seed %d", seed)
	var clients sync.WaitGroup
	for number := range clusterClients {
		random := rand.New(rand.NewPCG(seed, uint64(number)))
		clients.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.post(random, random.IntN(clusterLedgers), fmt.Sprintf("client-%d-%d", number, n))
			}
		})
	}
	return func() {
		cancel()
		clients.Wait()
	}
}

// post posts once, whatever it takes: what was sent and not answered is sent again.
func (l *clusterLoad) post(random *rand.Rand, number int, reference string) {
	ledger := ledgerNumber(number)
	body := client.NewTransaction{
		Transfers: []client.Transfer{{From: "world", To: fmt.Sprint("users:", random.IntN(20)), Asset: "USD/2", Amount: "1"}}, Reference: reference,
	}
	for again := false; ; again = true {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(l.t.Context()), 10*time.Second) // of a node that is paused
		accepted, err := l.choose(random, number, again).Post(ctx, ledger, body, reference)
		cancel()
		if err == nil {
			l.mu.Lock()
			l.acknowledged[ledger+" "+reference] = accepted
			l.mu.Unlock()
			return
		}
		if problem := new(client.Problem); errors.As(err, &problem) && problem.Status != http.StatusServiceUnavailable {
			l.t.Errorf("post %s: %v", reference, err)
			return
		}
		l.repeated.Add(1)
		select {
		case <-time.After(20 * time.Millisecond):
		case <-l.t.Context().Done():
			return
		}
	}
}

// handover takes a node away, waits until another one decides for the first ledger, and brings it back.
func (l *clusterLoad) handover(how string, node int, takeAway, bringBack func(i int)) {
	l.t.Helper()
	wasOwner := l.ownerOf(ledgerNumber(0)) == node
	others := slices.Delete(slices.Clone(l.nodes), node, node+1)
	began := time.Now()
	takeAway(node)
	body := client.NewTransaction{Transfers: []client.Transfer{{From: "world", To: "users:h", Asset: "USD/2", Amount: "1"}}}
	key := fmt.Sprint("handover-", began.UnixNano())
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	for {
		_, err := others[0].Post(ctx, ledgerNumber(0), body, key)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			l.t.Fatalf("node %s is %s, and nobody decides: %v", l.names[node], how, err)
		}
	}
	l.t.Logf("node %s is %s, the owner: %t; another one has decided after %v",
		l.names[node], how, wasOwner, time.Since(began).Round(time.Millisecond))
	bringBack(node)
	l.becomes(l.nodes[node], l.names[node]+" is back", func(c *wire.Cluster) bool { return c.Standing == "held" && len(c.Nodes) == len(l.nodes) })
}

// ownerOf tells which node decides for a ledger.
func (l *clusterLoad) ownerOf(ledger string) int {
	l.t.Helper()
	conn, err := nats.Connect(l.nats)
	if err != nil {
		l.t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		l.t.Fatal(err)
	}
	bucket, err := js.KeyValue(l.t.Context(), cluster.Bucket)
	if err != nil {
		l.t.Fatal(err)
	}
	entry, err := bucket.Get(l.t.Context(), "ledger."+ledger)
	if err != nil {
		l.t.Fatal(err)
	}
	var claim struct{ Node string }
	if err := json.Unmarshal(entry.Value(), &claim); err != nil {
		l.t.Fatal(err)
	}
	return slices.Index(l.names, claim.Node)
}

// check holds the log to what was acknowledged, and has it audited together with the read models.
func (l *clusterLoad) check() {
	l.t.Helper()
	forwarded := 0
	for i, n := range l.nodes {
		_, metrics := get(l.t.Context(), l.t, n.BaseURL+"/metrics")
		forwarded += strings.Count(metrics, `daybook_forwards_sent_total{outcome="answered"}`)
		for line := range strings.SplitSeq(metrics, "\n") {
			if strings.HasPrefix(line, "daybook_forwards_") || strings.HasPrefix(line, "daybook_engine_conflicts") {
				l.t.Logf("node %s: %s", l.names[i], line)
			}
		}
	}
	if forwarded == 0 {
		l.t.Error("nothing was ever forwarded")
	}
	l.t.Logf("%d postings were acknowledged, and %d requests sent again", len(l.acknowledged), l.repeated.Load())
	for i := range clusterLedgers {
		l.checkLedger(ledgerNumber(i))
	}
	l.verified(l.data[l.names[0]])
}

// checkLedger finds each acknowledged posting where its answer said, and none that was not asked for or is there twice.
func (l *clusterLoad) checkLedger(ledger string) {
	l.t.Helper()
	seen := map[string]uint64{}
	var last uint64 // revision
	for key, accepted := range l.acknowledged {
		if strings.HasPrefix(key, ledger+" ") {
			last = max(last, accepted.Revision)
		}
	}
	for one, err := range l.nodes[0].Transactions(l.t.Context(), ledger, client.Query{MinRevision: &last, Wait: patience / 2}) {
		if err != nil {
			l.t.Fatal(err)
		}
		reference := ""
		if one.Reference != nil {
			reference = *one.Reference
		}
		if other, twice := seen[reference]; twice && reference != "" { // those of the handovers have none
			l.t.Errorf("%s: %s is transaction %d and %d", ledger, reference, other, one.ID)
		}
		seen[reference] = one.ID
	}
	for key, accepted := range l.acknowledged {
		if of, reference, _ := strings.Cut(key, " "); of == ledger && seen[reference] != accepted.Transaction.ID {
			l.t.Errorf("%s: %s was acknowledged as transaction %d and is %d", ledger, reference, accepted.Transaction.ID, seen[reference])
		}
	}
}
