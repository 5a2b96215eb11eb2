package cluster_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 60 * time.Second
	// long is a lease that no test waits for the end of.
	long = 10 * time.Minute
)

// node is a member that runs, and the link that it has to NATS.
type node struct {
	*cluster.Member

	conn *nats.Conn
	link *natstest.Link
	stop func() // and wait until it has stopped
}

// join starts a member.
func join(t testing.TB, servers string, o cluster.Options) *node {
	t.Helper()
	n := &node{link: new(natstest.Link)}
	var err error
	n.conn, err = nats.Connect(servers, nats.SetCustomDialer(n.link), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.ReconnectBufSize(-1), nats.RetryOnFailedConnect(true), nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.conn.Close)
	o.Conn = n.conn
	if o.Node.Roles == nil {
		o.Node.Roles = []string{cluster.RoleCommands}
	}
	if o.Node.Home == "" {
		o.Node.Home = "home of " + o.Node.Name
	}
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	if n.Member, err = cluster.New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	n.stop = sync.OnceFunc(func() {
		n.link.Thaw()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("member %s: %v", o.Node.Name, err)
		}
	})
	t.Cleanup(n.stop)
	return n
}

func named(name string, lease time.Duration) cluster.Options {
	return cluster.Options{Node: cluster.Node{Name: name}, Lease: lease}
}

// locate fails the test where nobody can be told.
func (n *node) locate(t testing.TB, ledger string) cluster.Owner {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	owner, err := n.Locate(ctx, ledger)
	if err != nil {
		t.Fatalf("%s: %v", n.Node().Name, err)
	}
	return owner
}

// becomes waits until a condition on what a node sees is met.
func (n *node) becomes(t testing.TB, what string, condition func() bool) {
	t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	for !condition() {
		select {
		case <-n.Changed():
		case <-time.After(10 * time.Millisecond): // what ends by the clock changes nothing
		case <-end.C:
			t.Fatalf("%s: it never was so that %s; it is %+v", n.Node().Name, what, n.Picture())
		}
	}
}

// owns waits until a node knows whose a ledger is.
func (n *node) owns(t testing.TB, ledger, owner string) {
	t.Helper()
	n.becomes(t, ledger+" is "+owner+"'s", func() bool { o, ok := n.Owner(ledger); return ok && o.Node == owner })
}

func oneServer(t testing.TB) (*natstest.Server, string) {
	t.Helper()
	s := natstest.New(t, nil)
	return s, natstest.URLs(s)
}
