package queries_test

import (
	"testing"

	"github.com/daybook-ledger/daybook/internal/wire"
)

func TestLedgersArePagedByName(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"delta", "alpha", "charlie"} {
		w.open(name)
	}
	w.do("alpha", transfer("assets:cash", "income:sales", "USD/2", "1", ""))
	w.project()

	var first wire.Page[wire.Ledger]
	w.get("/ledgers?limit=2").ok(&first)
	w.open("bravo") // before the cursor: it is on neither page
	w.open("echo")  // after it: it comes
	w.project()
	var second wire.Page[wire.Ledger]
	w.get("/ledgers?limit=2&cursor=" + *first.NextCursor).ok(&second)

	got := names(first.Data, func(l wire.Ledger) string { return l.Name }) + " | " +
		names(second.Data, func(l wire.Ledger) string { return l.Name })
	if want := "alpha charlie | delta echo"; got != want || second.NextCursor != nil {
		t.Errorf("got %s, want %s; next %v", got, want, second.NextCursor)
	}
	if l := first.Data[0]; l.Accounts != 2 || l.Transactions != 1 || l.Revision != 3 || l.Metadata["of"] != "alpha" || len(l.Chart.Rules) == 0 {
		t.Errorf("alpha is %+v", l)
	}
}

func TestOneLedger(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.project()
	var l wire.Ledger
	w.get("/ledgers/main").at(0).ok(&l)
	if l.Name != "main" || l.CreatedAt.IsZero() || l.Chart.Undeclared != "allow" || l.Revision != 0 {
		t.Errorf("got %+v", l)
	}
	for _, path := range []string{"/ledgers/other", "/ledgers/MAIN", "/ledgers/-a", "/ledgers/a%2Fb", "/ledgers/a%20b"} {
		w.get(path).fails(404, "ledger_not_found")
	}
	for _, of := range []string{"accounts", "accounts/a", "accounts/a/entries", "balances", "transactions", "transactions/1", "events"} {
		w.get("/ledgers/other/"+of).fails(404, "ledger_not_found")
	}
}

func names[T any](list []T, name func(T) string) (joined string) {
	for i, one := range list {
		if i > 0 {
			joined += " "
		}
		joined += name(one)
	}
	return joined
}
