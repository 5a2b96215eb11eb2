package ledger_test

import "testing"

func TestAccountsChartsAndMetadata(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]string{
		"a closed account takes nothing until it is reopened": `
			ledger wallets
			post world -> a X 5
			close a => account_not_empty account a
			post a -> b X 5
			close a
			told AccountClosed
			closed a
			post world -> a X 1 => account_closed account a
			post world -> b X 1, a -> a X 1 => account_closed account a
			close a => account_closed account a
			account a => account_exists
			reopen a
			told AccountReopened
			open a
			reopen a => invalid_field pointer /address account a
			post world -> a X 1
			close nobody => account_not_found account nobody
			reopen nobody => account_not_found account nobody
		`,
		"closing looks at every asset": `
			ledger general
			post w -> a X 5, w -> a Y 5, a -> w X 5
			close a => account_not_empty
			post a -> w Y 6
			close a => account_not_empty
			post w -> a Y 1
			close a
			account b
			close b
		`,
		"closing can be undone": `
			ledger general
			account a
			begin
			close a
			begin
			reopen a
			rollback
			closed a
			rollback
			open a
			begin
			account b
			close b
			rollback
			absent b
			account b
			open b
			begin
			close a
			commit
			closed a
		`,
		"a merge patch": `
			ledger general
			account a
			note a k=1 l=2
			told AccountMetadataSet
			noted a k=1 l=2
			note a k=3 l- m-
			noted a k=3
			note a k-
			noted a
			note nobody k=1 => account_not_found account nobody
			post w -> a X 1
			note 1 k=1
			told TransactionMetadataSet
			noted 1 k=1
			note 1 l=2
			noted 1 k=1 l=2
			begin
			note 1 k- l-
			noted 1
			note a x=y
			note a z=z
			rollback
			noted 1 k=1 l=2
			noted a
			note 0 k=1 => transaction_not_found transaction 0
			note 2 k=1 => transaction_not_found transaction 2
		`,
		"a new chart gives accounts that exist other limits, not another type": `
			rule a:** asset min 0
			ledger allow
			account a:own min -5
			post a:b -> w X 10
			forget
			rule a:** liability min -20 max 20
			chart allow
			told ChartReplaced
			is a:b asset min -20 max 20
			is a:own asset min -5 max 20
			post w -> a:b X 30
			balance a:b X -20
			post w -> a:b X 1 => insufficient_funds account a:b available 0 required 1
			post w -> a:own X 6 => insufficient_funds account a:own available 5
			account a:new
			is a:new liability min -20 max 20
			begin
			forget
			rule ** equity
			chart reject
			is a:b asset
			is a:own asset min -5
			post w -> a:b X 1
			account z
			is z equity
			rollback
			is a:b asset min -20 max 20
			is a:own asset min -5 max 20
			post w -> a:b X 1 => insufficient_funds account a:b
			forget
			chart allow
			is a:b asset
			is a:own asset min -5
		`,
		"balances that break a chart": `
			ledger general
			account own min -10
			post w -> a X 10, own -> b Y 10
			forget
			rule w liability
			rule own liability
			rule b liability
			chart reject => chart_conflict account a pointer /rules
			rule a liability assets Y
			chart allow => chart_conflict account a pointer /rules/3
			forget
			rule a liability min 11
			chart allow => chart_conflict account a pointer /rules/0
			forget
			rule a liability max 9
			chart allow => chart_conflict account a pointer /rules/0
			forget
			rule own liability min 0                  # overridden by its own minimum
			rule a liability min 10 max 10 assets X
			chart allow
			forget
			rule own liability max -11
			rule ** liability
			chart allow => chart_conflict account own pointer /rules/0
			forget
			rule ** liability max -5
			chart allow => chart_conflict account a
			is a liability min 10 max 10
		`,
		"what an account does not have breaks no chart": `
			ledger general
			post w -> a X 10, a -> w X 10
			account empty
			forget
			rule w liability
			chart reject
			post w -> a X 1 => account_not_declared account a
			post a -> w X 1 => account_not_declared account a
			is a liability
			forget
			rule a liability min 5
			chart allow
			post w -> a X 4
			forget
			rule a liability assets Y
			chart allow => chart_conflict account a pointer /rules/0
		`,
		"a chart is tested as at opening": `
			ledger general
			forget
			rule a money
			chart allow => invalid_field pointer /rules/0/type
			forget
			rule a asset
			rule a expense
			chart allow => invalid_field pointer /rules/1/pattern
		`,
		"nothing of it without a ledger": `
			close a => ledger_not_found
			reopen a => ledger_not_found
			chart allow => ledger_not_found
			note a k=1 => ledger_not_found
			note 1 k=1 => ledger_not_found
			period close 2026-01-31 => ledger_not_found
			period reopen 2026-01-31 => ledger_not_found
			assert ** X eq 0 => ledger_not_found
			evaluate 1 => ledger_not_found
		`,
	})
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]string{
		"nothing is effective in a closed period": `
			ledger general
			closed through never
			post a -> b X 1
			effective 1 2026-01-31T12:00:00Z
			period close 2025-12-31
			told PeriodClosed
			closed through 2025-12-31
			on 2025-12-31T23:59:59.999999999Z post a -> b X 1 => period_closed open 2026-01-01 pointer /effective_at
			on 2026-01-01 post a -> b X 1
			on 2026-01-01T00:00:00.000000001+00:01 post a -> b X 1 => period_closed
			on 1500-01-01 post a -> b X 1 => period_closed
			period close 2026-01-31
			post a -> b X 1 => period_closed open 2026-02-01       # now, at noon
			on 2026-02-01 post a -> b X 1
			on 2026-01-31 post nobody -> b X 1 => period_closed
			absent nobody
			transactions 3
		`,
		"late ones may be moved": `
			ledger general
			period close 2025-12-31
			on 2025-11-05T10:00:00Z reroute post a -> b X 1
			effective 1 2026-01-01 intended 2025-11-05T10:00:00Z
			on 2026-01-01T10:00:00Z reroute post a -> b X 1
			effective 2 2026-01-01T10:00:00Z
			period close 2026-02-28
			on 2025-11-05 reroute post a -> b X 1
			effective 3 2026-03-01 intended 2025-11-05
			on 2026-01-31T12:00:00Z reroute post a -> b X 1
			effective 4 2026-03-01 intended 2026-01-31T12:00:00Z
			period reopen 2026-02-28
			on 2025-11-05 reroute post a -> b X 1
			effective 5 2026-01-01 intended 2025-11-05
			period reopen 2025-12-31
			on 2025-11-05 reroute post a -> b X 1
			effective 6 2025-11-05
		`,
		"closings go on, and are taken back": `
			ledger general
			period reopen 2026-01-31 => invalid_field pointer /through
			period close 2026-01-31
			period close 2026-01-31 => invalid_field pointer /through
			period close 2026-01-30 => invalid_field pointer /through
			period close 2026-02-28
			period close 2026-03-31
			closed through 2026-03-31
			period reopen 2026-02-27 => invalid_field pointer /through
			period reopen 2026-02-28                                   # and so the one after it
			told PeriodReopened
			closed through 2026-01-31
			period reopen 2026-03-31 => invalid_field pointer /through
			period close 2026-02-15
			closed through 2026-02-15
			period reopen 2026-01-31
			closed through never
			period close 1999-12-31
			closed through 1999-12-31
		`,
		"closings can be undone": `
			ledger general
			period close 2026-01-31
			period close 2026-02-28
			begin
			period reopen 2026-01-31
			period close 2026-05-31
			begin
			period close 2026-06-30
			period reopen 2026-05-31
			rollback
			closed through 2026-05-31
			rollback
			closed through 2026-02-28
			period reopen 2026-02-28
			closed through 2026-01-31
			begin
			period close 2026-03-31
			commit
			closed through 2026-03-31
		`,
		"one day has to stay open": `
			ledger general
			period close 9999-12-31 => invalid_field pointer /through
			period close 9999-12-30
			on 9999-12-30 reroute post a -> b X 1
			effective 1 9999-12-31 intended 9999-12-30
			period reopen 9999-12-30
			period close 0001-01-01
			on 0001-01-01T23:00:00Z post a -> b X 1 => period_closed open 0001-01-02
		`,
	})
}

