package ledger

import (
	"math/rand/v2"
	"testing"
)

// TestIndexAgreesWithAMap adds and takes back at random, far enough that tables are divided many times, with hashes that
// sometimes agree in all but their lowest bits.
func TestIndexAgreesWithAMap(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7))
	var x index
	var hashes []uint64 // by item
	add := func() {
		hash := random.Uint64()
		if n := len(hashes); n > 0 && random.IntN(8) == 0 {
			hash = hashes[random.IntN(n)] ^ uint64(random.IntN(4)) // the same tag
		}
		x.add(hash, uint32(len(hashes)))
		hashes = append(hashes, hash)
	}
	for len(hashes) < 60_000 {
		for range random.IntN(3000) {
			add()
		}
		for n := min(random.IntN(2000), len(hashes)); n > 0; n-- {
			last := len(hashes) - 1
			x.remove(hashes[last], uint32(last))
			hashes = hashes[:last]
		}
	}
	for item, hash := range hashes {
		found, ok := x.find(hash, func(i uint32) bool { return i == uint32(item) })
		if !ok || found != uint32(item) {
			t.Fatalf("item %d is not found", item)
		}
	}
	if _, ok := x.find(hashes[0], func(uint32) bool { return false }); ok {
		t.Error("an item is found that is not the same")
	}
	for item := len(hashes); item < len(hashes)+2000; item++ { // those that were taken back
		if _, ok := x.find(random.Uint64(), func(i uint32) bool { return i >= uint32(len(hashes)) }); ok {
			t.Fatal("an item is found that was taken back")
		}
	}
	if len(x.buckets) < 16 {
		t.Errorf("%d items are in %d buckets", len(hashes), len(x.buckets))
	}
}

func TestReservedIndex(t *testing.T) {
	t.Parallel()
	for _, items := range []int{0, 1, 100, bucketSlots, 50_000} {
		var x index
		x.reserve(items)
		random := rand.New(rand.NewPCG(uint64(items), 1))
		hashes := make([]uint64, items+bucketSlots)
		for i := range hashes {
			hashes[i] = random.Uint64()
			x.add(hashes[i], uint32(i))
		}
		for i, hash := range hashes {
			if at, ok := x.find(hash, func(at uint32) bool { return at == uint32(i) }); !ok || at != uint32(i) {
				t.Fatalf("item %d of %d is not found", i, items)
			}
		}
	}
}
