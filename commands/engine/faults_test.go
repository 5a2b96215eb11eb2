package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

// TestFaults meets an append with each fault; the unit behind it, decided on top of it meanwhile, must come out right too.
func TestFaults(t *testing.T) {
	tests := map[string]struct {
		fault storetest.Fault
		want  error
		log   []event
	}{
		"unavailable, nothing written": {storetest.Refused(engine.ErrUnavailable), engine.ErrUnavailable, []event{"open"}},
		"overloaded, nothing written":  {storetest.Refused(engine.ErrOverloaded), engine.ErrOverloaded, []event{"open"}},
		"closed, nothing written":      {storetest.Refused(engine.ErrClosed), engine.ErrClosed, []event{"open"}},
		"unknown, nothing written":     {storetest.Lost(), nil, []event{"open", "5", "-2"}},
		"unknown, written":             {storetest.Written(), nil, []event{"open", "5", "-2"}},
		"an error of another kind":     {storetest.Refused(errors.New("?")), nil, []event{"open", "5", "-2"}},
		"a conflict, nothing written": {
			storetest.Refused(&eventstore.ConflictError{}), nil, []event{"open", "5", "-2"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, engine.Options{})
				b.accept(one(open()))
				gate := storetest.NewGate()
				b.store.Next(after(gate, test.fault))
				first := b.laterStill(one(add(5)))
				second := b.laterStill(one(add(-2)))
				gate.Open()
				for _, w := range []<-chan reply{first, second} {
					if r := <-w; !errors.Is(r.err, test.want) || r.err == nil && r.result.Answers[0].Err != nil {
						t.Errorf("got %+v, want %v", r, test.want)
					}
				}
				b.wantLog(test.log...)
				b.accept(one(add(1)))
				b.close()
				b.wantLog(append(test.log, "1")...)
				b.wantTold(append(test.log, "1")...)
			})
		})
	}
}

// after lets an append wait at the gate, and then meets it with a fault.
func after(gate *storetest.Gate, fault storetest.Fault) storetest.Fault {
	return func(ctx context.Context, f *storetest.Faulty, do storetest.Do) (eventstore.Appended, error) {
		return gate.Slow()(ctx, f, func(ctx context.Context) (eventstore.Appended, error) { return fault(ctx, f, do) })
	}
}

func TestAnUnknownOutcomeOnTheFirstEvent(t *testing.T) {
	for name, fault := range map[string]storetest.Fault{"lost": storetest.Lost(), "written": storetest.Written()} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, engine.Options{})
			b.store.Next(fault)
			r := b.accept(one(open()))
			b.wantLog("open")
			if got := r.Answers[0].Events[0].Envelope; got.ID == ([16]byte{}) || r.Revision != 0 {
				t.Errorf("got %+v", r)
			}
			if n := b.metric("unknown_outcomes_total"); n != 1 {
				t.Errorf("%v unknown outcomes", n)
			}
		})
	}
}

// TestALateAppend is an append whose outcome is unknown, which is not in the log when that is asked, and which arrives
// just before the same unit is appended again.
func TestALateAppend(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	gate, arrived := storetest.NewGate(), make(chan struct{})
	b.store.Next(
		gate.Late(func(eventstore.Appended, error) { close(arrived) }),
		storetest.Behind(func() { gate.Open(); <-arrived }),
	)
	r := b.accept(one(add(5)))
	b.wantLog("open", "5")
	b.accept(one(add(-5)))
	b.wantLog("open", "5", "-5")
	b.wantTold("open", "5", "-5")
	id := r.Answers[0].Events[0].Envelope.ID
	for got := range b.inner.ReadStream(t.Context(), stream, 1) {
		if got.ID != id {
			t.Errorf("answered with event %x, the log has %x", id, got.ID)
		}
		break
	}
}

// TestNobodyIsToldThatADoubtfulUnitFailed: the append may still arrive, so "unavailable" would be a lie.
func TestNobodyIsToldThatADoubtfulUnitFailed(t *testing.T) {
	t.Run("the retry is refused", func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		gate, arrived := storetest.NewGate(), make(chan struct{})
		b.store.Next(
			gate.Late(func(eventstore.Appended, error) { close(arrived) }),
			storetest.Refused(engine.ErrUnavailable),
		)
		if _, err := b.submit(one(add(5))); !errors.Is(err, engine.ErrOutcomeUnknown) {
			t.Errorf("got %v", err)
		}
		gate.Open()
		<-arrived
		b.accept(one(add(-5)))
		b.wantLog("open", "5", "-5")
	})
	t.Run("the log cannot be asked", func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		b.store.Next(func(ctx context.Context, f *storetest.Faulty, do storetest.Do) (eventstore.Appended, error) {
			f.FailReads(engine.ErrUnavailable)
			return storetest.Written()(ctx, f, do)
		})
		if _, err := b.submit(keyed("k", 1, add(5))); !errors.Is(err, engine.ErrOutcomeUnknown) {
			t.Errorf("got %v", err)
		}
		if _, err := b.submit(one(add(1))); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		b.store.FailReads(nil)
		if r := b.accept(keyed("k", 1, add(5))); !r.Answers[0].Replayed {
			t.Errorf("got %+v", r)
		}
		b.wantLog("open", "5")
	})
}

