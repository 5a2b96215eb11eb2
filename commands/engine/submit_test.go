package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

func TestAcceptedAndRejected(t *testing.T) {
	b := newBench(t, engine.Options{})

	r := b.reject(one(add(1)), errNotOpen)
	if r.Exists {
		t.Errorf("a stream without events exists: %+v", r)
	}
	b.accept(one(open()))
	u := one(add(5, -2))
	u.Correlation, u.Causation = "request 7", "a test"
	r = b.accept(u)
	if !r.Exists || r.Revision != 2 || len(r.Answers[0].Events) != 2 {
		t.Fatalf("got %+v", r)
	}
	second := r.Answers[0].Events[1]
	e := second.Envelope
	if second.Event != "-2" || second.Revision != 2 || e.Actor != "ann" || e.Correlation != "request 7" ||
		e.Causation != "a test" || e.Schema != 1 || e.Previous != r.Answers[0].Events[0].Envelope.Hash {
		t.Errorf("got %+v", second)
	}
	if r = b.reject(one(add(-4)), errFloor); r.Revision != 2 {
		t.Errorf("got %+v", r)
	}
	r, err := b.submit(many(add(-9), add(1), open()))
	if err != nil || !errors.Is(r.Answers[0].Err, errFloor) || r.Answers[1].Err != nil ||
		!errors.Is(r.Answers[2].Err, errOpen) || r.Revision != 3 {
		t.Errorf("got %+v, %v", r, err)
	}
	b.wantLog("open", "5", "-2", "1")
}

func TestAtomicUnits(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))

	u := many(add(3), add(-1), add(-5), add(9))
	u.Atomic = true
	_, err := b.submit(u)
	var refused *engine.RefusedError
	if !errors.As(err, &refused) || refused.Index != 2 || !errors.Is(err, errFloor) {
		t.Fatalf("got %v", err)
	}
	b.reject(one(add(-1)), errFloor) // nothing is left of it

	u = many(add(3), add(-1))
	u.Atomic = true
	b.accept(u)
	b.accept(one(add(-2)))
	b.wantLog("open", "3", "-1", "-2")
}

func TestAtomicUnitGivesItsKeysBack(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	u := many(add(1), add(-9))
	u.Atomic = true
	u.Commands[0].Key = "k"
	if _, err := b.submit(u); !errors.Is(err, errFloor) {
		t.Fatalf("got %v", err)
	}
	if r := b.accept(keyed("k", 2, add(4))); r.Answers[0].Replayed {
		t.Error("the key of a command that was undone is known")
	}
	b.wantLog("open", "4")
}

func TestDryRunChangesNothing(t *testing.T) {
	b := newBench(t, engine.Options{})
	u := many(open(), add(2, 3), add(-9))
	u.DryRun = true
	u.Commands[1].Key = "k"
	r, err := b.submit(u)
	if err != nil || r.Exists || !errors.Is(r.Answers[2].Err, errFloor) {
		t.Fatalf("got %+v, %v", r, err)
	}
	would := r.Answers[1].Events
	if len(would) != 2 || would[1].Event != "3" || would[1].Revision != 2 || would[1].Envelope.RecordedAt.IsZero() {
		t.Errorf("got %+v", would)
	}
	b.wantLog()
	b.accept(one(open()))
	if r := b.accept(keyed("k", 1, add(1))); r.Answers[0].Replayed {
		t.Error("a dry run used a key up")
	}
	u = keyed("k", 1, add(7))
	u.DryRun = true
	if r := b.accept(u); r.Answers[0].Replayed || r.Answers[0].Events[0].Event != "7" || r.Revision != 1 {
		t.Errorf("a dry run looked at a key: %+v", r)
	}
	b.accept(one(add(-1)))
	b.wantLog("open", "1", "-1")
}

