package timer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/daybook-ledger/daybook/commands/timer"
)

// world is the read models and the engines at once. The read models learn what was done when learn is called, or at once.
type world struct {
	mu         sync.Mutex
	holds      []timer.Hold
	assertions []timer.Assertion
	ended      map[string]bool
	behind     bool

	calls     []string
	broken    string // the ledgers that take nothing have names that begin so; none if empty
	unread    error
	evaluated []string
	logged    strings.Builder
}

var errBroken = errors.New("it is broken")

func (w *world) Holds(_ context.Context, until time.Time) iter.Seq2[timer.Hold, error] {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unread != nil {
		err := w.unread
		return func(yield func(timer.Hold, error) bool) { yield(timer.Hold{}, err) }
	}
	var list []timer.Hold
	for _, h := range w.holds {
		if !h.ExpiresAt.After(until) && (w.behind || !w.ended[name(h.Ledger, h.ID)]) {
			list = append(list, h)
		}
	}
	slices.SortStableFunc(list, func(a, b timer.Hold) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	return func(yield func(timer.Hold, error) bool) {
		for _, h := range list {
			if !yield(h, nil) {
				return
			}
		}
	}
}

func (w *world) Assertions(context.Context) iter.Seq2[timer.Assertion, error] {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := slices.Clone(w.assertions)
	return func(yield func(timer.Assertion, error) bool) {
		for _, a := range list {
			if !yield(a, nil) {
				return
			}
		}
	}
}

func (w *world) Expire(_ context.Context, ledger string, holds []uint64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, fmt.Sprint(ledger, holds))
	if w.isBroken(ledger) {
		return 0, errBroken
	}
	n := 0
	for _, id := range holds {
		if !w.ended[name(ledger, id)] {
			n++
		}
		w.ended[name(ledger, id)] = true
	}
	return n, nil
}

func (w *world) Evaluate(_ context.Context, ledger string, id, revision uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.evaluated = append(w.evaluated, fmt.Sprintf("%s/%d@%d", ledger, id, revision))
	if w.isBroken(ledger) {
		return errBroken
	}
	w.assertions = slices.DeleteFunc(w.assertions, func(a timer.Assertion) bool { return a.Ledger == ledger && a.ID == id })
	return nil
}

func (w *world) isBroken(ledger string) bool {
	return w.broken != "" && strings.HasPrefix(ledger, w.broken)
}

// Write takes what is logged.
func (w *world) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logged.Write(p)
}

func (w *world) log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logged.String()
}

func (w *world) wasEvaluated(assertion string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Contains(w.evaluated, assertion)
}

// change changes the world while the timer is at work.
func (w *world) change(to func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	to()
}

func name(ledger string, id uint64) string { return fmt.Sprint(ledger, "/", id) }

func (w *world) taken() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}

// run runs a timer in a bubble of time.
func run(t *testing.T, options timer.Options, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{ended: map[string]bool{}}
		options.Logger = slog.New(slog.NewTextHandler(w, nil))
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		worker := timer.New(w, w, options)
		running.Go(func() {
			if err := worker.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		test(t, w)
		cancel()
		running.Wait()
	})
}

func (w *world) hold(ledger string, id uint64, in time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.holds = append(w.holds, timer.Hold{Ledger: ledger, ID: id, ExpiresAt: time.Now().Add(in)})
}

// after lets time pass, and has everything happen that does until then.
func after(d time.Duration) {
	time.Sleep(d) // of the bubble
	synctest.Wait()
}

func wantCalls(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHoldsAreEndedAtTheirDeadlines(t *testing.T) {
	run(t, timer.Options{}, func(t *testing.T, w *world) {
		w.hold("a", 1, -time.Hour)
		w.hold("b", 1, 2*time.Second+300*time.Millisecond)
		w.hold("a", 2, 2*time.Second+300*time.Millisecond)
		w.hold("a", 3, time.Hour)
		synctest.Wait()
		after(time.Second)
		wantCalls(t, w.taken(), "a[1]")
		after(1299 * time.Millisecond)
		wantCalls(t, w.taken())
		after(time.Millisecond)
		wantCalls(t, w.taken(), "b[1]", "a[2]")
		after(59 * time.Minute)
		wantCalls(t, w.taken())
		after(time.Minute)
		wantCalls(t, w.taken(), "a[3]")
	})
}

func TestReadModelsThatAreBehindAreBorneWith(t *testing.T) {
	run(t, timer.Options{}, func(t *testing.T, w *world) {
		w.change(func() { w.behind = true })
		w.hold("a", 1, 0)
		after(5 * time.Second)
		wantCalls(t, w.taken(), "a[1]")
		// Told again and again, it is tried again: maybe it was not ended after all.
		after(10 * time.Second)
		wantCalls(t, w.taken(), "a[1]")
	})
}

func TestAClockThatJumpsIsReadAnew(t *testing.T) {
	var mu sync.Mutex
	var skew time.Duration
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return time.Now().Add(skew)
	}
	jump := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		skew = d
	}
	run(t, timer.Options{Clock: clock}, func(t *testing.T, w *world) {
		w.hold("a", 1, 24*time.Hour)
		after(2 * time.Second)
		wantCalls(t, w.taken())
		jump(25 * time.Hour)
		after(time.Second)
		wantCalls(t, w.taken(), "a[1]")
		w.change(func() { w.behind = true }) // it jumps back, and the engine had refused
		jump(0)
		after(time.Hour)
		wantCalls(t, w.taken())
		after(23 * time.Hour)
		if got := w.taken(); len(got) == 0 || got[0] != "a[1]" {
			t.Errorf("got %q", got)
		}
	})
}

