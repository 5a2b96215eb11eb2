package ledgers

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's tables. The version rises with every change of a table or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "ledgers", Version: 2, Tables: []views.Table{ledgers()}}
}

func ledgers() views.Table {
	return views.Table{
		Name: "ledgers",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "created_at", Type: "TEXT NOT NULL"},
			{Name: "accounts", Type: "INTEGER NOT NULL"},
			{Name: "transactions", Type: "INTEGER NOT NULL"},
			{Name: "chart", Type: "TEXT NOT NULL"},
			{Name: "metadata", Type: "TEXT NOT NULL"},
		},
		Key: []string{"ledger_id"},
	}
}
