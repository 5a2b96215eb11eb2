package runner_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
)

// counted counts what is appended before it is, as whoever wires a bound does.
type counted struct {
	eventstore.Store

	bound *lag.Bound
}

func (c counted) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	c.bound.Append(len(records))
	return c.Store.Append(ctx, stream, expected, records)
}

// bounded is a scene whose appends count.
func bounded(t *testing.T, seed uint64) (*scene, *lag.Bound) {
	t.Helper()
	s, bound := newScene(t, seed), lag.New(50, 0, nil)
	s.history = projectiontest.NewHistory(counted{s.store, bound}, seed, 3)
	return s, bound
}

// told is what a runner says of how far its projections are.
type told struct {
	mu   sync.Mutex
	has  map[string]uint64
	back bool // a projection was said to have less than before
}

func (l *told) Has(projection string, events uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.back = l.back || events < l.has[projection]
	l.has[projection] = events
}

func (l *told) Gone(projection string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.has, projection)
}

// equals compares with the projections that are expected to have everything.
func (l *told) equals(t *testing.T, events int, names ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, name := range names {
		if l.has[name] != uint64(events) {
			t.Errorf("%s is said to have %d events, want %d", name, l.has[name], events)
		}
	}
	if l.back {
		t.Error("a projection is said to have lost events")
	}
	if len(l.has) != len(names) {
		t.Errorf("%v, want %v and no others", l.has, names)
	}
}

func TestTheLagIsToldHowManyEventsProjectionsHave(t *testing.T) {
	s := newScene(t, 31)
	for range 2 { // the second time they begin with what they have
		s.append(120)
		config, lag := s.config(), &told{has: map[string]uint64{}}
		config.Lag = lag
		r := runner.New(config)
		stop := s.run(r)
		s.await()
		s.append(80)
		s.await()
		if err := r.Rebuild(t.Context(), []string{"entries"}, nil); err != nil { // which is not being fed
			t.Fatal(err)
		}
		s.append(10)
		s.awaitTicking()
		stop()
		lag.equals(t, len(s.log()), everyProjection...)
	}
}

func TestAProjectionThatIsBlockedHoldsCommandsUpUntilItGoesOn(t *testing.T) {
	s, bound := bounded(t, 32)
	config := s.config()
	config.Lag = bound
	var block atomic.Bool
	blocked := make(chan struct{})
	release := sync.OnceFunc(func() { close(blocked) })
	config.Projections = breakEntries(config.Projections, func() error {
		if block.Load() {
			<-blocked
		}
		return nil
	})
	s.run(runner.New(config))
	t.Cleanup(release) // before the runner is waited for
	s.append(10)
	s.await() // so that it is known to be fed, and how far it is
	block.Store(true)
	for bound.Behind() <= 50 {
		if bound.Admit(1) != nil {
			t.Fatalf("held up with %d events behind", bound.Behind())
		}
		s.append(10)
	}
	resumed := bound.Held()
	if resumed == nil || bound.Admit(1) == nil {
		t.Fatalf("not held up with %d events behind", bound.Behind())
	}
	release()
	<-resumed
	s.await()
	if bound.Behind() != 0 {
		t.Errorf("with everything applied %d behind", bound.Behind())
	}
}

func TestAProjectionThatStoppedDoesNotHoldCommandsUp(t *testing.T) {
	s, bound := bounded(t, 33)
	s.troubled = true
	config := s.config()
	config.Lag = bound
	config.Projections = breakEntries(config.Projections, func() error { return errors.New("no room in the margin") })
	r := runner.New(config)
	s.run(r)
	others := []string{"ledgers", "accounts", "transactions", "holds", "periods", "assertions"}
	for range 20 {
		s.append(20)
		s.await(others...)
	}
	if status := s.status(r, "entries"); status.State != views.Stopped || status.Behind < 400 {
		t.Fatalf("the projection that failed: %+v", status)
	}
	if bound.Held() != nil || bound.Behind() != 0 {
		t.Errorf("held up by a projection that stopped: %d behind", bound.Behind())
	}
}

// Tables that an older program made are rebuilt beside: meanwhile the projection has nothing to catch up with.
func TestAProjectionThatIsBeingRebuiltDoesNotHoldCommandsUp(t *testing.T) {
	s := newScene(t, 34)
	s.append(100)
	stop := s.run(runner.New(s.config()))
	s.await()
	stop()
	s.troubled = true
	config, lag := s.config(), &told{has: map[string]uint64{}}
	config.Lag = lag
	var mended atomic.Bool
	for i := range config.Projections {
		if p := &config.Projections[i]; p.Model.Name == "entries" {
			p.Model.Version++
			inner := p.New
			p.New = func(generation int64) projector.Applier {
				return broken{inner(generation), func() error {
					if mended.Load() {
						return nil
					}
					return errors.New("not yet")
				}}
			}
		}
	}
	s.run(runner.New(config))
	s.append(50)
	s.await("ledgers", "accounts", "transactions", "holds", "periods", "assertions")
	lag.equals(t, len(s.log()), "ledgers", "accounts", "transactions", "holds", "periods", "assertions")
	mended.Store(true)
	s.await()
	lag.equals(t, len(s.log()), everyProjection...)
}
