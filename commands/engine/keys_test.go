package engine_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/eventstore/storetest"
)

// wantReplay checks that a unit of one command is answered with the original events.
func (b *bench) wantReplay(u unit, original result) {
	b.Helper()
	r := b.accept(u)
	if !r.Answers[0].Replayed {
		b.Error("it was not replayed")
	}
	if diff := cmp.Diff(original.Answers[0].Events, r.Answers[0].Events); diff != "" {
		b.Errorf("replayed events (-original +got):\n%s", diff)
	}
}

func TestKeys(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))

	original := b.accept(keyed("k", 1, add(1, 2)))
	b.wantReplay(keyed("k", 1, add(1, 2)), original)
	b.wantReplay(keyed("k", 1, add(-9)), original) // the request's digest decides, before the state is looked at
	b.reject(keyed("k", 2, add(1, 2)), engine.ErrKeyReused)

	bob := keyed("k", 2, add(4))
	bob.Actor = "bob"
	if r := b.accept(bob); r.Answers[0].Replayed {
		t.Error("another actor's key is the same key")
	}

	split, joined := keyed("bc", 1, add()), keyed("c", 2, add(9))
	split.Actor, joined.Actor = "a", "ab"
	split.Commands[0].Command = add(9)
	b.accept(split)
	if r := b.accept(joined); r.Answers[0].Replayed {
		t.Error("actor and key run into one another")
	}

	b.reject(keyed("r", 1, add(-50)), errFloor)
	if r := b.accept(keyed("r", 2, add(8))); r.Answers[0].Replayed {
		t.Error("a rejected command used its key up")
	}
	b.wantLog("open", "1", "2", "4", "9", "9", "8")
}

func TestKeysAcrossRestarts(t *testing.T) {
	for name, options := range map[string]engine.Options{
		"from the log":        {},
		"from a snapshot":     {Snapshots: &shelf{}},
		"from both":           {Snapshots: &shelf{}, SnapshotEvery: 3},
		"from a useless file": {Snapshots: &shelf{byKey: map[string][]byte{stream: []byte("?")}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, options)
			b.accept(one(open()))
			first := b.accept(keyed("a", 1, add(1, 2)))
			second := b.accept(keyed("b", 2, add(3)))
			b.restart()
			third := b.accept(keyed("c", 3, add(4, 5, 6)))
			b.restart()
			b.wantReplay(keyed("a", 1, add(1, 2)), first)
			b.wantReplay(keyed("b", 2, add(3)), second)
			b.wantReplay(keyed("c", 3, add(4, 5, 6)), third)
			b.reject(keyed("b", 3, add(3)), engine.ErrKeyReused)
			b.wantLog("open", "1", "2", "3", "4", "5", "6")
		})
	}
}

func TestAKeyUsedTwiceInOneUnit(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	for _, atomic := range []bool{false, true} {
		u := many(add(1), add(1), add(2))
		u.Atomic = atomic
		key := fmt.Sprint("k", atomic)
		u.Commands[0].Key, u.Commands[1].Key = key, key
		r := b.accept(u)
		if r.Answers[0].Replayed || !r.Answers[1].Replayed {
			t.Errorf("got %+v", r)
		}
		if diff := cmp.Diff(r.Answers[0].Events, r.Answers[1].Events); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	}
	b.wantLog("open", "1", "2", "1", "2")
}

func TestAKeyInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, engine.Options{})
		b.accept(one(open()))
		gate := storetest.NewGate()
		b.store.Next(gate.Slow())
		first := b.laterStill(keyed("k", 1, add(1)))
		same := b.laterStill(keyed("k", 1, add(1)))
		other := b.laterStill(keyed("k", 2, add(1)))
		if !waits(same) || !waits(other) {
			t.Error("a caller was told of what is not durable")
		}
		gate.Open()
		original := (<-first).result.Answers[0]
		if got := (<-same).result.Answers[0]; !got.Replayed || got.Events[0].Envelope != original.Events[0].Envelope {
			t.Errorf("got %+v", got)
		}
		if got := (<-other).result.Answers[0]; !errors.Is(got.Err, engine.ErrKeyReused) {
			t.Errorf("got %+v", got)
		}
		b.close()
		b.wantLog("open", "1")
	})
}

