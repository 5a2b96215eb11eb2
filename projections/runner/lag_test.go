package runner_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
)

// heard tells a count of what is appended, as whoever wires a bound does.
type heard struct {
	eventstore.Store

	count *lag.Count
}

func (h heard) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	appended, err := h.Store.Append(ctx, stream, expected, records)
	if name, ok := ledgername.Of(stream); ok && err == nil {
		h.count.Appended(name, uint64(appended.Last))
	}
	return appended, err
}

// noted is a count that says when it has begun to tell.
type noted struct {
	*lag.Count

	counted chan struct{}
}

func (n noted) Counted() {
	n.Count.Counted()
	close(n.counted)
}

// bounded is a scene whose appends count, and the configuration of a runner that counts them.
func bounded(t *testing.T, seed uint64) (s *scene, config runner.Config, bound *lag.Bound, counted <-chan struct{}) {
	t.Helper()
	s, bound = newScene(t, seed), lag.New(50, nil)
	count := noted{lag.NewCount(bound.Tell), make(chan struct{})}
	s.history = projectiontest.NewHistory(heard{s.store, count.Count}, seed, 3)
	config = s.config()
	config.Lag = count
	return s, config, bound, count.counted
}

// told is what a runner says of how far its projections are.
type told struct {
	mu      sync.Mutex
	has     map[string]uint64
	ledgers map[string]uint64
	back    bool          // a projection was said to have less than before
	counted chan struct{} // is closed when it was said that the log was counted
}

func newTold() *told {
	return &told{has: map[string]uint64{}, ledgers: map[string]uint64{}, counted: make(chan struct{})}
}

func (l *told) Log(ledgers map[string]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ledger, events := range ledgers {
		l.ledgers[ledger] = max(l.ledgers[ledger], events)
	}
}

func (l *told) Counted() { close(l.counted) }

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

func awaitCounted(t *testing.T, counted <-chan struct{}) {
	t.Helper()
	select {
	case <-counted:
	case <-time.After(patience):
		t.Error("the log was never counted")
	}
}

// logHas compares with where the ledgers end.
func (l *told) logHas(t *testing.T, heads map[string]uint64) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for ledger, last := range heads {
		if l.ledgers[ledger] != last+1 {
			t.Errorf("ledger %s is said to have %d events, and its last revision is %d", ledger, l.ledgers[ledger], last)
		}
	}
	if len(l.ledgers) != len(heads) {
		t.Errorf("ledgers are said to be %v, want %v", l.ledgers, heads)
	}
}

func TestTheLagIsToldHowManyEventsProjectionsHave(t *testing.T) {
	s := newScene(t, 31)
	for range 2 { // the second time they begin with what they have
		s.append(120)
		config, lag := s.config(), newTold()
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
	s, config, bound, counted := bounded(t, 32)
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
	awaitCounted(t, counted)
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
	s, config, bound, counted := bounded(t, 33)
	s.troubled = true
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
	awaitCounted(t, counted)
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
	config, lag := s.config(), newTold()
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

// backwards counts what is read of a store backwards.
type backwards struct {
	eventstore.Store

	read int
}

func (b *backwards) ReadAllBackwards(ctx context.Context, before eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		for record, err := range b.Store.ReadAllBackwards(ctx, before) {
			b.read++
			if !yield(record, err) {
				return
			}
		}
	}
}

// heads are those of a store which can tell where streams end, but not the first time that it is asked.
func (s *scene) heads() func(context.Context) iter.Seq2[eventstore.Head, error] {
	asked := 0
	return func(context.Context) iter.Seq2[eventstore.Head, error] {
		return func(yield func(eventstore.Head, error) bool) {
			if asked++; asked == 1 {
				yield(eventstore.Head{}, eventstore.ErrUnavailable)
				return
			}
			goOn := yield(eventstore.Head{Stream: "of-nobody", Last: 1000}, nil)
			for ledger, revision := range s.history.Heads() {
				goOn = goOn && yield(eventstore.Head{Stream: ledgername.Stream(ledger), Last: eventstore.Revision(revision)}, nil)
			}
		}
	}
}

// TestTheLagIsToldHowLongTheLogIs begins with a log that the projections have a part of, and keeps them from getting on.
func TestTheLagIsToldHowLongTheLogIs(t *testing.T) {
	for name, telling := range map[string]bool{"the store tells where streams end": true, "the log is read": false} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 35)
			s.troubled = telling
			s.append(100)
			stop := s.run(runner.New(s.config()))
			s.await()
			stop()
			had := len(s.log())
			s.append(150)
			config, lag, store := s.config(), newTold(), &backwards{Store: s.store}
			config.Lag, config.Store = lag, store
			if telling {
				config.Heads = s.heads()
			}
			blocked := make(chan struct{})
			config.Projections = breakEntries(config.Projections, func() error { <-blocked; return nil })
			stop = s.run(runner.New(config))
			awaitCounted(t, lag.counted)
			lag.equals(t, had, everyProjection...)
			lag.logHas(t, s.history.Heads())
			if most := len(s.log()) - had + 1; store.read > most {
				t.Errorf("%d records were read of which the projections have all but %d", store.read, most)
			}
			close(blocked)
			s.await()
			stop()
			lag.equals(t, len(s.log()), everyProjection...)
		})
	}
}

// TestWhatProjectionsHaveIsInTheLog: nobody said so of an append whose outcome was not known, or whose announcement was lost.
func TestWhatProjectionsHaveIsInTheLog(t *testing.T) {
	s := newScene(t, 36)
	for _, events := range []int{80, 0} { // the second time they begin with what they have
		config, lag := s.config(), newTold()
		config.Lag = lag
		config.Heads = func(context.Context) iter.Seq2[eventstore.Head, error] {
			return func(func(eventstore.Head, error) bool) {}
		}
		stop := s.run(runner.New(config))
		s.append(events)
		s.await()
		awaitCounted(t, lag.counted) // what they begin with was told before
		stop()
		lag.logHas(t, s.history.Heads())
	}
}
