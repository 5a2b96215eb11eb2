package lag_test

import (
	"fmt"
	"maps"
	"testing"

	"github.com/daybook-ledger/daybook/internal/lag"
)

func TestLedgersAreCountedByWhereTheyEnd(t *testing.T) {
	var told map[string]uint64
	c := lag.NewCount(func(lacks map[string]uint64) { told = maps.Clone(lacks) })
	lack := func(what string, want map[string]uint64) {
		t.Helper()
		if got := c.Lacks(); !maps.Equal(got, want) || !maps.Equal(told, want) {
			t.Errorf("%s: %v are lacking, and %v was told; want %v", what, got, told, want)
		}
	}
	c.Counted()
	lack("nothing is fed", map[string]uint64{})
	c.Has("entries", 0)
	c.Log(map[string]uint64{"idle": 1000, "main": 10})
	lack("ledgers that nobody appends to count", map[string]uint64{"entries": 1010})
	c.Appended("main", 19)
	c.Appended("main", 14)
	c.Log(map[string]uint64{"main": 20, "idle": 999})
	lack("what is told late, or twice, counts once", map[string]uint64{"entries": 1020})
	c.Appended("new", 0)
	c.Has("accounts", 1020)
	lack("each lacks its own", map[string]uint64{"entries": 1021, "accounts": 1})
	c.Has("accounts", 900)
	lack("a database may lose commits", map[string]uint64{"entries": 1021, "accounts": 121})
	c.Gone("entries")
	lack("it is not fed any more", map[string]uint64{"accounts": 121})
	c.Has("accounts", 1022)
	lack("what is not known to be there is not lacking", map[string]uint64{"accounts": 0})
}

// TestNothingIsToldBeforeTheLogIsCounted: a read model that begins far behind would seem to fall behind while it is counted.
func TestNothingIsToldBeforeTheLogIsCounted(t *testing.T) {
	bound := lag.New(100, nil)
	c := lag.NewCount(bound.Tell)
	c.Has("entries", 50)
	c.Has("holds", 50)
	c.Gone("holds")
	c.Log(map[string]uint64{"main": 50})
	c.Appended("main", 999)
	if lacks := c.Lacks(); lacks != nil || bound.Behind() != 0 {
		t.Errorf("%v are said to be lacking, %d behind", lacks, bound.Behind())
	}
	c.Log(map[string]uint64{"idle": 5000})
	c.Counted()
	if lacks := c.Lacks(); len(lacks) != 1 || lacks["entries"] != 5950 || bound.Behind() != 5950 || bound.Held() != nil {
		t.Errorf("%v are said to be lacking, %d behind, held up is %t", lacks, bound.Behind(), bound.Held() != nil)
	}
}

func BenchmarkAppended(b *testing.B) {
	bound := lag.New(1<<40, nil)
	c := lag.NewCount(bound.Tell)
	for i := range 7 {
		c.Has(fmt.Sprint("projection-", i), 0)
	}
	ledgers := make([]string, 100_000)
	for i := range ledgers {
		ledgers[i] = fmt.Sprint("ledger-", i)
	}
	c.Counted()
	revision := uint64(0)
	for b.Loop() {
		revision++
		c.Appended(ledgers[revision%uint64(len(ledgers))], revision)
	}
}
