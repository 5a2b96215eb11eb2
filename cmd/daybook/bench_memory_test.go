package main

import (
	"bytes"
	"math"
	"runtime"
	"runtime/pprof"
	"testing"
)

//go:noinline
func keepForMemoryTest(n, size int) [][]byte {
	kept := make([][]byte, n)
	for i := range kept {
		kept[i] = make([]byte, size)
	}
	return kept
}

// TestMemoryIsToldByWhoAllocatedIt compares what the heap profile of this process comes to with what was allocated.
func TestMemoryIsToldByWhoAllocatedIt(t *testing.T) {
	for _, size := range []int{1 << 20, 1 << 10} {
		const all = 64 << 20
		kept := keepForMemoryTest(all/size, size)
		runtime.GC()
		var profile bytes.Buffer
		if err := pprof.Lookup("heap").WriteTo(&profile, 1); err != nil {
			t.Fatal(err)
		}
		got, err := inUseBy(profile.Bytes(), ".keepForMemoryTest")
		if err != nil || math.Abs(got-all) > all/2 {
			t.Errorf("%d objects of %d bytes: %.0f MiB in use (%v)", len(kept), size, got/mib, err)
		}
		runtime.KeepAlive(kept)
	}
}

func TestOddHeapProfiles(t *testing.T) {
	if _, err := inUseBy([]byte("nothing"), "x"); err == nil {
		t.Error("a profile without a rate is read")
	}
	if _, err := inUseBy([]byte("heap profile: 1: 1 [1: 1] @ heap/1048576\nodd x\n\n"), "x"); err == nil {
		t.Error("an odd record is read")
	}
}
