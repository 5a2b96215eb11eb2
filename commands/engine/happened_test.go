package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

func TestWhatHappenedIsToldOnce(t *testing.T) {
	b := newBench(t, engine.Options{Snapshots: &shelf{}, SnapshotEvery: 2})
	b.reject(one(add(1)), errNotOpen)
	b.accept(one(open()))
	b.accept(keyed("k", 1, add(5, -2)))
	b.wantTold("open", "5", "-2")

	for range 2 { // from memory, and from the log after a restart
		b.accept(keyed("k", 1, add(5, -2)))
		b.accept(unit{Commands: one(add(7)).Commands, DryRun: true})
		b.accept(one(add())) // accepted, and nothing came of it
		b.reject(one(add(-9)), errFloor)
		refused := many(add(1), add(-9))
		refused.Atomic = true
		if _, err := b.submit(refused); !errors.Is(err, errFloor) {
			t.Fatalf("got %v", err)
		}
		b.restart()
	}
	b.wantTold("open", "5", "-2")

	mixed := many(add(1), add(-99), add(2), add(3, poison))
	if _, err := b.submit(mixed); err != nil {
		t.Fatal(err)
	}
	atomic := many(add(3), add(4))
	atomic.Atomic = true
	b.accept(atomic)
	b.wantTold("open", "5", "-2", "1", "2", "3", "4")
	b.wantLog("open", "5", "-2", "1", "2", "3", "4")
}

func TestTheHalvesOfABatchAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		gate := storetest.NewGate()
		tooLarge := storetest.Refused(engine.ErrTooLarge)
		b.store.Next(gate.Slow(), tooLarge, storetest.None(), tooLarge) // the last half is one unit, which is too large alone
		replies := []<-chan reply{b.laterStill(one(add(1))), b.laterStill(one(add(2))), b.laterStill(one(add(3)))}
		gate.Open()
		for _, r := range replies {
			<-r
		}
		b.close()
		b.wantLog("open", "1", "2")
		b.wantTold("open", "1", "2")
	})
}

// TestWhatNobodyWaitsForIsTold: it happened all the same.
func TestWhatNobodyWaitsForIsTold(t *testing.T) {
	t.Run("the caller has left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, engine.Options{})
			b.accept(one(open()))
			gate := storetest.NewGate()
			b.store.Next(gate.Slow())
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error, 1)
			go func() {
				_, err := b.engines.Submit(ctx, stream, one(add(5)))
				left <- err
			}()
			synctest.Wait()
			leave()
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			b.wantTold("open")
			gate.Open()
			b.close()
			b.wantTold("open", "5")
		})
	})
	t.Run("the caller was told that nobody knows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, engine.Options{MaxAttempts: 1})
			b.accept(one(open()))
			gate := storetest.NewGate()
			b.store.Next(after(gate, storetest.Written()))
			first := b.laterStill(one(add(5)))
			second := b.laterStill(one(add(-2))) // finds the first in the log
			gate.Open()
			if r := <-first; !errors.Is(r.err, engine.ErrOutcomeUnknown) {
				t.Errorf("got %+v", r)
			}
			if r := <-second; r.err != nil || r.result.Answers[0].Err != nil {
				t.Errorf("got %+v", r)
			}
			b.close()
			b.wantLog("open", "5", "-2")
			b.wantTold("open", "5", "-2")
		})
	})
}
