package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

func TestALedgerHasOneOwner(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, named("a", long)), join(t, servers, named("b", long))
	if owner := a.locate(t, "books"); !owner.Here || owner.Alone || owner.Node != "a" {
		t.Fatalf("the first to ask is told %+v", owner)
	}
	if owner := b.locate(t, "books"); owner.Here || owner.Node != "a" {
		t.Fatalf("the second is told %+v", owner)
	}
	if _, ok := b.Owner("others"); ok {
		t.Fatal("looking takes a ledger that is nobody's")
	}
	if owner := b.locate(t, "others"); !owner.Here {
		t.Fatalf("what is nobody's goes to %+v", owner)
	}
}

func TestOfManyWhoAskAtOnceOneTakes(t *testing.T) {
	_, servers := oneServer(t)
	nodes := []*node{join(t, servers, named("a", long)), join(t, servers, named("b", long)), join(t, servers, named("c", long))}
	for round := range 20 {
		ledger := fmt.Sprintf("books-%d", round)
		owners := make(chan cluster.Owner)
		for i := range 4 * len(nodes) {
			go func() {
				owner, err := nodes[i%len(nodes)].Locate(t.Context(), ledger)
				if err != nil {
					t.Error(err)
				}
				owners <- owner
			}()
		}
		first := <-owners
		for range 4*len(nodes) - 1 {
			if o := <-owners; o.Node != first.Node || o.Session != first.Session {
				t.Fatalf("%s belongs to %+v and to %+v", ledger, first, o)
			}
		}
	}
}

func TestWhatANodeOwnsIsFreeWhenItStops(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, named("a", long)), join(t, servers, named("b", long))
	a.locate(t, "books")
	b.owns(t, "books", "a")
	a.stop()
	b.becomes(t, "it is its own", func() bool { return b.locate(t, "books").Here }) // long before the lease is over
	if _, err := a.Locate(t.Context(), "books"); !errors.Is(err, cluster.ErrNoOwner) {
		t.Fatalf("a node that has stopped tells %v", err)
	}
}

func TestANodeLeavesBeforeItStops(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, named("a", long)), join(t, servers, named("b", long))
	a.locate(t, "books")
	b.owns(t, "books", "a")
	a.Leave()
	a.Leave() // which changes nothing
	b.becomes(t, "it is its own", func() bool { return b.locate(t, "books").Here })
	if _, err := a.Locate(t.Context(), "books"); !errors.Is(err, cluster.ErrNoOwner) {
		t.Fatalf("a node that has left tells %v", err)
	}
}

func TestWhatANodeOwnedIsFreeWhenItDies(t *testing.T) {
	_, servers := oneServer(t)
	const lease = 3 * cluster.MinLease // longer than a busy machine may need for the next steps
	a, b := join(t, servers, named("a", lease)), join(t, servers, named("b", lease))
	a.locate(t, "books")
	b.owns(t, "books", "a")
	a.link.Freeze()
	if owner := b.locate(t, "books"); owner.Here {
		t.Fatal("it is taken from a node that has not been silent for long")
	}
	b.becomes(t, "a is gone", func() bool { return len(b.Picture().Nodes) == 1 })
	if owner, ok := a.Owner("books"); ok && !owner.Alone {
		t.Fatalf("it can be taken while its node still counts on it: %+v", owner)
	}
	if owner := b.locate(t, "books"); !owner.Here {
		t.Fatalf("it belongs to %+v", owner)
	}
	a.link.Thaw()
	a.owns(t, "books", "b")
	if a.Ready() != nil {
		t.Fatalf("it is back, and says %v", a.Ready())
	}
}

func TestALostLedgerIsTold(t *testing.T) {
	_, servers := oneServer(t)
	taken := make(chan string, 1)
	o := named("a", cluster.MinLease)
	o.Taken = func(ledger string) { taken <- ledger }
	a, b := join(t, servers, o), join(t, servers, named("b", cluster.MinLease))
	a.locate(t, "books")
	b.owns(t, "books", "a")
	a.link.Freeze()
	b.becomes(t, "a is gone", func() bool { return len(b.Picture().Nodes) == 1 })
	b.locate(t, "books")
	a.link.Thaw()
	select {
	case ledger := <-taken:
		if ledger != "books" {
			t.Fatal(ledger)
		}
	case <-time.After(patience):
		t.Fatal("the one who owned it is not told that it is another's")
	}
}