// TestAnAppendThatArrivesWhileItIsLookedFor is not in the log at the first of the reads that follow, and is at the second.
func TestAnAppendThatArrivesWhileItIsLookedFor(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	gate, arrived, reads := storetest.NewGate(), make(chan struct{}), 0
	b.hook = func(eventstore.Revision) {
		if reads++; reads == 2 {
			gate.Open()
			<-arrived
		}
	}
	b.store.Next(gate.Late(func(eventstore.Appended, error) { close(arrived) }))
	b.accept(one(add(5)))
	b.wantLog("open", "5")
}

// TestADoubtfulUnitIsNotRejected: decided again it would be, but there is no append to keep the first one out.
func TestADoubtfulUnitIsNotRejected(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	gate, arrived := storetest.NewGate(), make(chan struct{})
	b.store.Next(gate.Late(func(eventstore.Appended, error) { close(arrived) }))
	fickle := add(5)
	fickle.once = &atomic.Bool{}
	if r, err := b.submit(one(fickle)); !errors.Is(err, engine.ErrOutcomeUnknown) {
		t.Errorf("got %+v, %v", r, err)
	}
	gate.Open()
	<-arrived
	b.wantLog("open", "5")
}

func TestConflicts(t *testing.T) {
	t.Run("decided again on what the other wrote", func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(many(open(), add(5)))
		other := benchOn(t, b.inner, engine.Options{})
		b.store.Next(storetest.Behind(func() { other.accept(one(add(-3))) }))
		b.reject(one(add(-4)), errFloor)
		b.store.Next(storetest.Behind(func() { other.accept(one(add(7))) }))
		b.accept(one(add(-1)))
		b.wantLog("open", "5", "-3", "7", "-1")
		b.wantTold("open", "5", "-1")
		other.wantTold("-3", "7")
		if n := b.metric("conflicts_total"); n != 2 {
			t.Errorf("%v conflicts", n)
		}
	})
	t.Run("a rejection is not told of a state that has passed", func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		other := benchOn(t, b.inner, engine.Options{})
		other.accept(one(add(7)))
		b.accept(one(add(-7)))
	})
	t.Run("a bounded number of times", func(t *testing.T) {
		b := newBench(t, engine.Options{MaxAttempts: 3})
		b.accept(one(open()))
		other := benchOn(t, b.inner, engine.Options{})
		b.store.Always(storetest.Behind(func() { other.accept(one(add(1))) }))
		if _, err := b.submit(one(add(50))); !errors.Is(err, engine.ErrOverloaded) {
			t.Errorf("got %v", err)
		}
		b.wantLog("open", "1", "1", "1")
		b.wantTold("open")
	})
}

func TestTwoEnginesOnOneStream(t *testing.T) {
	const callers, each = 8, 40 // all numbers are below the poison
	left := newBench(t, engine.Options{})
	left.accept(one(open()))
	right := benchOn(t, left.inner, engine.Options{})
	var all sync.WaitGroup
	for caller := range 2 * callers {
		b := []*bench{left, right}[caller%2]
		all.Go(func() {
			for i := range each {
				n := 1 + caller*each + i
				for {
					r, err := b.engines.Submit(t.Context(), stream, one(add(n)))
					if err == nil && string(r.Answers[0].Events[0].Event) == strconv.Itoa(n) {
						break
					}
					if !errors.Is(err, engine.ErrOverloaded) {
						t.Errorf("got %+v, %v", r, err)
						return
					}
				}
			}
		})
	}
	all.Wait()
	wantOnce(t, left.log()[1:], 2*callers*each)
}

// wantOnce checks that each of the numbers 1 to n is there once.
func wantOnce(t *testing.T, events []event, n int) {
	t.Helper()
	var got []int
	for _, e := range events {
		i, err := strconv.Atoi(string(e))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, i)
	}
	slices.Sort(got)
	if len(got) != n || got[0] != 1 || got[n-1] != n || len(slices.Compact(got)) != n {
		t.Errorf("the numbers 1 to %d are not there once each: %v", n, got)
	}
}

