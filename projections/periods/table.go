package periods

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's table. The version rises with every change of it or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "periods", Version: 1, Tables: []views.Table{periods()}}
}

func periods() views.Table {
	return views.Table{
		Name: "periods",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "revision", Type: "INTEGER NOT NULL"},
			{Name: "action", Type: "TEXT NOT NULL"},
			{Name: "through", Type: "INTEGER NOT NULL"},
			{Name: "closed", Type: "INTEGER"},
			{Name: "in_force", Type: "INTEGER NOT NULL"},
			{Name: "recorded_at", Type: "TEXT NOT NULL"},
			{Name: "actor", Type: "TEXT NOT NULL"},
			{Name: "reason", Type: "TEXT NOT NULL"},
		},
		Key: []string{"ledger_id", "revision"},
	}
}