func TestWhatIsDoneAtOnceIsBounded(t *testing.T) {
	run(t, timer.Options{MaxHolds: 700}, func(t *testing.T, w *world) {
		for id := range uint64(1500) {
			w.hold("a", id+1, time.Second/2)
		}
		after(time.Second)
		after(time.Second)
		var sizes []int
		for _, call := range w.taken() {
			sizes = append(sizes, len(strings.Fields(call)))
		}
		if want := []int{500, 200, 500, 200, 100}; !slices.Equal(sizes, want) {
			t.Errorf("got units of %d, want %d", sizes, want)
		}
	})
}

func TestALedgerThatFailsKeepsNoOtherWaiting(t *testing.T) {
	run(t, timer.Options{MaxHolds: 10}, func(t *testing.T, w *world) {
		w.change(func() { w.broken = "a" })
		for id := range uint64(50) {
			w.hold("a", id+1, time.Second)
		}
		w.hold("b", 1, 2*time.Second)
		after(10 * time.Second)
		calls := w.taken()
		if !slices.Contains(calls, "b[1]") {
			t.Errorf("got %q", calls)
		}
		if len(calls) > 12 {
			t.Errorf("in ten seconds it was tried %d times", len(calls))
		}
		if n := strings.Count(w.log(), "level=ERROR"); n != 1 {
			t.Errorf("the failure is logged %d times:\n%s", n, w.log())
		}
		w.change(func() { w.broken = "" })
		after(10 * time.Second)
		ended := 0
		w.change(func() { ended = len(w.ended) })
		if ended != 51 || strings.Count(w.log(), "works again") != 1 {
			t.Errorf("%d holds were ended\n%s", ended, w.log())
		}
	})
}

func TestReadModelsThatCannotBeReadAreToldOfOnce(t *testing.T) {
	run(t, timer.Options{}, func(t *testing.T, w *world) {
		w.hold("a", 1, 0)
		w.change(func() { w.unread = errBroken })
		after(10 * time.Second)
		wantCalls(t, w.taken())
		if n := strings.Count(w.log(), "level=ERROR"); n != 1 {
			t.Errorf("the failure is logged %d times:\n%s", n, w.log())
		}
		w.change(func() { w.unread = nil })
		after(time.Second)
		wantCalls(t, w.taken(), "a[1]")
	})
}

func TestAssertionsAreEvaluatedWhenNobodyDid(t *testing.T) {
	run(t, timer.Options{Grace: 5 * time.Second}, func(t *testing.T, w *world) {
		now := time.Now()
		w.mu.Lock()
		w.broken = "c"
		w.assertions = []timer.Assertion{
			{Ledger: "a", ID: 1, Revision: 7, DeclaredAt: now},
			{Ledger: "b", ID: 2, Revision: 8, DeclaredAt: now.Add(-time.Minute)},
			{Ledger: "b", ID: 3, Revision: 9, DeclaredAt: now.Add(time.Minute)}, // by a clock that jumped back
		}
		for id := range uint64(40) {
			w.assertions = append([]timer.Assertion{{Ledger: "c", ID: id + 1, DeclaredAt: now.Add(-time.Minute)}}, w.assertions...)
		}
		w.mu.Unlock()
		after(4 * time.Second)
		for _, want := range []string{"b/2@8", "b/3@9"} {
			if !w.wasEvaluated(want) {
				t.Errorf("%s was not evaluated", want)
			}
		}
		if w.wasEvaluated("a/1@7") {
			t.Error("an assertion was evaluated that whoever declared it has time for")
		}
		after(2 * time.Second)
		if !w.wasEvaluated("a/1@7") {
			t.Error("an assertion that was left is not evaluated")
		}
	})
}

// TestManyLedgersThatFailKeepNoOtherWaiting has more of them than are evaluated between two looks.
func TestManyLedgersThatFailKeepNoOtherWaiting(t *testing.T) {
	run(t, timer.Options{}, func(t *testing.T, w *world) {
		long := time.Now().Add(-time.Hour)
		w.change(func() {
			w.broken = "broken"
			for i := range 100 {
				w.assertions = append(w.assertions, timer.Assertion{Ledger: fmt.Sprint("broken-", i), ID: 1, DeclaredAt: long})
			}
			w.assertions = append(w.assertions, timer.Assertion{Ledger: "sound", ID: 1, Revision: 3, DeclaredAt: long})
		})
		after(2 * time.Minute)
		if !w.wasEvaluated("sound/1@3") {
			t.Error("the assertion of a ledger that works was not evaluated")
		}
		w.change(func() { w.broken = "" })
		after(15 * time.Minute)
		w.change(func() {
			if left := len(w.assertions); left > 0 {
				t.Errorf("%d assertions were not evaluated once that was possible", left)
			}
		})
	})
}
