package accounts

import "github.com/daybook-ledger/daybook/projections/views"

// Model is the read model's tables. The version rises with every change of a table or of what is written into it.
func Model() views.Model {
	return views.Model{Name: "accounts", Version: 2, Tables: []views.Table{accounts(), balances(), charts(), holds()}}
}

func accounts() views.Table {
	return views.Table{
		Name: "accounts",
		Columns: []views.Column{
			{Name: "account_id", Type: "INTEGER NOT NULL"},
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "type", Type: "TEXT NOT NULL"},
			{Name: "status", Type: "TEXT NOT NULL"},
			{Name: "min_balance", Type: "TEXT"},
			{Name: "max_balance", Type: "TEXT"},
			{Name: "own_min_balance", Type: "TEXT"},
			{Name: "own_max_balance", Type: "TEXT"},
			{Name: "metadata", Type: "TEXT NOT NULL"},
			{Name: "opened_at", Type: "TEXT NOT NULL"},
			{Name: "opened_revision", Type: "INTEGER NOT NULL"},
		},
		Key: []string{"account_id"},
	}
}

func balances() views.Table {
	return views.Table{
		Name: "balances",
		Columns: []views.Column{
			{Name: "account_id", Type: "INTEGER NOT NULL"},
			{Name: "asset", Type: "TEXT NOT NULL"},
			{Name: "debits", Type: "TEXT NOT NULL"},
			{Name: "credits", Type: "TEXT NOT NULL"},
			{Name: "pending_debits", Type: "TEXT NOT NULL"},
			{Name: "pending_credits", Type: "TEXT NOT NULL"},
		},
		Key: []string{"account_id", "asset"},
	}
}

// charts keeps the event that gave a ledger its chart, so that a worker that starts can tell the limits of accounts that
// are opened from then on. No query reads it.
func charts() views.Table {
	return views.Table{
		Name: "account_charts",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "event_type", Type: "TEXT NOT NULL"},
			{Name: "event_version", Type: "INTEGER NOT NULL"},
			{Name: "event", Type: "TEXT NOT NULL"},
		},
		Key: []string{"ledger_id"},
	}
}

// holds keeps what open holds still set aside. No query reads it.
func holds() views.Table {
	return views.Table{
		Name: "account_holds",
		Columns: []views.Column{
			{Name: "ledger_id", Type: "INTEGER NOT NULL"},
			{Name: "hold_id", Type: "INTEGER NOT NULL"},
			{Name: "idx", Type: "INTEGER NOT NULL"},
			{Name: "account_id", Type: "INTEGER NOT NULL"},
			{Name: "asset", Type: "TEXT NOT NULL"},
			{Name: "side", Type: "INTEGER NOT NULL"},
			{Name: "amount", Type: "TEXT NOT NULL"},
		},
		Key: []string{"ledger_id", "hold_id", "idx"},
	}
}
