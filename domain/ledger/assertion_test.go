package ledger_test

import "testing"

//nolint:dupword // numbers and names come twice in a row where they have to
func TestAssertions(t *testing.T) {
	t.Parallel()
	playAll(t, map[string]string{
		"what a transaction breaks is told with it": `
			ledger wallets
			post world -> a X 5
			assert a X eq 5
			told AssertionDeclared
			assertion 1 evaluating 0
			evaluate 1
			told AssertionHeld
			assertion 1 holds 5
			post a -> b X 2
			told AccountOpened TransactionPosted AssertionBroken
			assertion 1 broken 3
			post a -> b X 1
			told TransactionPosted
			assertion 1 broken 2
			post b -> a X 3
			told TransactionPosted AssertionHeld
			assertion 1 holds 5
			post b -> c X 0 => invalid_field
			post a -> world X 9 => insufficient_funds
			assertion 1 holds 5
		`,
		"what came between the declaration and its evaluation counts once": `
			ledger general
			post w -> a X 5
			assert a X gte 8
			post w -> a X 2
			told TransactionPosted
			assertion 1 evaluating 2
			post w -> a X 2
			evaluate 1
			told AssertionHeld
			assertion 1 holds 9
			evaluate 1
			told
			evaluate 2 => invalid_field pointer /id
			evaluate 0 => invalid_field pointer /id
			assertion 1 holds 9
		`,
		"it may be broken from the start": `
			ledger general
			assert a X gte 1
			evaluate 1
			told AssertionBroken
			assertion 1 broken 0
			post w -> a X 1
			told AccountOpened AccountOpened TransactionPosted AssertionHeld
		`,
		"bounds": `
			ledger general
			assert a X gte -2 lte 2
			assert a X lte 0
			assert a X eq 0
			evaluate 1
			evaluate 2
			evaluate 3
			post w -> a X 2
			told AccountOpened AccountOpened TransactionPosted AssertionBroken AssertionBroken
			post w -> a X 1
			told TransactionPosted AssertionBroken
			post a -> w X 3
			told TransactionPosted AssertionHeld AssertionHeld AssertionHeld
			post a -> w X 2
			told TransactionPosted AssertionBroken
			assertion 1 holds -2
			assertion 2 holds -2
			assertion 3 broken -2
			assert a X => invalid_field pointer /equals
			assert a X eq 0 lte 0 => invalid_field pointer /equals
			assert a X gte 1 lte 0 => invalid_field pointer /gte
		`,
		"a pattern over accounts of one side is on their normal side": `
			ledger general
			assert assets:** X eq 10
			assert users:* X eq 7
			evaluate 1
			evaluate 2
			post assets:bank -> users:a X 4
			post assets:cash:till -> users:b X 3, assets:bank -> users:b:x X 3
			told AccountOpened AccountOpened AccountOpened TransactionPosted AssertionHeld AssertionHeld
			assertion 1 holds 10
			assertion 2 holds 7
			post users:a -> users:b X 1, assets:bank -> assets:new X 2
			told AccountOpened TransactionPosted
			assertion 1 holds 10
			assertion 2 holds 7
		`,
		"over both sides it is debits less credits": `
			ledger general
			assert ** X eq 0
			assert *:x X gte 1
			evaluate 1
			evaluate 2
			post assets:x -> w X 5
			told AccountOpened AccountOpened TransactionPosted AssertionHeld
			assertion 1 holds 0
			assertion 2 holds 5
			post b:x -> w X 3            # a liability: 5 debits on one side, 3 on the other
			assertion 2 holds 8
			post w -> b:x X 9
			told TransactionPosted AssertionBroken
			assertion 2 broken -1
			assertion 1 holds 0
		`,
		"a liability's balance turns its sign once an asset joins": `
			ledger general
			assert *:x X gte 1
			evaluate 1
			post w -> b:x X 5
			assertion 1 holds 5
			post assets:x -> w X 1
			told AccountOpened TransactionPosted AssertionBroken
			assertion 1 broken -4
		`,
		"another asset is another matter": `
			ledger general
			assert a X eq 0
			evaluate 1
			post w -> a Y 5
			told AccountOpened AccountOpened TransactionPosted
			post w -> a Y 5, w -> a X 5, w -> a Y 1
			told TransactionPosted AssertionBroken
			assertion 1 broken 5
		`,
		"in the order of their numbers": `
			ledger general
			assert a Y eq 0
			assert a X eq 0
			assert b Y eq 0
			evaluate 3
			evaluate 2
			evaluate 1
			post w -> a X 1, w -> a Y 1, w -> b Y 1
			judged 1 2 3
			post b -> a Y 1, b -> a X 1
			judged 3
		`,
		"up to a time": `
			ledger general
			on 2026-01-10 post w -> a X 5
			on 2026-02-10 post w -> a X 50
			assert a X at 2026-01-31T23:59:59.999999999Z eq 5
			assert a X eq 55
			evaluate 1
			told AssertionHeld
			evaluate 2
			told AssertionHeld
			on 2026-02-01 post w -> a X 1
			told TransactionPosted AssertionBroken
			assertion 1 holds 5
			on 2026-01-31T23:59:59.999999999Z post w -> a X 1       # late, and it still counts
			told TransactionPosted AssertionBroken
			assertion 1 broken 6
			assertion 2 broken 57
			on 2025-06-01 post a -> w X 1
			told TransactionPosted AssertionHeld
			assertion 1 holds 5
		`,
		"a late one that is moved past the time does not count": `
			ledger general
			assert a X at 2026-01-31 eq 0
			evaluate 1
			period close 2026-01-31
			on 2026-01-15 reroute post w -> a X 5
			effective 1 2026-02-01 intended 2026-01-15
			told AccountOpened AccountOpened TransactionPosted
			assertion 1 holds 0
			period reopen 2026-01-31
			on 2026-01-15 reroute post w -> a X 5
			told TransactionPosted AssertionBroken
		`,
		"broken and holding again in one group": `
			ledger general
			assert a X eq 0
			evaluate 1
			begin
			post w -> a X 5
			told AccountOpened AccountOpened TransactionPosted AssertionBroken
			post a -> w X 5
			told TransactionPosted AssertionHeld
			commit
			assertion 1 holds 0
			post w -> a X 5, a -> w X 5
			told TransactionPosted
		`,
		"and undone": `
			ledger general
			begin
			assert z Z eq 0
			begin
			evaluate 1
			assertion 1 holds 0
			rollback
			assertion 1 evaluating 0
			rollback
			post w -> a X 1
			assert a X eq 1
			evaluate 1
			begin
			post w -> a X 5
			post w -> a:b X 5
			assert ** X eq 0
			assert new Y eq 0
			evaluate 2
			post w -> a X 1
			assertion 1 broken 7
			rollback
			assertion 1 holds 1
			post w -> b X 5                      # the number that a:b had before
			told AccountOpened TransactionPosted
			assert b X eq 5
			evaluate 2
			told AssertionHeld
			begin
			assert a:* X eq 0
			evaluate 3
			post w -> a:b X 1
			told AccountOpened TransactionPosted AssertionBroken
			rollback
			assert a:* X eq 0
			evaluate 3
			begin
			post w -> a:b X 1
			told AccountOpened TransactionPosted AssertionBroken
			rollback
			post w -> c X 1
			told AccountOpened TransactionPosted
			assertion 3 holds 0
		`,
		"sums go beyond 128 bits": `
			ledger general
			assert a:* X gte 0
			post w:1 -> a:1 X max
			post w:2 -> a:2 X max
			post w:3 -> a:3 X max
			evaluate 1
			assertion 1 holds 1020847100762815390390123822295304634365
			assert a:* X lte max
			evaluate 2
			told AssertionBroken
			post a:1 -> w:1 X max, a:2 -> w:2 X max
			told TransactionPosted AssertionHeld
			assertion 2 holds 340282366920938463463374607431768211455
		`,
		"accounts that come later count too": `
			ledger general
			assert users:** X lte 1
			evaluate 1
			post w -> users:a X 1
			post w -> users:b X 1
			told AccountOpened TransactionPosted AssertionBroken
			post users:b -> other:c X 1
			told AccountOpened TransactionPosted AssertionHeld
		`,
	})
}
