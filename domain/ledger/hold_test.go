package ledger_test

import "testing"

func TestHoldScripts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"what is held cannot be given away": `
			ledger wallets
			post world -> users:alice USD/2 100
			hold post users:alice -> shop USD/2 60
			holds 1
			transactions 1
			status 1 open debit users:alice USD/2 60, credit shop USD/2 60
			balance users:alice USD/2 100
			available users:alice USD/2 40
			available shop USD/2 0               # what is to come is not there yet
			pending users:alice USD/2 60 0
			pending shop USD/2 0 60
			totals shop USD/2 0 0
			is shop liability min 0
			post users:alice -> shop USD/2 41 => insufficient_funds account users:alice available 40 required 41
			hold post users:alice -> shop USD/2 41 => insufficient_funds account users:alice available 40 required 41
			post shop -> users:bob USD/2 1 => insufficient_funds account shop available 0 required 1
			absent users:bob
			capture 1
			status 1 captured
			balance users:alice USD/2 40
			available users:alice USD/2 40
			balance shop USD/2 60
			pending shop USD/2 0 0
			pending users:alice USD/2 0 0
			transactions 2
		`,
		"a transfer that takes a void first": `
			ledger wallets
			post world -> users:alice USD/2 100
			hold post users:alice -> shop USD/2 60
			post users:alice -> users:bob USD/2 100 => insufficient_funds available 40 required 100
			void 1
			status 1 voided
			pending users:alice USD/2 0 0
			balance shop USD/2 0
			post users:alice -> users:bob USD/2 100
			void 1 => hold_not_open hold 1
			capture 1 => hold_not_open hold 1
			expire 1 => hold_not_open hold 1
			void 2 => hold_not_found hold 2
			capture 0 => hold_not_found
			expire 2 => hold_not_found
		`,
		"maximums count what is to come, on either side": `
			rule users:** liability max 100
			rule till:** asset min -10 max 100
			ledger allow
			hold post world -> users:a X 70
			post world -> users:a X 31 => balance_limit_exceeded account users:a
			hold post world -> users:a X 31 => balance_limit_exceeded account users:a
			post world -> users:a X 30
			hold post users:a -> world X 500     # lowers nothing that a maximum bounds
			post world -> users:a X 1 => balance_limit_exceeded account users:a
			void 1
			post world -> users:a X 70
			hold post till:a -> world X 101 => balance_limit_exceeded account till:a
			hold post till:a -> world X 100
			post till:a -> world X 1 => balance_limit_exceeded account till:a
			hold post world -> till:a X 11 => insufficient_funds account till:a available 10 required 11
			hold post world -> till:a X 10
			available till:a X -10
			balance till:a X 0
			post world -> till:a X 1 => insufficient_funds account till:a available 0 required 1
			capture 3
			available till:a X 90
			post world -> till:a X 101 => insufficient_funds account till:a available 100 required 101
		`,
		"part of a hold, and more of it later": `
			ledger wallets
			post world -> users:alice USD/2 100
			hold post users:alice -> shop USD/2 60
			capture 1 more 20
			status 1 open debit users:alice USD/2 40, credit shop USD/2 40
			balance users:alice USD/2 80
			available users:alice USD/2 40
			available shop USD/2 20
			capture 1 41 => capture_exceeds_hold hold 1 account users:alice
			capture 1 more 10
			status 1 open debit users:alice USD/2 30, credit shop USD/2 30
			capture 1 5                          # and the rest is released
			status 1 captured
			balance shop USD/2 35
			available users:alice USD/2 65
			pending users:alice USD/2 0 0
			transactions 4
			hold post users:alice -> shop USD/2 65
			capture 2 more 65                    # nothing is left, so there is no more
			status 2 captured
			hold post shop -> users:alice USD/2 100
			capture 3 more 1
			void 3
			status 3 voided
			available shop USD/2 99
			pending users:alice USD/2 0 0
			holds 3
		`,
		"captures stay within what is held of each account, asset and side": `
			ledger general
			hold entries debit a X 10, debit b X 5, credit c X 8, credit d X 7, debit a Y 3, credit c Y 3
			capture 1 5 => invalid_field pointer /amount hold 1
			capture 1 entries debit a X 11, credit c X 8, credit d X 3 => capture_exceeds_hold account a
			capture 1 entries debit a X 9, credit c X 9 => capture_exceeds_hold account c
			capture 1 entries debit c X 1, credit a X 1 => capture_exceeds_hold account c
			capture 1 entries debit a Y 4, credit c Y 4 => capture_exceeds_hold account a
			capture 1 entries debit d Y 1, credit c Y 1 => capture_exceeds_hold account d
			capture 1 entries debit a Z 1, credit c Z 1 => capture_exceeds_hold account a
			capture 1 entries debit a X 1, credit e X 1 => capture_exceeds_hold account e
			capture 1 entries debit a X 1, credit c X 2 => unbalanced_transaction
			capture 1 more entries debit a X 4, debit b X 5, credit d X 7, credit c X 2
			status 1 open debit a X 6, credit c X 6, debit a Y 3, credit c Y 3
			capture 1 6 => invalid_field pointer /amount
			capture 1 more post a -> c Y 3
			status 1 open debit a X 6, credit c X 6
			capture 1 6 => invalid_field pointer /amount     # it was not placed as one transfer
			capture 1 more move a -> c X 1 ; a -> c X 4
			capture 1 move a -> c X 1 ; a -> c X 1 => capture_exceeds_hold account a
			capture 1 move a -> c X 1
			status 1 captured
			balance a X -10
			balance c X 8
			balance d X 7
			absent e
		`,
		"many entries on one account": `
			ledger general
			hold entries debit a X 5, credit b X 3, debit a X 7, credit b X 9
			pending a X 12 0
			status 1 open debit a X 5, credit b X 3, debit a X 7, credit b X 9
			capture 1 more entries debit a X 2, debit a X 4, credit b X 6
			status 1 open debit a X 6, credit b X 6
			capture 1 entries debit a X 3, debit a X 4, credit b X 7 => capture_exceeds_hold account a
			capture 1
			totals a X 12 0
			totals b X 0 12
			hold entries debit a X 5, credit a X 5
			pending a X 5 5
			available a X -17                    # against it, until it is clear that it cancels out
			capture 2
			totals a X 17 5
			pending a X 0 0
			hold post a -> b X 1, a -> b X 1, a -> b X 1, a -> b X 1, a -> b X 1, a -> b X 1
			capture 3 more entries debit a X 5, credit b X 4, credit b X 1
			status 3 open debit a X 1, credit b X 1
			capture 3
			totals a X 23 5
		`,
		"a hold ends at its deadline, not before": `
			ledger general
			at 2026-01-31T12:00:00Z
			hold until 2026-01-31T12:00:00Z post a -> b X 1 => invalid_field pointer /expires_at
			hold until 2026-01-31T11:00:00Z post a -> b X 1 => invalid_field pointer /expires_at
			hold for -1s post a -> b X 1 => invalid_field pointer /expires_in
			hold until 2026-01-31T13:00:00Z post a -> b X 1
			hold for 1h post a -> b X 2
			hold for 1h post a -> b X 4
			hold post a -> b X 8
			at 2026-01-31T12:59:59.999999999Z
			expire 1 => hold_not_open hold 1
			capture 2 more 1
			capture 3
			at 2026-01-31T13:00:00Z
			capture 1 => hold_not_open hold 1
			void 1 => hold_not_open hold 1
			capture 2 => hold_not_open hold 2
			pending a X 10 0                     # until somebody says that it has expired
			available a X -15
			expire 1
			expire 1 => hold_not_open
			expire 2
			expire 3 => hold_not_open
			expire 4 => hold_not_open
			status 1 expired
			status 2 expired
			status 3 captured
			status 4 open debit a X 8, credit b X 8
			pending a X 8 0
			at 2025-01-01                        # the clock was put back; what happened stays
			capture 1 => hold_not_open
			at 9999-12-31
			hold for 48h post a -> b X 1 => invalid_field pointer /expires_in
			capture 4
			totals a X 13 0
		`,
		"amounts go up to 2^128-1 with what is pending, and no further": `
			ledger general
			hold post a -> b X max
			hold post a -> c X 1 => amount_out_of_range account a
			post a -> c X 1 => amount_out_of_range account a
			post c -> b X 1 => amount_out_of_range account b
			post b -> a X 1
			available a X -max-1
			capture 1 more max-1
			post a -> c X 1 => amount_out_of_range account a
			status 1 open debit a X 1, credit b X 1
			totals a X max-1 1
			capture 1
			totals a X max 1
			hold entries debit d X max, debit d X 1, credit e X max, credit f X 1 => amount_out_of_range account d
			hold entries debit d X max, debit d X max, credit e X max, credit f X max => amount_out_of_range account d
			hold post d -> e X max
			void 2
			hold post d -> e X max
		`,
		"references are of transactions and holds alike": `
			ledger general
			post a -> b X 1 ref one
			hold post a -> b X 1 ref one => reference_exists transaction 1
			hold post a -> b X 1 ref two
			post a -> b X 1 ref two => reference_exists hold 1
			hold post a -> b X 1 ref two => reference_exists hold 1
			capture 1 more post a -> b X 1 ref two => reference_exists hold 1
			capture 1 post a -> b X 1 ref three
			hold post a -> b X 1 ref three => reference_exists transaction 2
			hold post a -> b X 1 ref four
			void 2
			post a -> b X 1 ref four => reference_exists hold 2
		`,
		"holds open accounts, where the chart allows it": `
			rule users:* liability assets X
			ledger reject
			hold post users:a -> shop X 1 => account_not_declared account shop
			hold post users:a -> users:b Y 1 => asset_not_allowed account users:a
			hold post users:a -> users:b X 1
			accounts 2
			void 1
			accounts 2
		`,
		"closed accounts take no holds, and accounts with holds do not close": `
			ledger general
			hold post a -> b X 1
			close a => account_not_empty account a
			close b => account_not_empty account b
			void 1
			close a
			hold post a -> b X 1 => account_closed account a
			hold post b -> a X 1 => account_closed account a
			reopen a
			hold post a -> b X 1
		`,
		"closed periods bind captures, not holds": `
			ledger general
			period close 2026-01-30
			on 2026-01-15 hold post a -> b X 5
			on 2026-01-15 capture 1 => period_closed open 2026-01-31
			on 2026-01-15 reroute capture 1 more 2
			effective 1 2026-01-31 intended 2026-01-15
			capture 1
			effective 2 2026-01-31T12:00:00Z
		`,
		"rollback restores holds": `
			ledger wallets
			post world -> users:a X 100
			hold post users:a -> b X 50 ref kept
			hold for 1h post users:a -> b X 10
			begin
			capture 1 more 20
			begin
			capture 1 5
			void 2
			hold post users:a -> c X 20 ref gone
			void 3
			rollback
			status 1 open debit users:a X 30, credit b X 30
			status 2 open debit users:a X 10, credit b X 10
			holds 2
			rollback
			status 1 open debit users:a X 50, credit b X 50
			available users:a X 40
			pending b X 0 60
			absent c
			transactions 1
			capture 1 more 50
			begin
			hold post users:a -> c X 30 ref gone
			capture 3 more 1
			commit
			status 3 open debit users:a X 29, credit c X 29
			begin
			capture 3
			rollback
			status 3 open debit users:a X 29, credit c X 29
			at 2026-01-31T13:00:00Z
			begin
			expire 2
			rollback
			status 2 open debit users:a X 10, credit b X 10
			expire 2
			available users:a X 20
		`,
		"transfers of all forms are held": `
			ledger wallets
			post world -> users:a X 100
			hold move users:a -> shop 1/3, fees rest X most 40
			status 1 open debit users:a X 40, credit shop X 13, credit fees X 27
			hold move users:a -> shop X all
			status 2 open debit users:a X 60, credit shop X 60
			hold move users:a -> shop X all => insufficient_funds account users:a
			capture 1 move users:a -> shop X 13 ; users:a -> fees X 20
			balance shop X 13
			available users:a X 7
			capture 2 move users:a -> shop X all => invalid_field pointer /transfers/0/amount
		`,
		"preconditions of a hold": `
			ledger general
			post world -> a X 10
			hold post a -> b X 4 if a X available gte 10
			hold post a -> b X 4 if a X available gte 7 => precondition_failed account a available 6
			hold post a -> b X 4 if a X balance eq 10
		`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, text)
		})
	}
}

