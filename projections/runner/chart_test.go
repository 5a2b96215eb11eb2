package runner_test

import (
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/runner"
)

// The walk over a ledger's accounts goes on where its parts end.
func TestNewChartReachesEveryAccount(t *testing.T) {
	s := newScene(t, 1)
	const accounts = 11_000
	if err := s.history.Load(t.Context(), accounts, 0); err != nil {
		t.Fatal(err)
	}
	least := money.NewSigned(true, money.NewAmount(3))
	chart := ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{
		{Pattern: "users:**", Type: ledger.Liability, Limits: ledger.Limits{Min: &least}},
	}}
	if err := s.history.AppendEvent(t.Context(), ledger.ChartReplaced{Chart: chart}); err != nil {
		t.Fatal(err)
	}
	config := s.config()
	config.BatchMax = accounts
	s.run(runner.New(config))
	s.await()
	var changed int
	err := config.Views.Reader().Get(&changed, `SELECT count(*) FROM accounts WHERE min_balance = '-3' AND own_min_balance IS NULL`)
	if err != nil {
		t.Fatal(err)
	}
	if changed != accounts {
		t.Errorf("%d of %d accounts follow the new chart", changed, accounts)
	}
}
