package loadgen_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// TestPercentilesAreThoseOfTheSortedList compares with a list of all values, over nine orders of magnitude.
func TestPercentilesAreThoseOfTheSortedList(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		var whole, part loadgen.Histogram
		all := make([]time.Duration, 1+random.IntN(5000))
		for i := range all {
			all[i] = time.Duration(math.Pow(10, 12*random.Float64()))
			if i%3 == 0 {
				part.Record(all[i])
			} else {
				whole.Record(all[i])
			}
		}
		whole.Add(&part)
		slices.Sort(all)
		for _, p := range []float64{0, 1, 50, 90, 99, 99.9, 100} {
			want := all[max(1, int(math.Ceil(p/100*float64(len(all)))))-1]
			if got := whole.Percentile(p); math.Abs(float64(got-want)) > float64(want)/500 {
				t.Errorf("p%v of %d is %s, want %s", p, len(all), got, want)
			}
		}
		if whole.Count() != uint64(len(all)) || whole.Max() != all[len(all)-1] {
			t.Errorf("%d durations up to %s, want %d up to %s", whole.Count(), whole.Max(), len(all), all[len(all)-1])
		}
	}
}

func TestHistogramTakesTheEndsOfItsRange(t *testing.T) {
	var h loadgen.Histogram
	if h.Percentile(50) != 0 || h.Max() != 0 {
		t.Fatal("an empty histogram tells a duration")
	}
	for _, d := range []time.Duration{-time.Second, 0, math.MaxInt64} {
		h.Record(d)
	}
	if h.Percentile(50) != 0 || h.Percentile(100) != math.MaxInt64 {
		t.Fatalf("p50 %s, p100 %s", h.Percentile(50), h.Percentile(100))
	}
}
