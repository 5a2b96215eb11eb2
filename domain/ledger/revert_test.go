package ledger_test

import "testing"

//nolint:dupword // numbers and names come twice in a row where they have to
func TestRevertScripts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a transaction is reverted once, and so is its reversal": `
			ledger wallets
			post world -> users:alice USD/2 100
			revert 1
			balance users:alice USD/2 0
			totals users:alice USD/2 100 100
			totals world USD/2 100 100
			revert 1 => already_reverted transaction 2
			revert 2
			balance users:alice USD/2 100
			revert 2 => already_reverted transaction 3
			revert 1 => already_reverted transaction 2
			revert 3
			balance users:alice USD/2 0
			revert 0 => transaction_not_found transaction 0
			revert 5 => transaction_not_found transaction 5
			transactions 4
		`,
		"a reversal respects limits, or is forced": `
			rule users:** liability min 0
			rule cap liability max 10
			ledger allow
			post world -> users:alice X 100
			post users:alice -> users:bob X 60
			revert 1 => insufficient_funds account users:alice available 40 required 100
			revert 1 force
			balance users:alice X -60
			post users:alice -> world X 1 => insufficient_funds account users:alice available 0 required 1
			revert 1 => already_reverted transaction 3
			post world -> cap X 10
			post cap -> world X 10
			post world -> cap X 5
			revert 5 => balance_limit_exceeded account cap
			revert 5 force
			balance cap X 15
		`,
		"what is held cannot be taken back": `
			ledger wallets
			post world -> users:alice X 100
			hold post users:alice -> shop X 60
			revert 1 => insufficient_funds account users:alice available 40 required 100
			void 1
			revert 1
		`,
		"even force stays within the range": `
			ledger general
			post a -> b X max
			post b -> c X 1
			revert 1 => amount_out_of_range account b
			revert 1 force => amount_out_of_range account b
		`,
		"force passes over closed accounts, not over closed periods": `
			ledger general
			post a -> b X 5
			post b -> c X 5
			post c -> a X 5
			close b
			revert 1 => account_closed account b
			period close 2026-01-30
			on 2026-01-30 revert 1 force => period_closed open 2026-01-31
			on 2026-01-30 reroute revert 1 force
			effective 4 2026-01-31 intended 2026-01-30
			balance b X -5
			revert 3
			effective 5 2026-01-31T12:00:00Z
		`,
		"a transaction that captured a hold is reverted by itself": `
			ledger wallets
			post world -> users:a X 100
			hold post users:a -> shop X 60
			capture 1 more 20
			revert 2
			status 1 open debit users:a X 40, credit shop X 40
			balance users:a X 100
			available users:a X 60
			capture 1
			revert 4
			status 1 captured
			balance users:a X 100
			balance shop X 0
		`,
		"rollback forgets reversals": `
			ledger general
			post a -> b X 5
			post a -> b X 7
			revert 2
			begin
			revert 1
			revert 3
			begin
			post a -> b X 1
			revert 6
			rollback
			rollback
			revert 2 => already_reverted transaction 3
			revert 1
			balance b X 0
			transactions 4
		`,
		"reasons in their order": `
			rule w equity
			rule users:* liability min 0
			ledger reject
			post w -> users:a X 5
			post users:a -> w X 5
			period close 2026-01-30
			close users:a
			on 2026-01-01 revert 3 => transaction_not_found
			on 2026-01-01 revert 1 => period_closed
			revert 1 => account_closed account users:a
			reopen users:a
			revert 1 => insufficient_funds account users:a available 0 required 5
			revert 1 force
			on 2026-01-01 revert 1 => already_reverted transaction 3
		`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, text)
		})
	}
}
