package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/cluster"
)

// worker leads a singleton, and tells when its work begins and how it ends.
type worker struct {
	began chan struct{}
	ended chan error // the cause
	stop  context.CancelFunc
	done  chan error
}

func (n *node) lead(t testing.TB, singleton string) *worker {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &worker{began: make(chan struct{}, 10), ended: make(chan error, 10), stop: cancel, done: make(chan error, 1)}
	go func() {
		w.done <- n.Lead(ctx, singleton, func(ctx context.Context) error {
			w.began <- struct{}{}
			<-ctx.Done()
			w.ended <- context.Cause(ctx)
			return nil
		})
	}()
	t.Cleanup(cancel)
	return w
}

func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: it never happened", what)
		panic("unreachable")
	}
}

func TestOneNodeLeads(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, named("a", long)), join(t, servers, named("b", long))
	first := a.lead(t, "relay")
	await(t, "the first leads", first.began)
	second, other := b.lead(t, "relay"), b.lead(t, "projections")
	await(t, "another singleton is led", other.began)
	b.becomes(t, "a leads", func() bool { o, ok := b.Leader("relay"); return ok && o.Node == "a" && !o.Here })
	if len(second.began) > 0 {
		t.Fatal("two lead")
	}
	first.stop()
	if err := await(t, "it ends", first.done); err != nil {
		t.Fatal(err)
	}
	await(t, "the second leads after the first", second.began)
	p := b.Picture()
	if p.Leaders["relay"] != "b" || p.Leaders["projections"] != "b" || len(p.Nodes) != 2 || len(p.Nodes[1].Leads) != 2 {
		t.Fatalf("the picture is %+v", p)
	}
	b.stop()
	if cause := await(t, "it ends with its member", second.ended); !errors.Is(cause, cluster.ErrLeadLost) {
		t.Fatal(cause)
	}
}

func TestWhoLosesItsSessionLeadsNoMore(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, named("a", cluster.MinLease)), join(t, servers, named("b", cluster.MinLease))
	first := a.lead(t, "relay")
	await(t, "the first leads", first.began)
	second := b.lead(t, "relay")
	a.link.Freeze()
	await(t, "the second leads", second.began)
	if cause := await(t, "its own clock tells the first", first.ended); !errors.Is(cause, cluster.ErrLeadLost) {
		t.Fatal(cause)
	}
	a.link.Thaw()
	a.becomes(t, "b leads", func() bool { o, ok := a.Leader("relay"); return ok && o.Node == "b" })
	second.stop()
	await(t, "it leads again", first.began)
}

func TestWorkThatFailsGivesTheLeadUp(t *testing.T) {
	_, servers := oneServer(t)
	a, b := join(t, servers, named("a", long)), join(t, servers, named("b", long))
	broken := errors.New("broken")
	if err := a.Lead(t.Context(), "relay", func(context.Context) error { return broken }); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	w := b.lead(t, "relay")
	await(t, "another leads", w.began)
}