func TestWithoutNATSNodesDecideAlone(t *testing.T) {
	server, servers := oneServer(t)
	a, b := join(t, servers, named("a", cluster.MinLease)), join(t, servers, named("b", cluster.MinLease))
	query := named("q", cluster.MinLease)
	query.Node.Roles = []string{cluster.RoleQueries}
	q := join(t, servers, query)
	a.locate(t, "books")
	b.owns(t, "books", "a")
	q.owns(t, "books", "a")
	server.Stop()
	for _, n := range []*node{a, b} {
		n.becomes(t, "it is alone", func() bool { o, ok := n.Owner("books"); return ok && o.Here && o.Alone })
		if owner := n.locate(t, "never seen"); !owner.Here || !owner.Alone {
			t.Fatalf("alone, it says of any ledger %+v", owner)
		}
		if n.Ready() == nil {
			t.Fatal("it says that nothing is wrong")
		}
	}
	q.becomes(t, "it is alone", func() bool { return q.Picture().Standing == "alone" })
	if owner, ok := q.Owner("books"); ok {
		t.Fatalf("a node that never decides does alone: %+v", owner)
	}
	server.Start()
	for _, n := range []*node{a, b} {
		n.becomes(t, "it has a session", func() bool { return n.Ready() == nil })
	}
	if first, second := a.locate(t, "books"), b.locate(t, "books"); first.Node != second.Node || first.Here == second.Here {
		t.Fatalf("afterwards it belongs to %+v, and to %+v", first, second)
	}
}

func TestABucketThatIsLostIsMadeAgain(t *testing.T) {
	server, servers := oneServer(t)
	a, b := join(t, servers, named("a", cluster.MinLease)), join(t, servers, named("b", cluster.MinLease))
	for i := range 50 { // so that revisions were greater than they will be
		a.locate(t, fmt.Sprintf("books-%d", i))
	}
	b.owns(t, "books-49", "a")
	server.Stop()
	server.Forget()
	server.Start()
	b.becomes(t, "nothing is owned", func() bool { _, ok := b.Owner("books-49"); return !ok && b.Ready() == nil })
	a.becomes(t, "it has a session", func() bool { return a.Ready() == nil })
	if owner := b.locate(t, "books-49"); !owner.Here {
		t.Fatalf("it belongs to %+v", owner)
	}
	a.owns(t, "books-49", "b")
}

