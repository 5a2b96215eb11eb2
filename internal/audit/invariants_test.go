package audit

import (
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// No sequence of events brings a book to these: evolving it refuses. They are what a fault in that would look like.
func TestBalancesThatContradictEachOther(t *testing.T) {
	n := money.NewAmount
	at := func(account string, debits, credits, pendingDebits, pendingCredits uint64) ledger.Balance {
		b := ledger.Balance{Account: address.Address(account), Asset: "X"}
		b.Totals = ledger.Totals{Debits: n(debits), Credits: n(credits), PendingDebits: n(pendingDebits), PendingCredits: n(pendingCredits)}
		return b
	}
	hold := func(account string, debits, credits uint64) map[holding]ledger.Totals {
		b := at(account, 0, 0, debits, credits)
		return map[holding]ledger.Totals{{b.Account, b.Asset}: b.Totals}
	}
	for name, c := range map[string]struct {
		balances []ledger.Balance
		pending  map[holding]ledger.Totals
		want     string
	}{
		"as it should be":        {[]ledger.Balance{at("a", 5, 0, 3, 0), at("b", 0, 5, 0, 0)}, hold("a", 3, 0), ""},
		"debits are not credits": {[]ledger.Balance{at("a", 5, 0, 0, 0), at("b", 0, 7, 0, 0)}, nil, "the debits in X less the credits come to -2"},
		"too little is pending":  {[]ledger.Balance{at("a", 0, 0, 2, 0)}, hold("a", 3, 0), "open holds come to 3 and 0"},
		"too much is pending":    {[]ledger.Balance{at("a", 0, 0, 0, 1)}, nil, "open holds come to 0 and 0"},
		"pending nowhere":        {nil, hold("a", 3, 0), `on account "a" in X, which has nothing pending`},
	} {
		got := contradictions(slices.Values(c.balances), c.pending)
		if (c.want == "") != (len(got) == 0) || len(got) > 1 || len(got) == 1 && !strings.Contains(got[0], c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
