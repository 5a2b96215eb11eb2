package render_test

import (
	"encoding/json"
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// TestChart shows every member of a rule: one that is forgotten would change what a copied chart means.
func TestChart(t *testing.T) {
	low, high := money.NewSigned(true, money.NewAmount(5)), money.NewSigned(false, money.NewAmount(7))
	chart := ledger.Chart{Undeclared: ledger.Reject, Rules: []ledger.Rule{
		{Pattern: "users:**", Type: ledger.Liability},
		{
			Pattern: "assets:*", AnyCase: true, Type: ledger.Asset,
			Limits: ledger.Limits{Min: &low, Max: &high}, Assets: []money.Asset{"USD/2", "JPY"},
		},
	}}
	got, err := json.Marshal(render.Chart(&chart))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"undeclared":"reject","rules":[{"pattern":"users:**","type":"liability"},` +
		`{"pattern":"assets:*","any_case":true,"type":"asset","min_balance":"-5","max_balance":"7","assets":["USD/2","JPY"]}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestEntries holds the quick way of writing entries against the general one.
func TestEntries(t *testing.T) {
	entries := []ledger.Entry{
		{Account: "users:alice", Asset: "USD/2", Side: ledger.Debit, Amount: money.MaxAmount},
		{Account: `a "quoted" ñame`, Asset: "JPY", Side: ledger.Credit, Amount: money.NewAmount(1)},
	}
	for n := range len(entries) + 1 {
		some := make([]wire.Entry, n)
		for i := range some {
			some[i] = render.Entry(&entries[i])
		}
		got, want := render.AppendEntries(nil, entries[:n]), wire.AppendEntries(nil, some)
		if string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