func TestWhatCannotFollowLeavesNoTrace(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	r, err := b.submit(many(add(1), add(5, poison), add(2)))
	if err != nil || r.Answers[1].Err == nil || r.Answers[2].Err != nil {
		t.Fatalf("got %+v, %v", r, err)
	}
	b.reject(one(add(-4)), errFloor)
	b.accept(one(add(-3)))
	b.wantLog("open", "1", "2", "-3")
}

func TestInvalidUnits(t *testing.T) {
	b := newBench(t, engine.Options{})
	for name, u := range map[string]unit{
		"empty": {}, "key": keyed("\xff", 1, open()), "actor": {Commands: one(open()).Commands, Actor: "\xc0"},
	} {
		if _, err := b.submit(u); !errors.Is(err, engine.ErrInvalidUnit) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	b.wantLog()
}

func TestRecordedTimeNeverGoesBack(t *testing.T) {
	times := []time.Duration{0, time.Hour, -time.Hour, 30 * time.Minute, 2 * time.Hour}
	start, calls := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), 0
	b := newBench(t, engine.Options{Clock: func() time.Time {
		calls++
		return start.Add(times[min(calls/4, len(times)-1)]) // the engine alone calls it, one at a time
	}})
	b.accept(one(open()))
	var last time.Time
	for range 20 {
		at := b.accept(one(add(1))).Answers[0].Events[0].Envelope.RecordedAt
		if at.Before(last) {
			t.Fatalf("recorded at %v after %v", at, last)
		}
		last = at
	}
	if last != start.Add(2*time.Hour) {
		t.Errorf("ended at %v", last)
	}
	b.log()
}

func TestManyCommandsInOneUnit(t *testing.T) {
	b := newBench(t, engine.Options{MaxBatchEvents: 100})
	u := many(open())
	for range 10_000 {
		u.Commands = append(u.Commands, engine.Command[command]{Command: add(1)})
	}
	if r := b.accept(u); r.Revision != 10_000 || len(r.Answers) != 10_001 || r.Answers[10_000].Events[0].Revision != 10_000 {
		t.Errorf("got revision %d of %d answers", r.Revision, len(r.Answers))
	}
	if n := b.store.Appends(); n != 1 {
		t.Errorf("%d appends", n)
	}
}

func TestAnAbandonedUnitIsNotDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{MaxBatchEvents: 1})
		b.accept(one(open()))
		gate := storetest.NewGate()
		b.store.Next(gate.Slow())
		first := b.laterStill(one(add(1)))
		second := b.laterStill(one(add(2)))
		ctx, cancel := context.WithCancel(t.Context())
		abandoned := make(chan error, 1)
		go func() {
			_, err := b.engines.Submit(ctx, stream, one(add(3)))
			abandoned <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-abandoned; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		gate.Open()
		if (<-first).err != nil || (<-second).err != nil {
			t.Error("the others failed")
		}
		b.close()
		b.wantLog("open", "1", "2")
	})
}

func TestStrangersLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{})
		for _, name := range []string{"ledger-a", "ledger-b", "ledger-c"} {
			r, err := b.engines.Submit(t.Context(), name, one(add(1)))
			if err != nil || !errors.Is(r.Answers[0].Err, errNotOpen) {
				t.Fatalf("got %+v, %v", r, err)
			}
		}
		synctest.Wait()
		if n := b.metric("streams"); n != 0 {
			t.Errorf("%v engines are left", n)
		}
		b.accept(one(open()))
		if n := b.metric("streams"); n != 1 {
			t.Errorf("%v engines", n)
		}
		b.close()
	})
}

