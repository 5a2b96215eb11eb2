package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/memstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

func TestManyWaitersShareOneAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		gate := storetest.NewGate()
		b.store.Next(gate.Slow())
		first := b.laterStill(one(add(1)))
		var waiters []<-chan reply
		for range 64 {
			waiters = append(waiters, b.later(one(add(1))))
		}
		if !waits(first) || b.store.Appends() != 2 {
			t.Fatalf("%d appends", b.store.Appends())
		}
		gate.Open()
		if r := <-first; r.err != nil {
			t.Error(r.err)
		}
		for _, w := range waiters {
			if r := <-w; r.err != nil || r.result.Answers[0].Err != nil {
				t.Errorf("got %+v", r)
			}
		}
		if n := b.store.Appends(); n != 3 {
			t.Errorf("%d appends, want 3: open, the first, all others", n)
		}
		b.close()
	})
}

func TestTheNextBatchIsDecidedDuringAnAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		gate := storetest.NewGate()
		b.store.Next(gate.Slow())
		first := b.laterStill(one(add(3)))
		decided := b.decisions.Load()
		second := b.laterStill(one(add(-2)))    // possible only on top of the first
		rejection := b.laterStill(one(add(-2))) // true only if both happen
		dry := b.laterStill(unit{Commands: one(add(-1)).Commands, DryRun: true})
		if n := b.decisions.Load() - decided; n != 3 {
			t.Errorf("%d commands were decided during the append, want 3", n)
		}
		if !waits(first) || !waits(second) || !waits(rejection) || !waits(dry) {
			t.Error("a caller was told of what is not durable")
		}
		gate.Open()
		if r := <-first; r.err != nil {
			t.Error(r.err)
		}
		if r := <-second; r.err != nil || r.result.Answers[0].Err != nil {
			t.Errorf("got %+v", r)
		}
		if r := <-rejection; !errors.Is(r.result.Answers[0].Err, errFloor) {
			t.Errorf("got %+v", r)
		}
		if r := <-dry; r.err != nil || r.result.Answers[0].Err != nil {
			t.Errorf("got %+v", r)
		}
		b.close()
		b.wantLog("open", "3", "-2")
	})
}

func TestSpeculationOnAFailedAppendIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		gate := storetest.NewGate()
		refused := storetest.Refused(engine.ErrUnavailable)
		b.store.Next(func(ctx context.Context, f *storetest.Faulty, do storetest.Do) (eventstore.Appended, error) {
			_, err := gate.Slow()(ctx, f, func(context.Context) (eventstore.Appended, error) { return refused(ctx, f, do) })
			return eventstore.Appended{}, err
		})
		first := b.laterStill(one(add(3)))
		second := b.laterStill(one(add(-2)))
		replayed := b.laterStill(keyed("k", 1, add(1)))
		gate.Open()
		for _, w := range []<-chan reply{first, second, replayed} {
			if r := <-w; !errors.Is(r.err, engine.ErrUnavailable) {
				t.Errorf("got %+v", r)
			}
		}
		b.reject(one(add(-1)), errFloor)
		if r := b.accept(keyed("k", 1, add(1))); r.Answers[0].Replayed {
			t.Error("a key that was speculated is known")
		}
		b.close()
		b.wantLog("open", "1")
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{QueueLength: 2, MaxBatchEvents: 1})
		b.accept(one(open()))
		gate := storetest.NewGate()
		b.store.Next(gate.Slow())
		held := []<-chan reply{
			b.laterStill(one(add(1))),          // being appended
			b.laterStill(one(add(2))),          // decided
			b.laterStill(many(add(3), add(4))), // waits
		}
		if _, err := b.submit(one(add(9))); !errors.Is(err, engine.ErrOverloaded) {
			t.Errorf("got %v", err)
		}
		if n := b.metric("queue_commands"); n != 2 {
			t.Errorf("%v commands wait", n)
		}
		gate.Open()
		for _, w := range held {
			if r := <-w; r.err != nil {
				t.Error(r.err)
			}
		}
		b.accept(many(add(5), add(6), add(7))) // longer than the queue, but nothing waits
		if n := b.metric("queue_commands"); n != 0 {
			t.Errorf("%v commands wait", n)
		}
		b.close()
		b.wantLog("open", "1", "2", "3", "4", "5", "6", "7")
	})
}

