package projections_test

import (
	"path/filepath"
	"testing"

	"github.com/daybook-ledger/daybook/projections"
)

func TestOpenViewsMakesEveryView(t *testing.T) {
	path := filepath.Join(t.TempDir(), "views.db")
	for range 2 { // the second time everything is there already
		db, err := projections.OpenViews(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		for _, view := range []string{
			"ledger_ids", "account_ids", "generations", "positions", "checkpoints", "live_checkpoints",
			"ledgers", "accounts", "balances", "entries", "closings", "transactions", "transaction_metadata",
		} {
			var rows int
			if err := db.Reader().GetContext(t.Context(), &rows, "SELECT count(*) FROM "+view); err != nil {
				t.Errorf("view %s: %v", view, err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