func TestOneKeyForAUnit(t *testing.T) {
	unitOf := func(request byte, commands ...command) unit {
		u := many(commands...)
		u.Key, u.Request[0] = "bulk", request
		for i := range u.Commands {
			u.Commands[i].Key, u.Commands[i].Request = engine.PartKey(u.Key, i), u.Request
		}
		return u
	}
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	first, err := b.submit(unitOf(1, add(-1), add(2), add(3)))
	if err != nil || !errors.Is(first.Answers[0].Err, errFloor) {
		t.Fatalf("got %+v, %v", first, err)
	}
	for i, atomic := range []bool{false, true} {
		if i == 1 {
			b.restart()
		}
		u := unitOf(2, add(7)) // none of its commands has a key that is known
		u.Atomic = atomic
		if _, err := b.submit(u); !errors.Is(err, engine.ErrKeyReused) {
			t.Errorf("got %v", err)
		}
	}
	again := b.accept(unitOf(1, add(-1), add(2), add(3))) // what was rejected is possible now
	if again.Answers[0].Replayed || !again.Answers[1].Replayed || !again.Answers[2].Replayed {
		t.Errorf("got %+v", again)
	}
	if diff := cmp.Diff(first.Answers[2].Events, again.Answers[2].Events); diff != "" {
		t.Errorf("(-original +got):\n%s", diff)
	}
	b.wantLog("open", "2", "3", "-1")
}

func TestAnAtomicUnitAgain(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	u := many(add(5), add(-3))
	u.Atomic = true
	u.Commands[0].Key, u.Commands[1].Key = "a", "b"
	first := b.accept(u)
	again := b.accept(u)
	for i := range u.Commands {
		if diff := cmp.Diff(first.Answers[i].Events, again.Answers[i].Events); diff != "" || !again.Answers[i].Replayed {
			t.Errorf("replayed %v (-original +got):\n%s", again.Answers[i].Replayed, diff)
		}
	}
	b.wantLog("open", "5", "-3")
}

func TestReplaysFarApart(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	u := many()
	for i := range 40 {
		key := fmt.Sprint("k", i)
		b.accept(keyed(key, 1, add(i, i)))
		filler := make([]int, 19*i)
		b.accept(one(add(filler...)))
		u.Commands = append(u.Commands, keyed(key, 1, add()).Commands[0])
	}
	for i, a := range b.accept(u).Answers {
		want := event(fmt.Sprint(i))
		if !a.Replayed || len(a.Events) != 2 || a.Events[0].Event != want || a.Events[1].Event != want {
			t.Errorf("%d: got %+v", i, a)
		}
	}
}

// clocked is a bench whose time passes as it is told, with an event every hour.
func clocked(t *testing.T, options engine.Options) (b *bench, pass func(time.Duration)) {
	t.Helper()
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	options.Clock = func() time.Time { return now }
	b = newBench(t, options)
	b.accept(one(open()))
	return b, func(d time.Duration) {
		for ; d > time.Hour; d -= time.Hour {
			now = now.Add(time.Hour)
			b.accept(one(add(0)))
		}
		now = now.Add(d)
	}
}

func TestKeysAreForgottenInTheEnd(t *testing.T) {
	for _, restart := range []bool{false, true} {
		b, pass := clocked(t, engine.Options{KeyRetention: time.Hour, Snapshots: &shelf{}})
		original := b.accept(keyed("k", 1, add(1)))
		pass(24 * time.Hour)
		if restart {
			b.restart()
		}
		b.wantReplay(keyed("k", 1, add(1)), original) // a retention below 24 hours is 24 hours
		pass(3 * time.Hour)
		if restart {
			b.restart()
		}
		if r := b.accept(keyed("k", 2, add(1))); r.Answers[0].Replayed {
			t.Error("the key is still known")
		}
		b.restart()
		b.reject(keyed("k", 1, add(1)), engine.ErrKeyReused)
	}
}

