package holds

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's table. The version rises with every change of it or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "holds", Version: 1, Tables: []views.Table{holds()}}
}

func holds() views.Table {
	return views.Table{
		Name: "holds",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "hold_id", Type: "INTEGER NOT NULL"},
			{Name: "revision", Type: "INTEGER NOT NULL"},
			{Name: "day", Type: "INTEGER NOT NULL"},
			{Name: "nanos", Type: "INTEGER NOT NULL"},
			{Name: "expires_at", Type: "TEXT"},
			{Name: "expires_unix", Type: "INTEGER"},
			{Name: "recorded_at", Type: "TEXT NOT NULL"},
			{Name: "actor", Type: "TEXT NOT NULL"},
			{Name: "reference", Type: "TEXT"},
			{Name: "description", Type: "TEXT NOT NULL"},
			{Name: "metadata", Type: "TEXT NOT NULL"},
			{Name: "entries", Type: "TEXT NOT NULL"},
			{Name: "remaining", Type: "TEXT NOT NULL"},
			{Name: "status", Type: "TEXT NOT NULL"},
			{Name: "transactions", Type: "TEXT NOT NULL"},
			{Name: "changed_revision", Type: "INTEGER NOT NULL"},
		},
		Key: []string{"ledger_id", "hold_id"},
		Indexes: []views.Index{
			{Columns: []string{"ledger_id", "status", "hold_id"}},
			{Columns: []string{"ledger_id", "reference"}, Unique: true, Where: "reference IS NOT NULL"},
			// What is due: it is asked for every moment, and must not grow with the holds that are done.
			{Columns: []string{"expires_unix", "ledger_id", "hold_id"}, Where: "status = 'open' AND expires_unix IS NOT NULL"},
		},
	}
}
