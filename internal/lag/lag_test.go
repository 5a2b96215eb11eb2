package lag_test

import (
	"errors"
	"maps"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/lag"
)

// step is something that happens to a bound, and whether commands are held up afterwards.
type step struct {
	what string
	do   func(*lag.Bound)
	held bool
}

func appended(n int) func(*lag.Bound)            { return func(b *lag.Bound) { b.Append(n) } }
func failed(n int) func(*lag.Bound)              { return func(b *lag.Bound) { b.Failed(n) } }
func has(name string, n uint64) func(*lag.Bound) { return func(b *lag.Bound) { b.Has(name, n) } }
func lacks(name string, n uint64) func(*lag.Bound) {
	return func(b *lag.Bound) { b.Lacks(name, n) }
}
func gone(name string) func(*lag.Bound) { return func(b *lag.Bound) { b.Gone(name) } }
func walk(t *testing.T, b *lag.Bound, all []step) {
	t.Helper()
	for _, s := range all {
		before := b.Held()
		s.do(b)
		if held := b.Held() != nil; held != s.held {
			t.Fatalf("%s: held is %t, want %t (%d behind)", s.what, held, s.held, b.Behind())
		}
		if admitted := b.Admit(1) == nil; admitted == s.held {
			t.Fatalf("%s: admitted is %t", s.what, admitted)
		}
		if before != nil && !s.held {
			select {
			case <-before:
			default:
				t.Fatalf("%s: those who wait are not told", s.what)
			}
		}
	}
}

func TestCommandsAreHeldUpAtTheBoundAndResumeBelowIt(t *testing.T) {
	b := lag.New(100, 0, nil)
	walk(t, b, []step{
		{"both begin", func(b *lag.Bound) { b.Has("fast", 0); b.Has("slow", 0) }, false},
		{"at the bound", appended(100), false},
		{"past it", appended(1), true},
		{"one of them catches up", has("fast", 101), true},
		{"the other comes nearer", has("slow", 10), true},
		{"near enough", has("slow", 11), false},
		{"as much as was caught up may come", appended(10), false},
		{"but no more", appended(1), true},
		{"an append that failed does not count", failed(10), true},
		{"nor does another", failed(1), false},
	})
	if behind := b.Behind(); behind != 90 {
		t.Errorf("%d behind, want 90", behind)
	}
	if err := b.Admit(1); err != nil {
		t.Errorf("Admit: %v", err)
	}
	b.Append(50)
	if err := b.Admit(1); !errors.Is(err, lag.ErrBehind) {
		t.Errorf("Admit: %v", err)
	}
}

func TestWhatIsToldCountsWhereNobodyCountsAll(t *testing.T) {
	walk(t, lag.New(100, 1_000_000, nil), []step{
		{"both begin", func(b *lag.Bound) { b.Lacks("fast", 0); b.Lacks("slow", 100) }, false},
		{"what is appended here is not all", appended(1000), false},
		{"one of them is past the bound", lacks("slow", 111), true},
		{"it gains", lacks("slow", 101), true},
		{"near enough", lacks("slow", 90), false},
		{"the other one falls behind", lacks("fast", 200), true},
		{"nobody feeds it any more", gone("fast"), false},
		{"it begins again, where it is", lacks("fast", 200), false},
		{"it loses by more than a tenth of the bound", lacks("fast", 211), true},
		{"and is fed and counted here", has("fast", 1_001_000), false},
	})
}

func TestWhatIsNotFedHoldsNothingUp(t *testing.T) {
	walk(t, lag.New(100, 0, nil), []step{
		{"nobody is fed", appended(1000), false},
		{"one is", has("entries", 1000), false},
		{"it falls behind", appended(101), true},
		{"it stops", gone("entries"), false},
		{"commands go on", appended(5000), false},
		{"it goes on far behind", has("entries", 1000), false},
	})
}

func TestAReadModelThatBeginsFarBehindMayBeAsLongAsItGains(t *testing.T) {
	walk(t, lag.New(100, 10_000, nil), []step{
		{"it begins with nothing", has("entries", 0), false},
		{"it falls a little further behind", appended(10), false},
		{"and more than that", appended(1), true},
		{"it gains", has("entries", 10), true},
		{"what it had lost", has("entries", 11), false},
		{"it gains much", has("entries", 9000), false},
		{"and loses little of that", appended(10), false},
		{"and more", appended(1), true},
		{"it catches up", has("entries", 10_032), false},
		{"from then on it is like any other", appended(100), false},
		{"at the bound", appended(1), true},
		{"below it", has("entries", 10_043), false},
	})
}

// An append whose outcome was not known is taken back, though it may be there.
func TestWhatAReadModelHasWasAppended(t *testing.T) {
	walk(t, lag.New(100, 500, nil), []step{
		{"level", has("entries", 500), false},
		{"in doubt", func(b *lag.Bound) { b.Append(200); b.Failed(200) }, false},
		{"it was there", has("entries", 700), false},
		{"from there on", appended(100), false},
		{"as ever", appended(1), true},
	})
}

func TestNoBoundHoldsNothingUp(t *testing.T) {
	b := lag.New(0, 0, nil)
	walk(t, b, []step{
		{"it begins", has("entries", 0), false},
		{"it is far behind", appended(1 << 40), false},
	})
	if b.Behind() != 1<<40 {
		t.Errorf("%d behind", b.Behind())
	}
	var none *lag.Bound
	if none.Admit(1) != nil || none.Held() != nil {
		t.Error("there is no bound, and it holds up")
	}
}

func TestTheSmallestBoundLetsCommandsThroughOneByOne(t *testing.T) {
	walk(t, lag.New(1, 0, nil), []step{
		{"it begins", has("entries", 0), false},
		{"one", appended(1), false},
		{"two", appended(1), true},
		{"one is there", has("entries", 1), true},
		{"both are", has("entries", 2), false},
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	b := lag.New(10, 5, registry)
	b.Has("entries", 5)
	b.Append(11)
	_ = b.Admit(7)
	_ = b.Admit(1)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		metric := family.GetMetric()[0]
		got[family.GetName()] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
	}
	want := map[string]float64{"daybook_lag_events": 11, "daybook_lag_holding": 1, "daybook_lag_refused_commands_total": 8}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Whoever waits is woken, whatever the order in which numbers come.
func TestEverybodyWhoWaitsGoesOn(t *testing.T) {
	b := lag.New(10, 0, nil)
	b.Has("entries", 0)
	const appends = 2000
	var all sync.WaitGroup
	appended := make(chan struct{}, appends)
	for range 4 {
		all.Go(func() {
			for range appends / 4 {
				for held := b.Held(); held != nil; held = b.Held() {
					<-held
				}
				b.Append(1)
				appended <- struct{}{}
			}
		})
	}
	all.Go(func() {
		for n := range uint64(appends) {
			<-appended
			b.Has("entries", n+1)
		}
	})
	all.Wait()
	if b.Behind() != 0 || b.Held() != nil {
		t.Errorf("in the end %d behind", b.Behind())
	}
}

func BenchmarkAdmit(b *testing.B) {
	bound := lag.New(1000, 0, nil)
	for b.Loop() {
		_ = bound.Admit(1)
	}
}