func TestTooLargeBatchesAreDivided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Units bounded by more than the store takes, as where it counts in another way: it has the last word.
		b := benchOn(t, memstore.NewLimited(1500), engine.Options{MaxUnitBytes: 64 << 20})
		b.accept(one(open()))
		gate := storetest.NewGate()
		b.store.Next(gate.Slow())
		first := b.laterStill(one(add(1)))
		var small []<-chan reply
		for range 7 {
			small = append(small, b.laterStill(one(add(2))))
		}
		big := b.laterStill(one(add(1, 1, 1, 1, 1, 1)))
		after := b.laterStill(one(add(3)))
		gate.Open()
		for _, w := range append(small, first, after) {
			if r := <-w; r.err != nil || r.result.Answers[0].Err != nil {
				t.Errorf("got %+v", r)
			}
		}
		if r := <-big; !errors.Is(r.err, engine.ErrTooLarge) {
			t.Errorf("got %+v", r)
		}
		if n := b.metric("conflicts_total"); n != 0 {
			t.Errorf("%v of the parts did not follow one another", n)
		}
		b.close()
		b.wantLog("open", "1", "2", "2", "2", "2", "2", "2", "2", "3")
	})
}

func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := &shelf{}
		b := newBench(t, engine.Options{MaxBatchEvents: 1, Snapshots: saved})
		b.accept(one(open()))
		gate := storetest.NewGate()
		b.store.Next(gate.Slow())
		var taken []<-chan reply
		for range 5 {
			taken = append(taken, b.laterStill(one(add(1))))
		}
		closed := make(chan error, 1)
		go func() { closed <- b.engines.Close(t.Context()) }()
		synctest.Wait()
		if _, err := b.submit(one(add(9))); !errors.Is(err, engine.ErrClosed) {
			t.Errorf("got %v", err)
		}
		if len(closed) != 0 {
			t.Error("closed before what was taken is answered")
		}
		gate.Open()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		for _, w := range taken {
			if r := <-w; r.err != nil {
				t.Error(r.err)
			}
		}
		b.wantLog("open", "1", "1", "1", "1", "1")
		if r := saved.revisions(); len(r) != 1 || r[0] != 5 {
			t.Errorf("snapshots at %v", r)
		}
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{MaxBatchEvents: 1})
		b.accept(one(open()))
		b.store.Always(storetest.NewGate().Slow()) // never opens
		first := b.laterStill(one(add(1)))
		second := b.laterStill(one(add(2)))
		third := b.laterStill(one(add(3)))
		ctx, cancel := context.WithCancel(t.Context())
		closed := make(chan error, 1)
		go func() { closed <- b.engines.Close(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-closed; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if r := <-first; !errors.Is(r.err, engine.ErrOutcomeUnknown) {
			t.Errorf("got %v", r.err)
		}
		for _, w := range []<-chan reply{second, third} {
			if r := <-w; !errors.Is(r.err, engine.ErrUnavailable) {
				t.Errorf("got %v", r.err)
			}
		}
	})
}

// TestAReleasedStreamIsReadAgain has others go on with a stream that is released. Who is asked for it afterwards begins with what
// they have appended, rather than finding out by a conflict.
func TestAReleasedStreamIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{})
		other := benchOn(t, b.inner, engine.Options{})
		b.engines.Release("nobody's")
		b.accept(one(open()))
		b.engines.Release(stream)
		synctest.Wait()
		if n := b.metric("streams"); n != 0 {
			t.Errorf("%v streams are in memory, want none", n)
		}
		other.accept(one(add(5)))
		b.reject(one(add(-6)), errFloor)
		b.accept(one(add(-5)))
		if n := b.metric("conflicts_total"); n != 0 {
			t.Errorf("%v conflicts, want none", n)
		}
		b.close()
		other.close()
	})
}