// TestRandomFaults has two engines on one stream, every fault there is, restarts, and callers who try again until they
// know. What they were told must be what the log has.
func TestRandomFaults(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) { randomFaults(t, seed) })
	}
}

func randomFaults(t *testing.T, seed uint64) {
	const callers, each = 6, 30
	options := engine.Options{SnapshotEvery: 7, MaxBatchEvents: 5, KeepInMemory: 3}
	options.Snapshots = &shelf{dir: t.TempDir()}
	left := newBench(t, options)
	left.accept(one(open()))
	options.Snapshots = &shelf{dir: t.TempDir()}
	right := benchOn(t, left.inner, options)
	for i, b := range []*bench{left, right} {
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		var mu sync.Mutex
		b.store.Always(func(ctx context.Context, f *storetest.Faulty, do storetest.Do) (eventstore.Appended, error) {
			mu.Lock()
			roll := dice.IntN(20)
			mu.Unlock()
			return randomFault(roll)(ctx, f, do)
		})
	}
	var all sync.WaitGroup
	told := make([][]string, callers)
	for caller := range callers {
		all.Go(func() {
			for i := range each {
				b := []*bench{left, right}[(caller+i)%2]
				told[caller] = append(told[caller], insist(b, caller*each+i+1, caller%2 == 0))
			}
		})
	}
	all.Wait()
	left.store.Always(nil)
	right.store.Always(nil)
	left.close()
	right.close()

	log := left.log()
	times := map[string]int{}
	for _, e := range log[1:] {
		times[string(e)]++
	}
	wantEachOnce(t, log, append(left.told, right.told...))
	for _, outcomes := range told {
		for _, outcome := range outcomes {
			n, what, _ := strings.Cut(outcome, " ")
			if got := times[n]; what == "accepted" && got != 1 || what == "failed" && got != 0 || got > 1 {
				t.Errorf("%s, and it is in the log %d times", outcome, got)
			}
		}
	}
}

// wantEachOnce checks that nothing is told to have happened that did not, and nothing twice. What arrives after its callers
// were told that nobody knows is not told.
func wantEachOnce(t *testing.T, log []event, told []engine.Event[event]) {
	t.Helper()
	seen := map[eventstore.Revision]bool{}
	for _, e := range told {
		if seen[e.Revision] || int(e.Revision) >= len(log) || log[e.Revision] != e.Event {
			t.Errorf("%q was told to have happened at revision %d, which had been told before or has another event", e.Event, e.Revision)
		}
		seen[e.Revision] = true
	}
}

func randomFault(roll int) storetest.Fault {
	switch roll {
	case 0:
		return storetest.Lost()
	case 1:
		return storetest.Written()
	case 2:
		return storetest.Refused(engine.ErrUnavailable)
	case 3:
		return storetest.Refused(engine.ErrTooLarge)
	case 4:
		gate := storetest.NewGate()
		gate.Open()
		return gate.Late(nil)
	default:
		return storetest.None()
	}
}

// insist submits a number, and with a key again until it is accepted, and says what it came to. Without a key it can only
// try once.
func insist(b *bench, n int, withKey bool) string {
	u := one(add(n))
	if withKey {
		u = keyed(strconv.Itoa(n), byte(n), add(n))
	}
	for {
		r, err := b.engines.Submit(b.Context(), stream, u)
		switch {
		case err == nil && len(r.Answers[0].Events) == 1 && string(r.Answers[0].Events[0].Event) == strconv.Itoa(n):
			return fmt.Sprintf("%d accepted", n)
		case err == nil:
			return fmt.Sprintf("%d accepted with a wrong answer", n)
		case withKey:
		case errors.Is(err, engine.ErrOutcomeUnknown):
			return fmt.Sprintf("%d unknown", n)
		default:
			return fmt.Sprintf("%d failed", n)
		}
	}
}

// TestACorruptLogIsNotCalledUnavailable: trying again later does not help, whatever the log was read for.
func TestACorruptLogIsNotCalledUnavailable(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	b.accept(keyed("k", 1, add(1)))
	b.store.FailReads(eventstore.ErrCorrupt)
	for name, u := range map[string]unit{"a replay": keyed("k", 1, add(1)), "a rejection": one(add(-2))} {
		if _, err := b.submit(u); !errors.Is(err, engine.ErrCorrupt) || errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	b.store.FailReads(nil)
	b.accept(one(add(-1)))
	b.wantLog("open", "1", "-1")
}
