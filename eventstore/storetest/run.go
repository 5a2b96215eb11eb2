package storetest

import (
	"testing"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Harness is how the suite gets at a backend.
type Harness struct {
	Capabilities

	// New opens an empty store, which takes a few MiB in one append. It is closed, if the suite has not done so, and removed
	// when the test ends.
	New func(t testing.TB) eventstore.Store
	// Reopen opens another handle on what store keeps, as after a restart. The store may be closed or open.
	Reopen func(t testing.TB, store eventstore.Store) eventstore.Store
}

// Capabilities are what not every backend can do, or can be made to do in a test, beside what its traits say. The cases for those that are left zero
// are listed in the output, and not run.
type Capabilities struct {
	// Shared: two handles may be open at once, and both append.
	Shared bool
	// MaxWaiting is how many appends may wait while none can be written, and Stall keeps the store from writing until
	// release is called. It returns when the store has stalled, if need be over an append of its own to the stream
	// "stall".
	MaxWaiting int
	Stall      func(t testing.TB, store eventstore.Store) (release func())
	// FillUp leaves the store no room for an append of 256 KiB until mend is called.
	FillUp func(t testing.TB, store eventstore.Store) (mend func())
	// LoseOutcome makes the outcome of the next append that writes unknown: written or not.
	LoseOutcome func(t testing.TB, store eventstore.Store, written bool)
	// Damage changes bytes that the store keeps of the stream's last append.
	Damage func(t testing.TB, store eventstore.Store, stream string)
}

// Run holds a backend to the port.
func Run(t *testing.T, h Harness) {
	t.Helper()
	traits := h.New(t).Traits()
	t.Logf("the backend declares %+v", traits)
	groups := []struct {
		name  string
		lacks string // what the harness does not offer, or empty
		cases []testCase
	}{
		{"Append", "", appendCases},
		{"Read", "", readCases},
		{"Subscribe", "", subscribeCases},
		{"Concurrent", "", concurrentCases},
		{"Close", "", closeCases},
		{"Limit", "", limitCases},
		{"Reopen", lacks(h.Reopen != nil, "Reopen"), reopenCases},
		{"Shared", lacks(h.Reopen != nil && h.Shared, "Shared"), sharedCases},
		{"Stall", lacks(h.Stall != nil && h.MaxWaiting > 0, "Stall and MaxWaiting"), stallCases},
		{"Withdraw", lacks(h.Stall != nil && traits.Withdraws, "Stall, or its traits no Withdraws"), withdrawCases},
		{"FillUp", lacks(h.FillUp != nil, "FillUp"), fillUpCases},
		{"LoseOutcome", lacks(h.LoseOutcome != nil, "LoseOutcome"), loseOutcomeCases},
		{"Damage", lacks(h.Damage != nil, "Damage"), damageCases},
	}
	for _, group := range groups {
		if group.lacks != "" {
			t.Logf("%s: %d cases not run: the backend's harness has no %s", group.name, len(group.cases), group.lacks)
			continue
		}
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) { c.run(t, h) })
			}
		})
	}
}

type testCase struct {
	name string
	run  func(t *testing.T, h Harness)
}

func lacks(offered bool, what string) string {
	if offered {
		return ""
	}
	return what
}