func TestCommandsAreCounted(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	b.accept(keyed("k", 1, add(1)))
	b.accept(keyed("k", 1, add(1)))
	atomic := many(add(1), add(-9))
	atomic.Atomic = true
	if _, err := b.submit(atomic); !errors.Is(err, errFloor) {
		t.Fatal(err)
	}
	dry := many(add(1), add(-9))
	dry.DryRun = true
	if _, err := b.submit(dry); err != nil {
		t.Fatal(err)
	}
	if _, err := b.submit(many(add(1), add(-9), add(2))); err != nil {
		t.Fatal(err)
	}
	b.store.Next(storetest.Refused(engine.ErrUnavailable))
	if _, err := b.submit(many(add(1), add(1))); !errors.Is(err, engine.ErrUnavailable) {
		t.Fatal(err)
	}
	for outcome, want := range map[string]float64{"accepted": 4, "replayed": 1, "rejected": 3, "failed": 2, "refused": 0} {
		if got := b.metric("commands_total", outcome); got != want {
			t.Errorf("%s: got %v, want %v", outcome, got, want)
		}
	}
}

// TestACorruptLogIsNotExtended puts an event behind the first that somebody else made.
func TestACorruptLogIsNotExtended(t *testing.T) {
	type forgery struct {
		envelope envelope.Envelope
		record   eventstore.Record
		resealed bool
	}
	for name, forge := range map[string]func(*forgery){
		"none":              func(*forgery) {},
		"other data":        func(f *forgery) { f.record.Data = []byte("2") },
		"another type":      func(f *forgery) { f.record.Type = "Discounted" },
		"another id":        func(f *forgery) { f.record.ID[0]++ },
		"another actor":     func(f *forgery) { f.envelope.Actor = "eve" },
		"not chained":       func(f *forgery) { f.envelope.Previous[0]++; f.resealed = true },
		"before the first":  func(f *forgery) { f.envelope.RecordedAt = f.envelope.RecordedAt.Add(-1); f.resealed = true },
		"cannot follow":     func(f *forgery) { f.record.Data = []byte("nothing"); f.resealed = true },
		"no envelope":       func(f *forgery) { f.envelope = envelope.Envelope{} },
		"resealed but true": func(f *forgery) { f.record.Data = []byte("3"); f.resealed = true },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, engine.Options{})
			e := b.accept(one(open())).Answers[0].Events[0].Envelope
			b.close()
			f := forgery{envelope: e, record: eventstore.Record{ID: eventstore.ID{7}, Type: "Counted", Data: []byte("1")}}
			f.envelope.ID, f.envelope.Previous = f.record.ID, e.Hash
			place := envelope.Place{Stream: stream, Revision: 1, Type: "Counted"}
			if err := f.envelope.Seal(place, f.record.Data); err != nil {
				t.Fatal(err)
			}
			forge(&f)
			if f.resealed {
				if err := f.envelope.Seal(place, f.record.Data); err != nil {
					t.Fatal(err)
				}
			}
			f.record.Metadata = f.envelope.AppendJSON(nil)
			if _, err := b.inner.Append(t.Context(), stream, eventstore.At(0), []eventstore.Record{f.record}); err != nil {
				t.Fatal(err)
			}
			b.start()
			_, err := b.submit(one(add(1)))
			if genuine := name == "none" || name == "resealed but true"; genuine != (err == nil) {
				t.Errorf("got %v", err)
			}
			if err != nil && !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestAUnitBeyondItsBound: what does not fit in is refused before it is made, and the state has none of it.
func TestAUnitBeyondItsBound(t *testing.T) {
	b := newBench(t, engine.Options{MaxUnitBytes: 2000})
	b.accept(one(open()))
	appends := b.store.Appends()
	u := many(add(1), add(make([]int, 20)...), add(2))
	u.Atomic = true
	if _, err := b.submit(u); !errors.Is(err, engine.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if b.store.Appends() != appends {
		t.Error("it was tried")
	}
	u.Atomic = false
	r, err := b.submit(u)
	if err != nil || r.Answers[0].Err != nil || !errors.Is(r.Answers[1].Err, engine.ErrTooLarge) || !errors.Is(r.Answers[2].Err, engine.ErrTooLarge) {
		t.Errorf("got %+v, %v", r, err)
	}
	b.reject(one(add(-4)), errFloor)
	b.wantLog("open", "1")
}