// TestTheFirstReasonIsGivenForHolds is TestTheFirstReasonIsGiven for what is done with holds.
func TestTheFirstReasonIsGivenForHolds(t *testing.T) {
	t.Parallel()
	play(t, `
		hold until 2026-01-01 post a -> b X 1 => invalid_field pointer /expires_at
		hold post a -> b X 1 => ledger_not_found
		capture 1 => ledger_not_found
		void 1 => ledger_not_found
		expire 1 => ledger_not_found
		revert 1 => ledger_not_found

		rule world liability
		rule full liability max 0
		rule users:** liability min 0 assets X
		rule shut liability
		ledger reject
		account shut
		close shut
		post world -> world X max ref used

		# every reason at once; then without the first, and so on
		hold until 2026-01-01 entries debit a X 1, credit b X 2 => unbalanced_transaction
		hold until 2026-01-01 post world -> full X 1, users:a -> shut Y 1, users:a -> none X 1 ref used if world X balance eq 1 => invalid_field pointer /expires_at
		hold post world -> full X 1, users:a -> shut Y 1, users:a -> none X 1 ref used if world X balance eq 1 => reference_exists transaction 1
		hold post world -> full X 1, users:a -> shut Y 1, users:a -> none X 1 if world X balance eq 1 => account_not_declared account none
		hold post world -> full X 1, users:a -> shut Y 1 if world X balance eq 1 => account_closed account shut
		hold post world -> full X 1, users:a -> full Y 1 if world X balance eq 1 => asset_not_allowed account users:a
		hold post world -> full X 1, users:a -> full X 1 if world X balance eq 1 => precondition_failed account world balance 0
		hold post world -> full X 1, users:a -> full X 1 => amount_out_of_range account world
		hold post full -> full Y 1, users:a -> full X 1 => insufficient_funds account users:a
		hold post full -> full Y 1 => balance_limit_exceeded account full

		rule other liability
		post other -> users:a Z 1 => account_not_declared account other
		hold until 2026-02-01 entries debit world Z 5, credit world Z 5
		period close 2026-01-30
		on 2026-01-01 capture 1 entries debit world Z 6, credit shut Z 6 ref used => reference_exists transaction 1
		at 2026-02-01
		capture 2 post world -> world Z 6 ref used => hold_not_found
		capture 1 post world -> shut Z 6 ref used => reference_exists transaction 1
		capture 1 post world -> shut Z 6 => hold_not_open
		at 2026-01-31
		on 2026-01-01 capture 1 post world -> shut Z 6 => period_closed
		capture 1 post world -> shut Z 6 => account_closed account shut
		capture 1 post world -> users:a Z 6 => asset_not_allowed account users:a
		capture 1 post world -> world Z 6 => capture_exceeds_hold account world
		capture 1
	`)
}
