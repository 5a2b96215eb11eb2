package assertions

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's table. The version rises with every change of it or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "assertions", Version: 1, Tables: []views.Table{assertions()}}
}

func assertions() views.Table {
	return views.Table{
		Name: "assertions",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "assertion_id", Type: "INTEGER NOT NULL"},
			{Name: "revision", Type: "INTEGER NOT NULL"},
			{Name: "pattern", Type: "TEXT NOT NULL"},
			{Name: "asset", Type: "TEXT NOT NULL"},
			{Name: "at_day", Type: "INTEGER"},
			{Name: "at_nanos", Type: "INTEGER"},
			{Name: "eq", Type: "TEXT"},
			{Name: "gte", Type: "TEXT"},
			{Name: "lte", Type: "TEXT"},
			{Name: "status", Type: "TEXT NOT NULL"},
			{Name: "balance", Type: "TEXT"},
			{Name: "broken_by", Type: "INTEGER"},
			{Name: "declared_at", Type: "TEXT NOT NULL"},
			{Name: "changed_at", Type: "TEXT NOT NULL"},
			{Name: "changed_revision", Type: "INTEGER NOT NULL"},
			{Name: "actor", Type: "TEXT NOT NULL"},
		},
		Key: []string{"ledger_id", "assertion_id"},
		Indexes: []views.Index{
			{Columns: []string{"ledger_id", "status", "assertion_id"}},
			// What a crash has left without its first evaluation: of all ledgers, and nearly always nothing.
			{Columns: []string{"ledger_id", "assertion_id"}, Where: "status = 'evaluating'"},
		},
	}
}
