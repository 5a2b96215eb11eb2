package ledger_test

import "testing"

//nolint:dupword // numbers and names come twice in a row where they have to
func TestScripts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a wallet gives what it has and no more": `
			ledger wallets
			post world -> users:alice USD/2 100
			post users:alice -> users:bob USD/2 101 => insufficient_funds account users:alice available 100 required 101
			absent users:bob
			post users:alice -> users:bob USD/2 100
			balance users:alice USD/2 0
			balance users:bob USD/2 100
			totals users:alice USD/2 100 100
			balance world USD/2 -100
			accounts 3
			transactions 2
		`,
		"a limit bounds each asset by itself": `
			ledger wallets
			post world -> users:alice USD/2 100
			post users:alice -> world EUR/2 1 => insufficient_funds available 0 required 1
			post users:alice -> world USD/3 1 => insufficient_funds available 0 required 1
			balance users:alice USD/2 100
		`,
		"limits are on the normal side": `
			ledger wallets
			post world -> assets:cash USD/2 5 => insufficient_funds account assets:cash available 0 required 5
			post assets:cash -> world USD/2 5
			balance assets:cash USD/2 5
			is assets:cash asset min 0
			post world -> assets:cash USD/2 5
			balance assets:cash USD/2 0
			is world liability
		`,
		"only the net effect counts": `
			ledger wallets
			post world -> users:alice USD/2 10
			post users:alice -> users:bob USD/2 30, world -> users:alice USD/2 20
			balance users:alice USD/2 0
			post users:alice -> users:bob USD/2 30, world -> users:alice USD/2 29 => insufficient_funds available 0 required 1
			post users:bob -> users:carol USD/2 1, users:carol -> users:dave USD/2 1
			balance users:carol USD/2 0
			totals users:carol USD/2 1 1
		`,
		"a transfer to the account itself cancels out": `
			ledger wallets
			post users:alice -> users:alice USD/2 500
			balance users:alice USD/2 0
			totals users:alice USD/2 500 500
			transactions 1
		`,
		"a negative minimum is a credit line": `
			rule users:** liability min -50
			ledger allow
			post users:alice -> world USD/2 51 => insufficient_funds available 50 required 51
			post users:alice -> world USD/2 30
			post users:alice -> world USD/2 21 => insufficient_funds available 20 required 21
			post users:alice -> world USD/2 20
			balance users:alice USD/2 -50
			post users:alice -> world USD/2 1 => insufficient_funds available 0 required 1
		`,
		"a maximum": `
			rule users:** liability max 100
			ledger allow
			post world -> users:alice USD/2 101 => balance_limit_exceeded account users:alice
			post world -> users:alice USD/2 100
			post world -> users:alice USD/2 1 => balance_limit_exceeded account users:alice
			post world -> users:bob USD/2 101, world -> users:alice USD/2 1 => balance_limit_exceeded account users:bob
			post world -> users:alice USD/2 1, world -> users:bob USD/2 101 => balance_limit_exceeded account users:alice
			post users:alice -> world USD/2 1
			post world -> users:alice USD/2 1
			post users:alice -> world USD/2 500
			balance users:alice USD/2 -400
		`,
		"a negative maximum, a positive minimum": `
			ledger general
			account debt max -10
			account reserve min 10
			post world -> debt USD/2 1 => balance_limit_exceeded account debt
			post debt -> world USD/2 5          # beyond the limit, but nearer to it
			post world -> debt USD/2 1 => balance_limit_exceeded account debt
			post debt -> world USD/2 6
			post world -> debt USD/2 1
			post world -> reserve USD/2 5
			post reserve -> world USD/2 1 => insufficient_funds account reserve available 0 required 1
			post world -> reserve USD/2 7
			post reserve -> world USD/2 3 => insufficient_funds account reserve available 2 required 3
			post reserve -> world USD/2 2
		`,
		"an account's own limits override the rule's, each one": `
			rule users:** liability min 0 max 100
			ledger allow
			account users:wide min -10 max 200
			account users:narrow min 5 max 10
			account users:half max 10
			account users:plain
			is users:wide liability min -10 max 200
			is users:narrow liability min 5 max 10
			is users:half liability min 0 max 10
			is users:plain liability min 0 max 100
			post users:wide -> world USD/2 10
			post users:half -> world USD/2 1 => insufficient_funds account users:half available 0 required 1
			post world -> users:wide USD/2 210
			post world -> users:wide USD/2 1 => balance_limit_exceeded account users:wide
			post world -> users:narrow USD/2 11 => balance_limit_exceeded account users:narrow
			post world -> users:plain USD/2 101 => balance_limit_exceeded account users:plain
		`,
		"an account's own limits may not contradict the rule's": `
			rule users:** liability min 0 max 100
			ledger allow
			account users:a max -1 => invalid_field pointer /max_balance account users:a
			account users:a min 101 => invalid_field pointer /min_balance
			account users:a min 5 max 4 => invalid_field pointer /min_balance
			account users:a min 101 max 101
			is users:a liability min 101 max 101
		`,
		"amounts go up to 2^128-1, and totals no further": `
			ledger general
			post world -> a X max
			balance a X max
			balance world X -max
			post a -> b X max
			totals a X max max
			post a -> a X 1 => amount_out_of_range account a
			post b -> c X 1
			post world -> c X 1 => amount_out_of_range account world
			post c -> b X 1 => amount_out_of_range account b
			post c -> d X 1
			transactions 4
		`,
		"sums inside one transaction are tested too": `
			ledger general
			post a -> b X max, c -> b X 1 => amount_out_of_range account b
			post a -> b X max, a -> c X 1 => amount_out_of_range account a
			post a -> b X max, c -> d X max     # together more than 2^128, but on no account
			transactions 1
			entries debit e X max, debit f X 5, credit g X max, credit h X 5
			entries debit i X max, debit j X max, credit k X max => unbalanced_transaction
			entries debit i X max, credit j X max, credit k X max => unbalanced_transaction
			transactions 2
		`,
		"a credit line at the end of the range": `
			rule a liability min -max
			ledger allow
			post world -> b X max
			post a -> c X max
			balance a X -max
			post d -> a X max
			post a -> c X 1 => amount_out_of_range account a
			account z min max
			post d -> z Y max
			post z -> d Y 1 => insufficient_funds account z available 0 required 1
		`,
		"a reference is unique for ever": `
			ledger general
			post a -> b USD/2 1 ref inv-1
			post a -> b USD/2 1 ref inv-1 => reference_exists transaction 1
			post a -> b USD/2 1 ref INV-1
			post a -> b USD/2 1
			post c -> d USD/2 7 ref INV-1 => reference_exists transaction 2
			transactions 3
			absent c
		`,
		"accounts open by themselves, or explicitly, once": `
			ledger general
			account users:alice
			account users:alice => account_exists account users:alice
			post users:alice -> users:bob USD/2 1
			account users:bob => account_exists account users:bob
			account shop type income
			is shop income
			is users:bob liability
			accounts 3
		`,
		"what is not declared may be rejected": `
			rule world liability
			rule users:* liability min 0
			rule users:*:savings:** liability
			ledger reject
			post world -> users:alice USD/2 5
			post world -> users:alice:wallet USD/2 5 => account_not_declared account users:alice:wallet
			post users:alice -> shop USD/2 9 => account_not_declared account shop
			account shop => account_not_declared account shop
			account users:alice:savings => account_not_declared
			account users:alice:savings:new-car
			accounts 3
		`,
		"a rule may list the assets": `
			rule users:** liability assets USD/2 , EUR/2
			rule users:vip liability
			ledger allow
			post world -> users:alice USD/2 5, world -> users:bob EUR/2 5
			post world -> users:alice BTC/8 5 => asset_not_allowed account users:alice
			post world -> users:alice USD 5 => asset_not_allowed account users:alice
			post world -> users:vip BTC/8 5
			account users:carol
			post users:carol -> world BTC/8 5 => asset_not_allowed account users:carol
		`,
		"templates give types by the top segment, in any case": `
			ledger general
			account assets
			account Assets:Bank
			account ASSET
			account eXpenses:food
			account expense
			account Liabilities:card
			account LIABILITY
			account equity:opening
			account Equities
			account income:sales
			account Incomes
			account Revenue:x:y
			account revenues
			account assetsx
			account my:assets
			account Aktiva
			is assets asset
			is Assets:Bank asset
			is ASSET asset
			is eXpenses:food expense
			is expense expense
			is Liabilities:card liability
			is LIABILITY liability
			is equity:opening equity
			is Equities equity
			is income:sales income
			is Incomes income
			is Revenue:x:y income
			is revenues income
			is assetsx liability
			is my:assets liability
			is Aktiva liability
		`,
		"wallets bounds everything but the world": `
			ledger wallets
			account world
			account world:bank:x
			account World
			account worldly
			account Assets
			account Income:x
			is world liability
			is world:bank:x liability
			is World liability min 0
			is worldly liability min 0
			is Assets asset min 0
			is Income:x income min 0
		`,
		"an atomic group is undone as one": `
			ledger wallets
			post world -> users:alice USD/2 100 ref first
			begin
			post users:alice -> users:bob USD/2 60 ref second
			account users:carol min -5
			post world -> users:carol EUR/2 7
			post users:alice -> users:bob USD/2 60 => insufficient_funds available 40 required 60
			rollback
			balance users:alice USD/2 100
			absent users:bob
			absent users:carol
			accounts 2
			transactions 1
			post users:alice -> users:bob USD/2 100 ref second
			begin
			post users:bob -> users:alice USD/2 30
			begin
			post users:bob -> users:dave USD/2 30
			rollback
			begin
			post users:bob -> users:erin USD/2 5
			commit
			balance users:erin USD/2 5
			rollback
			balance users:bob USD/2 100
			absent users:erin
			begin
			post users:bob -> users:alice USD/2 30
			commit
			balance users:alice USD/2 30
			transactions 3
		`,
		"even opening the ledger can be undone": `
			begin
			ledger wallets
			post world -> users:alice USD/2 100
			rollback
			accounts 0
			post world -> users:alice USD/2 100 => ledger_not_found
			account users:alice => ledger_not_found
			ledger general
			ledger general => ledger_exists
			post users:alice -> world USD/2 100
		`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, text)
		})
	}
}

// TestTheFirstReasonIsGiven: of the reasons that apply, later ones are given only after earlier ones are taken away.
func TestTheFirstReasonIsGiven(t *testing.T) {
	t.Parallel()
	play(t, `
		post world -> x BTC/8 0 ref used => invalid_field pointer /entries/0/debit
		entries debit a USD/2 1, credit b USD/2 2, credit c EUR/2 0 => invalid_field pointer /entries/2/credit
		entries debit a USD/2 1, credit b USD/2 2 => unbalanced_transaction
		post a -> b USD/2 1 => ledger_not_found
		ledger elsewhere => invalid_field pointer /template

		rule world liability
		rule full liability max 0
		rule users:** liability min 0 assets USD/2
		rule big liability
		ledger reject
		ledger elsewhere => invalid_field pointer /template
		ledger general => ledger_exists
		post world -> big USD/2 max ref used

		account full min 1 => invalid_field pointer /min_balance
		account big min 1 max 0 => invalid_field pointer /min_balance
		account big => account_exists
		account other => account_not_declared

		# every reason at once; then without the first, and so on
		entries debit users:a EUR/2 2, credit x EUR/2 1, debit world USD/2 1, credit full USD/2 1 ref used => unbalanced_transaction
		post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1, users:a -> x USD/2 1 ref used => reference_exists transaction 1
		post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1, users:a -> x USD/2 1 => account_not_declared account x
		post world -> full USD/2 1, users:a -> big USD/2 1, users:a -> world EUR/2 1 => asset_not_allowed account users:a
		post world -> full USD/2 1, users:a -> big USD/2 1 => amount_out_of_range account world
		post big -> full USD/2 1, users:a -> world USD/2 1 => insufficient_funds account users:a available 0 required 1
		post big -> full USD/2 1 => balance_limit_exceeded account full
		post big -> world USD/2 1
		transactions 2
	`)
}