// TestTheFirstReasonOfManyIsGiven: of the reasons that apply, later ones are given only after earlier ones are taken away.
func TestTheFirstReasonOfManyIsGiven(t *testing.T) {
	t.Parallel()
	play(t, `
		rule world liability
		rule full liability max 0
		rule users:** liability min 0 assets USD/2
		rule gone liability
		rule shut liability
		rule big liability
		ledger reject
		post world -> big USD/2 max ref used
		account gone
		account shut
		close shut
		close x => account_not_found
		forget
		rule world liability
		rule full liability max 0
		rule users:** liability min 0 assets USD/2
		rule shut liability
		rule big liability
		chart reject
		period close 2025-12-31

		on 2025-12-31 post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1, users:a -> shut USD/2 1, world -> gone USD/2 1 ref used if world USD/2 balance eq 1 => reference_exists
		on 2025-12-31 post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1, users:a -> shut USD/2 1, world -> gone USD/2 1 if world USD/2 balance eq 1 => account_not_declared account gone
		on 2025-12-31 post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1, users:a -> shut USD/2 1 if world USD/2 balance eq 1 => period_closed
		on 2025-12-31 reroute post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1, users:a -> shut USD/2 1 if world USD/2 balance eq 1 => account_closed account shut
		post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1, users:a -> shut USD/2 1 if world USD/2 balance eq 1 => account_closed account shut
		post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1 if world USD/2 balance eq 1 => asset_not_allowed account users:a
		post world -> full USD/2 1, users:a -> big USD/2 1 if world USD/2 balance eq 1 => precondition_failed
		post world -> full USD/2 1, users:a -> big USD/2 1 => amount_out_of_range account world
		post big -> full USD/2 1, users:a -> world USD/2 1 => insufficient_funds account users:a

		# each command's own
		close big => account_not_empty
		close gone
		close gone => account_closed
		forget
		rule world liability max 0
		chart reject => chart_conflict
		note nobody k=1 => account_not_found
		note 2 k=1 => transaction_not_found
	`)
}

