package lag_test

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/lag"
)

// scene is a bound, and the count of a log with one ledger that it is told of.
type scene struct {
	*lag.Bound

	count *lag.Count
	log   uint64
}

// newScene makes a bound of so many events over a log that has so many.
func newScene(most, log uint64) *scene {
	s := &scene{Bound: lag.New(most, nil)}
	s.count = lag.NewCount(s.Tell)
	s.count.Counted()
	s.append(log)
	return s
}

func (s *scene) append(events uint64) {
	if s.log += events; s.log > 0 {
		s.count.Appended("main", s.log-1)
	}
}

// step is something that happens to a bound, and whether commands are held up afterwards.
type step struct {
	what string
	do   func(*scene)
	held bool
}

func appended(n uint64) func(*scene)         { return func(s *scene) { s.append(n) } }
func has(name string, n uint64) func(*scene) { return func(s *scene) { s.count.Has(name, n) } }
func gone(name string) func(*scene)          { return func(s *scene) { s.count.Gone(name) } }

// lacks is what a bound is told of two read models.
func lacks(fast, slow uint64) func(*scene) {
	return func(s *scene) { s.Tell(map[string]uint64{"fast": fast, "slow": slow}) }
}

func walk(t *testing.T, b *scene, all []step) {
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
	b := newScene(100, 0)
	walk(t, b, []step{
		{"both begin", func(s *scene) { s.count.Has("fast", 0); s.count.Has("slow", 0) }, false},
		{"at the bound", appended(100), false},
		{"past it", appended(1), true},
		{"one of them catches up", has("fast", 101), true},
		{"the other comes nearer", has("slow", 10), true},
		{"near enough", has("slow", 11), false},
		{"as much as was caught up may come", appended(10), false},
		{"but no more", appended(1), true},
		{"it comes near again", has("slow", 22), false},
	})
	if behind := b.Behind(); behind != 90 {
		t.Errorf("%d behind, want 90", behind)
	}
	if err := b.Admit(1); err != nil {
		t.Errorf("Admit: %v", err)
	}
	b.append(50)
	if err := b.Admit(1); !errors.Is(err, lag.ErrBehind) {
		t.Errorf("Admit: %v", err)
	}
}

func TestABoundGoesByWhatItWasToldLast(t *testing.T) {
	walk(t, newScene(100, 0), []step{
		{"both begin", lacks(0, 100), false},
		{"one of them is past the bound", lacks(0, 111), true},
		{"it gains", lacks(0, 101), true},
		{"near enough", lacks(0, 90), false},
		{"the other one falls behind", lacks(200, 90), true},
		{"nobody feeds that any more", func(s *scene) { s.Tell(map[string]uint64{"slow": 90}) }, false},
		{"it begins again, where it is", lacks(200, 90), false},
		{"it loses by more than a tenth of the bound", lacks(211, 90), true},
		{"nobody feeds anything", func(s *scene) { s.Tell(nil) }, false},
	})
}

func TestWhatIsNotFedHoldsNothingUp(t *testing.T) {
	walk(t, newScene(100, 0), []step{
		{"nobody is fed", appended(1000), false},
		{"one is", has("entries", 1000), false},
		{"it falls behind", appended(101), true},
		{"it stops", gone("entries"), false},
		{"commands go on", appended(5000), false},
		{"it goes on far behind", has("entries", 1000), false},
	})
}

func TestAReadModelThatBeginsFarBehindMayBeAsLongAsItGains(t *testing.T) {
	walk(t, newScene(100, 10_000), []step{
		{"it begins with nothing", has("entries", 0), false},
		{"it falls a little further behind", appended(10), false},
		{"and more than that", appended(1), true},
		{"it gains", has("entries", 10), true},
		{"what it had lost", has("entries", 11), false},
		{"it gains much", has("entries", 9000), false},
		{"and loses little of that", appended(10), false},
		{"and more", appended(1), true},
		{"it catches up", has("entries", 10_022), false},
		{"from then on it is like any other", appended(100), false},
		{"at the bound", appended(1), true},
		{"below it", has("entries", 10_033), false},
	})
}

func TestNoBoundHoldsNothingUp(t *testing.T) {
	b := newScene(0, 0)
	walk(t, b, []step{
		{"it begins", has("entries", 0), false},
		{"it is far behind", appended(1 << 40), false},
	})
	if b.Behind() != 1<<40 {
		t.Errorf("%d behind", b.Behind())
	}
	var none *lag.Bound
	none.Tell(map[string]uint64{"entries": 1 << 40})
	if none.Admit(1) != nil || none.Held() != nil {
		t.Error("there is no bound, and it holds up")
	}
}

func TestTheSmallestBoundLetsCommandsThroughOneByOne(t *testing.T) {
	walk(t, newScene(1, 0), []step{
		{"it begins", has("entries", 0), false},
		{"one", appended(1), false},
		{"two", appended(1), true},
		{"one is there", has("entries", 1), true},
		{"both are", has("entries", 2), false},
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	b := lag.New(10, registry)
	b.Tell(map[string]uint64{"entries": 0})
	b.Tell(map[string]uint64{"entries": 11})
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
	b := lag.New(10, nil)
	count := lag.NewCount(b.Tell)
	count.Counted()
	count.Has("entries", 0)
	const appends, writers = 2000, 4
	var all sync.WaitGroup
	appended := make(chan struct{}, appends)
	for ledger := range writers {
		all.Go(func() {
			for revision := range uint64(appends / writers) {
				for held := b.Held(); held != nil; held = b.Held() {
					<-held
				}
				count.Appended(fmt.Sprint("ledger-", ledger), revision)
				appended <- struct{}{}
			}
		})
	}
	all.Go(func() {
		for n := range uint64(appends) {
			<-appended
			count.Has("entries", n+1)
		}
	})
	all.Wait()
	if b.Behind() != 0 || b.Held() != nil {
		t.Errorf("in the end %d behind", b.Behind())
	}
}

func BenchmarkAdmit(b *testing.B) {
	bound := lag.New(1000, nil)
	for b.Loop() {
		_ = bound.Admit(1)
	}
}
