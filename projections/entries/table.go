package entries

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's tables. The version rises with every change of a table or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "entries", Version: 1, Tables: []views.Table{entries(), closings()}}
}

func entries() views.Table {
	return views.Table{
		Name: "entries",
		Columns: []views.Column{
			{Name: "account_id", Type: "INTEGER NOT NULL"},
			{Name: "day", Type: "INTEGER NOT NULL"},
			{Name: "nanos", Type: "INTEGER NOT NULL"},
			{Name: "transaction_id", Type: "INTEGER NOT NULL"},
			{Name: "idx", Type: "INTEGER NOT NULL"},
			{Name: "revision", Type: "INTEGER NOT NULL"},
			{Name: "asset", Type: "TEXT NOT NULL"},
			{Name: "side", Type: "INTEGER NOT NULL"},
			{Name: "amount", Type: "TEXT NOT NULL"},
		},
		Key:     []string{"account_id", "day", "nanos", "transaction_id", "idx"},
		Indexes: []views.Index{{Columns: []string{"account_id", "transaction_id"}}},
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
		},
		Key: []string{"account_id", "asset", "day"},
	}
}