//nolint:dupword // numbers and names come twice in a row where they have to
func TestStateAndHolds(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]string{
		"what is pending keeps an account open": `
			ledger general
			hold post a -> b X 5
			close a => account_not_empty account a
			close b => account_not_empty account b
			void 1
			close a
			hold post a -> b X 5 => account_closed account a
			reopen a
			hold post a -> b X 5
			capture 1 => hold_not_open
			capture 2
			post b -> a X 5
			close a
			revert 1 => account_closed account a
			revert 1 force
		`,
		"a chart counts what is pending": `
			ledger general
			hold post a -> b X 5
			forget
			rule b liability
			chart reject => chart_conflict account a pointer /rules
			forget
			rule a liability min -4
			chart allow => chart_conflict account a pointer /rules/0
			forget
			rule b liability max 4
			chart allow => chart_conflict account b pointer /rules/0
			forget
			rule a liability min -5 max 0             # what a hold would take does not raise it
			rule b liability min 0 max 5
			chart allow
			capture 1
			balance b X 5
			post a -> b X 1 => insufficient_funds
		`,
		"captures and reversals in a closed period": `
			ledger general
			hold post a -> b X 5
			post a -> b X 1
			period close 2026-01-31
			hold post a -> b X 5
			capture 1 => period_closed open 2026-02-01
			status 1 open debit a X 5 , credit b X 5
			on 2026-01-05 reroute capture 1
			effective 2 2026-02-01 intended 2026-01-05
			on 2026-02-02 capture 2
			effective 3 2026-02-02
			revert 1 => period_closed open 2026-02-01
			revert 1 force => period_closed open 2026-02-01
			on 2026-01-31 reroute revert 1
			effective 4 2026-02-01 intended 2026-01-31
		`,
		"holds count in no assertion until they are captured": `
			ledger general
			assert b X eq 0
			evaluate 1
			hold post a -> b X 5
			told AccountOpened AccountOpened HoldPlaced
			capture 1
			told HoldCaptured TransactionPosted AssertionBroken
			revert 1
			told TransactionPosted AssertionHeld
		`,
	})
}

func playAll(t *testing.T, scripts map[string]string) {
	t.Helper()
	for name, text := range scripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, text)
		})
	}
}