func TestANameBelongsToOneProcess(t *testing.T) {
	_, servers := oneServer(t)
	a := join(t, servers, named("a", long))
	a.locate(t, "books")
	other := named("a", long)
	other.Node.Home = "elsewhere"
	stranger := join(t, servers, other)
	stranger.becomes(t, "its name is taken", func() bool { return errors.Is(stranger.Ready(), cluster.ErrNameTaken) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if owner, err := stranger.Locate(ctx, "books"); !errors.Is(err, cluster.ErrNoOwner) || !errors.Is(err, cluster.ErrNameTaken) {
		t.Fatalf("without a session of its own it says %+v, %v", owner, err)
	}
	a.stop()
	stranger.becomes(t, "it is in", func() bool { return stranger.Ready() == nil })
}

func TestAProcessThatComesBackNeedNotWait(t *testing.T) {
	_, servers := oneServer(t)
	before := join(t, servers, named("a", long))
	before.locate(t, "books")
	before.conn.Close() // as if it had been killed
	after := join(t, servers, named("a", long))
	after.becomes(t, "it is in", func() bool { return after.Ready() == nil })
	if owner, ok := after.Owner("books"); ok {
		t.Fatalf("what the one before it owned it owns without having taken it: %+v", owner)
	}
	if owner := after.locate(t, "books"); !owner.Here {
		t.Fatalf("it belongs to %+v", owner)
	}
}

func TestANodeIsNotTakenForAnotherOfItsName(t *testing.T) {
	_, servers := oneServer(t)
	// Servers count whole seconds, so that the session lasts longer for them than for the node.
	a := join(t, servers, named("a", cluster.MinLease+100*time.Millisecond))
	a.locate(t, "books")
	a.link.Freeze()
	a.becomes(t, "its session is over", func() bool { return a.Ready() != nil })
	a.link.Thaw()
	a.becomes(t, "it is back", func() bool {
		why := a.Ready()
		if errors.Is(why, cluster.ErrNameTaken) {
			t.Fatal("it finds the session that it had itself, and says:", why)
		}
		return why == nil
	})
}

func TestANodeWithoutTheRoleNamesOneThatHasIt(t *testing.T) {
	_, servers := oneServer(t)
	query := named("q", long)
	query.Node.Roles = []string{cluster.RoleQueries, cluster.RoleRelay}
	q, other := join(t, servers, query), named("r", long)
	other.Node.Roles = query.Node.Roles
	r := join(t, servers, other)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if owner, err := q.Locate(ctx, "books"); !errors.Is(err, cluster.ErrNoOwner) {
		t.Fatalf("nobody decides, and it says %+v, %v", owner, err)
	}
	join(t, servers, named("a", long))
	join(t, servers, named("b", long))
	for _, n := range []*node{q, r} {
		n.becomes(t, "all are there", func() bool { return len(n.Picture().Nodes) == 4 })
	}
	counts := map[string]int{}
	for i := range 100 {
		ledger := fmt.Sprintf("books-%d", i)
		first, second := q.locate(t, ledger), r.locate(t, ledger)
		if first.Here || first.Node != second.Node {
			t.Fatalf("%s goes to %+v and to %+v", ledger, first, second)
		}
		counts[first.Node]++
	}
	if counts["a"] < 20 || counts["b"] < 20 {
		t.Fatalf("they go to %v", counts)
	}
}

func TestTheLossOfOneOfThreeServersChangesNothing(t *testing.T) {
	servers := natstest.Cluster(t, 3)
	at := func(name string, i int) *node {
		o := named(name, 6*time.Second)
		o.Replicas = 3
		return join(t, natstest.URLs(servers[i], servers[(i+1)%3]), o)
	}
	a, b := at("a", 0), at("b", 1)
	a.locate(t, "books")
	b.owns(t, "books", "a")
	for _, s := range servers {
		s.Stop()
		if owner := b.locate(t, "books"); owner.Node != "a" {
			t.Fatalf("with a server less it belongs to %+v", owner)
		}
		s.Start()
		a.becomes(t, "all is well", func() bool { return a.Ready() == nil })
		b.becomes(t, "all is well", func() bool { return b.Ready() == nil })
	}
	c := at("c", 2)
	c.becomes(t, "it sees the others", func() bool { return len(c.Picture().Nodes) == 3 })
	c.becomes(t, "all agree", func() bool { // a session that does not outlast all that is taken away another time
		owner := c.locate(t, "books")
		first, known := a.Owner("books")
		second, knownToo := b.Owner("books")
		return known && knownToo && first.Node == owner.Node && second.Node == owner.Node
	})
}

func TestABucketOfSomebodyElseIsRefused(t *testing.T) {
	_, servers := oneServer(t)
	conn, err := nats.Connect(servers)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: cluster.Bucket}); err != nil {
		t.Fatal(err)
	}
	o := named("a", long)
	o.Conn = conn
	m, err := cluster.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); !errors.Is(err, jetstream.ErrLimitMarkerTTLNotSupported) {
		t.Fatalf("in a bucket in which nothing ends it says %v", err)
	}
}

func TestWrongMembersAreRefused(t *testing.T) {
	for _, name := range []string{"", "a.b", "-a", "a b", "é"} {
		if _, err := cluster.New(named(name, 0)); err == nil {
			t.Errorf("a node can be called %q", name)
		}
	}
	if _, err := cluster.New(named("a", time.Second)); err == nil {
		t.Error("a lease can be of a second")
	}
}
