package projections_test

import (
	"path/filepath"
	"strings"
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
			"account_holds", "holds", "periods", "assertions",
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

// What the indexes of docs/schema.md are for: none of these reads a table from end to end, and none sorts.
func TestIndexesServeWhatIsAsked(t *testing.T) {
	db, err := projections.OpenViews(t.Context(), filepath.Join(t.TempDir(), "views.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for query, want := range map[string]string{
		`SELECT l.name, h.hold_id FROM holds h JOIN ledger_ids l ON l.ledger_id = h.ledger_id
			WHERE h.status = 'open' AND h.expires_unix <= ? ORDER BY h.expires_unix LIMIT 100`: "INDEX holds_1_3 (expires_unix<?)",
		`SELECT min(expires_unix) FROM holds WHERE status = 'open' AND expires_unix IS NOT NULL`: "holds_1_3",
		`SELECT * FROM holds WHERE ledger_id = ? AND (status, hold_id) < (?, ?) AND (status, hold_id) >= (?, 0)
			ORDER BY status DESC, hold_id DESC LIMIT 50`: "INDEX holds_1_1 (ledger_id=? AND (status,hold_id)>(?,?) AND (status,hold_id)<(?,?))",
		`SELECT * FROM holds WHERE ledger_id = ? AND hold_id < ? ORDER BY hold_id DESC LIMIT 50`: "SEARCH holds_1 USING PRIMARY KEY (ledger_id=? AND hold_id<?)",
		`SELECT * FROM holds WHERE ledger_id = ? AND reference = ?`:                              "SEARCH holds_1 USING INDEX holds_1_2 (ledger_id=? AND reference=?)",
		`SELECT * FROM assertions WHERE ledger_id = ? AND (status, assertion_id) < (?, ?) AND (status, assertion_id) >= (?, 0)
			ORDER BY status DESC, assertion_id DESC LIMIT 50`: "INDEX assertions_1_1 (ledger_id=? AND (status,assertion_id)>(?,?) AND (status,assertion_id)<(?,?))",
		`SELECT ledger_id, assertion_id FROM assertions WHERE status = 'evaluating'`:    "INDEX assertions_1_2",
		`SELECT closed FROM periods WHERE ledger_id = ? ORDER BY revision DESC LIMIT 1`: "SEARCH periods_1 USING PRIMARY KEY (ledger_id=?)",
	} {
		var plan []struct {
			ID, Parent, Notused int
			Detail              string
		}
		args := make([]any, strings.Count(query, "?"))
		if err := db.Reader().Select(&plan, "EXPLAIN QUERY PLAN "+query, args...); err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, step := range plan {
			text += step.Detail + "\n"
		}
		if !strings.Contains(text, want) || strings.Contains(text, "B-TREE") {
			t.Errorf("%s: want %s, got\n%s", query, want, text)
		}
	}
}