// TestAClockThatIsWrongForAWhile: time that did not pass makes nobody forget, neither while the clock is ahead nor after,
// whatever is read again from where.
func TestAClockThatIsWrongForAWhile(t *testing.T) {
	for name, snapshots := range map[string]engine.Snapshots{"log": nil, "snapshot": &shelf{}} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
			b := newBench(t, engine.Options{Clock: func() time.Time { return now }, Snapshots: snapshots})
			b.accept(one(open()))
			first := b.accept(keyed("before", 1, add(1)))
			for range 6 { // each time it is set right, it is wrong again
				now = now.AddDate(1, 0, 0)
				b.accept(one(add(1)))
			}
			second := b.accept(keyed("ahead", 1, add(2)))
			known := func() {
				t.Helper()
				b.wantReplay(keyed("before", 1, add(1)), first)
				b.wantReplay(keyed("ahead", 1, add(2)), second)
			}
			known()
			b.restart()
			known()
			now = now.AddDate(-6, 0, 0)
			for range 30 {
				now = now.Add(time.Hour)
				b.accept(one(add(1)))
			}
			known()
			b.restart()
			known()
		})
	}
}

// TestTheLeastRetentionHoldsAfterAJump: what a jump takes is added beforehand.
func TestTheLeastRetentionHoldsAfterAJump(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	b := newBench(t, engine.Options{Clock: func() time.Time { return now }})
	b.accept(one(open()))
	first := b.accept(keyed("k", 1, add(1)))
	for i := range 24 * 6 {
		if i == 3 {
			now = now.AddDate(1, 0, 0)
		}
		b.accept(one(add(1)))
		now = now.Add(10 * time.Minute)
	}
	b.wantReplay(keyed("k", 1, add(1)), first)
}

// TestAClockThatFlickers goes back and forth while nothing is recorded that it could not go behind.
func TestAClockThatFlickers(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	b := newBench(t, engine.Options{Clock: func() time.Time { return now }})
	b.accept(one(open()))
	first := b.accept(keyed("k", 1, add(1)))
	for range 100 {
		now = now.Add(time.Hour)
		b.reject(one(add(-9)), errFloor)
		now = now.Add(-time.Hour)
		b.reject(one(add(-9)), errFloor)
	}
	b.wantReplay(keyed("k", 1, add(1)), first)
}

// TestAKeyUsedAgainAfterItWasForgotten loads an old snapshot, which still has the old use, and the new one from the log.
func TestAKeyUsedAgainAfterItWasForgotten(t *testing.T) {
	saved := &shelf{}
	b, pass := clocked(t, engine.Options{Snapshots: saved})
	b.accept(keyed("k", 1, add(1)))
	b.close()
	old := saved.byKey
	b.start()
	pass(28 * time.Hour)
	again := b.accept(keyed("k", 1, add(2)))
	if again.Answers[0].Replayed {
		t.Fatal("the key is still known")
	}
	b.close()
	saved.byKey = old
	b.start()
	b.accept(one(add(3))) // drops the old use
	b.wantReplay(keyed("k", 1, add(2)), again)
}

// TestOriginalsThatCannotBeRead: a unit of which some is new has been written by the time its originals are looked for.
func TestOriginalsThatCannotBeRead(t *testing.T) {
	b := newBench(t, engine.Options{})
	b.accept(one(open()))
	b.accept(keyed("k", 1, add(1)))
	b.store.FailReads(errors.New("the disk is gone"))
	if _, err := b.submit(keyed("k", 1, add(1))); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, and nothing was to be written", err)
	}
	mixed := keyed("k", 1, add(1))
	mixed.Commands = append(mixed.Commands, many(add(2)).Commands...)
	_, err := b.submit(mixed)
	if !errors.Is(err, engine.ErrOutcomeUnknown) || errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("got %v, and the second command was written", err)
	}
	b.store.FailReads(nil)
	b.wantLog("open", "1", "2")
}
