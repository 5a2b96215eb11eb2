package entries

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's tables. The version rises with every change of a table or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "entries", Version: 2, Tables: []views.Table{entries(), closings()}}
}

// entries are stored as they arrive. An entry that is in order has a place in the chain of its account and asset and
// points to the one before it; one that is late has neither, and is found by an index of those alone.
func entries() views.Table {
	return views.Table{
		Name: "entries",
		Columns: []views.Column{
			{Name: "entry_id", Type: "INTEGER NOT NULL"},
			{Name: "account_id", Type: "INTEGER NOT NULL"},
			{Name: "asset", Type: "TEXT NOT NULL"},
			{Name: "day", Type: "INTEGER NOT NULL"},
			{Name: "nanos", Type: "INTEGER NOT NULL"},
			{Name: "transaction_id", Type: "INTEGER NOT NULL"},
			{Name: "idx", Type: "INTEGER NOT NULL"},
			{Name: "side", Type: "INTEGER NOT NULL"},
			{Name: "amount", Type: "TEXT NOT NULL"},
			{Name: "place", Type: "INTEGER"},
			{Name: "previous", Type: "INTEGER"},
			// Of a mark only.
			{Name: "debits", Type: "TEXT"},
			{Name: "credits", Type: "TEXT"},
		},
		Key:   []string{"entry_id"},
		RowID: true,
		Indexes: []views.Index{
			{Columns: []string{"account_id", "day", "nanos", "transaction_id", "idx"}, Where: "place IS NULL", Sparse: true},
			{Columns: []string{"account_id", "transaction_id"}, Where: "place IS NULL", Sparse: true},
			{Columns: []string{"account_id", "asset", "day", "nanos", "transaction_id", "idx"}, Where: "debits IS NOT NULL", Sparse: true},
			{Columns: []string{"account_id", "asset", "transaction_id"}, Where: "debits IS NOT NULL", Sparse: true},
		},
	}
}

func closings() views.Table {
	return views.Table{
		Name: "closings",
		Columns: []views.Column{
			{Name: "account_id", Type: "INTEGER NOT NULL"},
			{Name: "asset", Type: "TEXT NOT NULL"},
			{Name: "day", Type: "INTEGER NOT NULL"},
			{Name: "debits", Type: "TEXT NOT NULL"},
			{Name: "credits", Type: "TEXT NOT NULL"},
			// The chain's last entry at the end of the day.
			{Name: "last", Type: "INTEGER"},
			{Name: "place", Type: "INTEGER"},
			{Name: "nanos", Type: "INTEGER"},
			{Name: "late_debits", Type: "TEXT"},
			{Name: "late_credits", Type: "TEXT"},
		},
		Key: []string{"account_id", "asset", "day"},
	}
}
