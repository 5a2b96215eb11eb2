package transactions

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's tables. The version rises with every change of a table or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "transactions", Version: 3, Tables: []views.Table{transactions(), metadata()}}
}

// The first columns, which a transaction always has, and those that are written when it is posted.
const (
	plainColumns    = 11
	insertedColumns = 17
)

func transactions() views.Table {
	return views.Table{
		Name: "transactions",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "transaction_id", Type: "INTEGER NOT NULL"},
			{Name: "revision", Type: "INTEGER NOT NULL"},
			{Name: "day", Type: "INTEGER NOT NULL"},
			{Name: "nanos", Type: "INTEGER NOT NULL"},
			{Name: "recorded_at", Type: "TEXT NOT NULL"},
			{Name: "actor", Type: "TEXT NOT NULL"},
			{Name: "reference", Type: "TEXT"},
			{Name: "description", Type: "TEXT NOT NULL"},
			{Name: "metadata", Type: "TEXT NOT NULL"},
			{Name: "entries", Type: "TEXT NOT NULL"},
			// Few transactions have any of these, so that a plain one is written without them.
			{Name: "intended_day", Type: "INTEGER"},
			{Name: "intended_nanos", Type: "INTEGER"},
			{Name: "reverts", Type: "INTEGER"},
			{Name: "hold", Type: "INTEGER"},
			{Name: "forced", Type: "INTEGER NOT NULL DEFAULT 0"},
			{Name: "reason", Type: "TEXT"},
			{Name: "reverted_by", Type: "INTEGER"},
		},
		Key: []string{"ledger_id", "transaction_id"},
		Indexes: []views.Index{
			// Most transactions have no reference, and one that has none is never looked for by it.
			{Columns: []string{"ledger_id", "reference"}, Unique: true, Where: "reference IS NOT NULL"},
			{Columns: []string{"ledger_id", "day", "nanos", "transaction_id"}},
		},
	}
}

func metadata() views.Table {
	return views.Table{
		Name: "transaction_metadata",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "key", Type: "TEXT NOT NULL"},
			{Name: "value", Type: "TEXT NOT NULL"},
			{Name: "transaction_id", Type: "INTEGER NOT NULL"},
		},
		Key: []string{"ledger_id", "key", "value", "transaction_id"},
	}
}
