package ledger_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

func TestTransfers(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a plain transfer is a debit and a credit": `
			ledger wallets
			move world -> a X 100
			move a -> b X 30 ; b -> c X 20
			totals b X 20 30
			balance c X 20
			move a -> b X 71 => insufficient_funds account a available 70 required 71
			move a -> a X 500
			totals a X 530 600
		`,
		"all is what is there": `
			ledger wallets
			move world -> a X 100
			move a -> b X all
			balance a X 0
			balance b X 100
			move a -> b X all => insufficient_funds account a available 0 required 1
			move nobody -> b X all => insufficient_funds account nobody available 0 required 1
			move b -> a Y all => insufficient_funds account b available 0 required 1
			absent nobody
			transactions 2
		`,
		"up to so much": `
			ledger wallets
			move world -> a X 100
			move a -> b X most 70
			move a -> b X most 70
			balance b X 100
			move a -> b X most 70 => insufficient_funds account a available 0 required 1
		`,
		"a sweep draws no credit line, and nothing of a positive minimum": `
			rule line liability min -50
			rule reserve liability min 30
			ledger allow
			move world -> line X 10 ; world -> reserve X 100
			move line -> b X all
			balance line X 0
			move line -> b X all => insufficient_funds account line available 0 required 1
			move line -> b X 50            # an exact amount may draw it
			move line -> b X most 5 => insufficient_funds account line available 0 required 1
			move reserve -> b X all
			balance reserve X 30
			move reserve -> b X most 5 => insufficient_funds available 0
			move world -> b X all => insufficient_funds account world available 0 required 1
			balance line X -50
		`,
		"sources give in order, each what it has": `
			ledger wallets
			move world -> a X 100 ; world -> b X 100 ; world -> c X 100
			move a , b , c -> d X 150
			balance a X 0
			balance b X 50
			balance c X 100
			move a , b most 20 , c most 20 -> d X 40
			balance b X 30
			balance c X 80
			move a , b most 20 , c most 20 -> d X 41 => insufficient_funds account c available 40 required 41
			move a , b , c -> d X 111 => insufficient_funds account c available 110 required 111
			move b most 10 -> d X 11 => insufficient_funds account b available 10 required 11
			move b most 10 -> d X 10
			move b most 5 , c most 7 -> d X all
			balance b X 15
			balance c X 73
			move a , b , c -> d X most 20
			balance c X 68
			move b , b most 9 , c most 1 , c -> d X all
			balance c X 0
			absent e
		`,
		"among several sources none draws a credit line": `
			rule line:** liability min -50
			ledger allow
			move world -> line:a X 10
			move line:a , line:b -> d X 11 => insufficient_funds account line:b available 10 required 11
			move line:a most 60 -> d X 11 => insufficient_funds account line:a available 10 required 11
			move line:a -> d X 60
		`,
		"shares are rounded down, and units that are left go to the first": `
			ledger general
			move world -> a 1/3 , b 1/3 , c 1/3 X 100
			balance a X 34
			balance b X 33
			balance c X 33
			move world -> d 1/3 , e 1/3 , f 1/3 X 101
			balance d X 34
			balance e X 34
			balance f X 33
			move world -> g 1/2 , h 1/2 X 1
			balance g X 1
			absent h
			move world -> i 1/1 X 7
			balance i X 7
		`,
		"the remainder takes what shares leave": `
			ledger general
			move world -> tax 19/100 , fee 1/100 , shop rest X 150
			balance tax X 28
			balance fee X 1
			balance shop X 121
			move world -> a rest , b 1/3 , c 1/3 , d 1/3 X 100
			balance a X 1
			balance d X 33
			move world -> e rest , f 1/1 X 100
			absent e
			balance f X 100
			move world -> g rest X 5
			balance g X 5
		`,
		"the greatest amount is shared exactly": `
			ledger general
			move world -> a 18446744073709551614/18446744073709551615 , b rest X max
			balance b X 18446744073709551617
			totals world X max 0
		`,
		"each transfer sees the ones before": `
			ledger wallets
			move world -> a X 100
			move a -> b X all ; b -> c X all ; c -> a 1/2 , d rest X all
			balance a X 50
			totals b X 100 100
			balance d X 50
			move a -> d X 20 ; a -> d X all ; d -> a X most 10
			balance a X 10
			balance d X 90
			move d -> d X all
			balance d X 90
			move a , d -> a X all
			balance a X 100
			totals a X 160 260
			move a -> x X all ; a -> x X all => insufficient_funds account a available 0 required 1
			move a -> x X all ; a -> x X 1 => insufficient_funds account a available 100 required 101
			move a -> x X 60 ; a -> x X most 60 ; x -> y X all
			balance y X 100
		`,
		"the same account gives and takes": `
			ledger wallets
			move world -> a X 9
			move a -> a 1/2 , b 1/2 X all
			balance a X 5
			balance b X 4
			totals a X 9 14
			move a , b , a -> a X all
			balance a X 9
		`,
		"what open holds would take is not there to give": `
			ledger wallets
			move world -> a X 100
			hold move a -> shop X 30
			move a -> b X most 80
			balance b X 70
			move a -> b X all => insufficient_funds account a available 0 required 1
			void 1
			hold move a , b -> shop X most 50 ; a , b -> fees X 20
			pending a X 30 0
			pending b X 40 0
			pending shop X 0 50
			hold move a , b -> shop X 31 => insufficient_funds account b available 30 required 31
			hold move b -> c X all ; c -> d X all => insufficient_funds account c available 0 required 1   # c has it only when it is captured
			hold move b -> c X 10 ; b -> b X all ; b -> d X all => insufficient_funds account b available 0 required 1
			hold move b -> c X 10 ; b -> d X all
			pending d X 0 20
			holds 3
			move b -> c X 1 if b X balance eq 70 and b X available eq 0 => insufficient_funds account b
			move world -> c X 1 if b X available gte 1 => precondition_failed account b available 0
		`,
		"assets are apart": `
			ledger wallets
			move world -> a X 5 ; world -> a Y 7
			move a -> b X all ; a -> b Y most 3
			balance b X 5
			balance b Y 3
		`,
		"who is asked for what it has is lowered by a debit": `
			ledger wallets
			move world -> a X 5
			move assets:cash -> a X all => invalid_field account assets:cash pointer /transfers/0/from
			move world -> a X 5 ; a , expenses:rent -> b X all => invalid_field account expenses:rent pointer /transfers/1/from/1/account
			move assets:cash most 5 -> b X 5 => invalid_field pointer /transfers/0/from/0/account
			account assets:cash type liability
			move a -> assets:cash X all
			move assets:cash -> a X all
			move expenses:food -> a X 5
			balance expenses:food X 5
		`,
		"limits hold for what comes of it": `
			rule capped liability max 10
			ledger allow
			move world -> a X 100
			move a -> capped X all => balance_limit_exceeded account capped
			move a -> capped 1/10 , b rest X all
			balance capped X 10
		`,
		"what is too great is said": `
			ledger general
			move world -> a X max ; world:other -> b X max
			move a , b -> c X all => amount_out_of_range account b
			move a , b -> c X max
			balance b X max
			move b -> c X all => amount_out_of_range account c
		`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, text)
		})
	}
}

// TestAShortageComesInItsTurn: that sources have too little is a matter of balances, and comes after all of existence
// and state, whichever transfers they are about.
func TestAShortageComesInItsTurn(t *testing.T) {
	t.Parallel()
	play(t, `
		move a -> b X all => ledger_not_found
		rule world liability
		rule world:other liability
		rule cash asset
		rule a liability min 0
		rule b liability assets X
		rule full liability max 0
		ledger reject
		move world -> a Z 1 ref used
		move a -> undeclared X all ; cash -> a X all ref used => invalid_field account cash
		move a -> undeclared X all ref used => reference_exists transaction 1
		move a -> undeclared X all ; a -> b Y 1 => account_not_declared account undeclared
		move undeclared -> a X all => account_not_declared account undeclared
		move a , undeclared -> a X 1 => account_not_declared account undeclared
		move a -> b 1/2 , undeclared 1/2 X 1 => insufficient_funds account a       # nothing would come to it
		move a -> b X all ; a -> b Y 1 => asset_not_allowed account b
		move a -> b Y all => asset_not_allowed account b
		move a -> a X all ; world -> world X max ; world -> world X 1 if a X balance eq 1 => precondition_failed account a
		move world -> world X max ; world -> world X 1 ; a -> a X all => amount_out_of_range account world
		move a -> a X all ; world -> full X 1 => insufficient_funds account a available 0 required 1
		move world -> full X 1 ; a -> world X 1 => insufficient_funds account a available 0 required 1
		move world -> full X 1 => balance_limit_exceeded account full
		transactions 1
	`)
}

func TestPreconditions(t *testing.T) {
	t.Parallel()
	play(t, `
		rule cash asset
		ledger allow
		move cash -> a X 100
		move a -> b X 1 if a X balance gte 100 and a X balance lte 100 and a X available eq 100
		move a -> b X 1 if a X balance gte 100 => precondition_failed account a balance 99
		move a -> b X 1 if a X balance lte 98 => precondition_failed account a balance 99
		move a -> b X 1 if a X available eq 100 => precondition_failed account a available 99 pointer /preconditions/0/available/eq
		move a -> b X 1 if cash X balance eq 100 and cash Y balance eq 0 and nobody X balance eq 0 and nobody Z available lte 0
		absent nobody
		move a -> b X 1 if nobody X balance gte 0 and nobody X balance gte 1 => precondition_failed account nobody balance 0 pointer /preconditions/1/balance/gte
		move a -> world X 200
		move world -> a X 1 if a X balance eq -102
		move a -> b X all if b X balance eq 1 => precondition_failed account b balance 2
		move a -> c X 1 ; a -> c X all if a X balance eq -101 => insufficient_funds account a
	`)
}

// transferOf is a transaction of one transfer that every book accepts, changed.
func transferOf(change func(*ledger.Transfer)) ledger.PostTransaction {
	t := ledger.Transfer{
		Asset: "X", Amount: ledger.TransferAmount{Exactly: money.NewAmount(5)},
		From: []ledger.Source{{Account: "a"}}, To: []ledger.Destination{{Account: "b"}},
	}
	change(&t)
	return ledger.PostTransaction{Movement: ledger.Movement{Transfers: []ledger.Transfer{t}}}
}

func TestValidateTransfers(t *testing.T) {
	t.Parallel()
	type (
		transfer = ledger.Transfer
		to       = []ledger.Destination
	)
	one, third := money.NewAmount(1), ledger.Share{Numerator: 1, Denominator: 3}
	share := func(n, d uint64) ledger.Share { return ledger.Share{Numerator: n, Denominator: d} }
	long := func(transfers, sources int) ledger.PostTransaction {
		c := transferOf(func(t *transfer) {
			t.From = nil
			for i := range sources {
				t.From = append(t.From, ledger.Source{Account: "a", UpTo: money.NewAmount(uint64(i) + 1)})
			}
		})
		for len(c.Transfers) < transfers {
			c.Transfers = append(c.Transfers, c.Transfers[0])
		}
		return c
	}
	for _, c := range []struct {
		pointers string // separated by spaces; empty where the command is good
		command  ledger.PostTransaction
	}{
		{"", transferOf(func(*transfer) {})},
		{"/transfers", ledger.PostTransaction{Movement: ledger.Movement{Transfers: []transfer{}}}},
		{"/transfers /entries", func() ledger.PostTransaction { c := payment(1); c.Transfers = long(1, 1).Transfers; return c }()},
		{"", long(1000, 1)},
		{"/transfers", long(1001, 1)},
		{"", long(1, 1999)},
		{"/transfers", long(1, 2000)},
		{"/transfers", long(1000, 2)},

		{"/transfers/0/amount", transferOf(func(t *transfer) { t.Amount = ledger.TransferAmount{} })},
		{"", transferOf(func(t *transfer) { t.Amount = ledger.TransferAmount{All: true} })},
		{"", transferOf(func(t *transfer) { t.Amount = ledger.TransferAmount{UpTo: one} })},
		{"/transfers/0/amount", transferOf(func(t *transfer) { t.Amount.All = true })},
		{"/transfers/0/amount", transferOf(func(t *transfer) { t.Amount.UpTo = one })},
		{"/transfers/0/amount", transferOf(func(t *transfer) { t.Amount = ledger.TransferAmount{All: true, UpTo: one} })},
		{"/transfers/0/asset", transferOf(func(t *transfer) { t.Asset = "" })},

		{"/transfers/0/from", transferOf(func(t *transfer) { t.From = nil })},
		{"/transfers/0/from", transferOf(func(t *transfer) { t.From[0].Account = "" })},
		{"/transfers/0/from/0/account", transferOf(func(t *transfer) { t.From[0] = ledger.Source{UpTo: one} })},
		{"/transfers/0/from/1/account", transferOf(func(t *transfer) { t.From = append(t.From, ledger.Source{}) })},

		{"/transfers/0/to", transferOf(func(t *transfer) { t.To = nil })},
		{"/transfers/0/to", transferOf(func(t *transfer) { t.To[0].Account = "" })},
		{"/transfers/0/to/0/account", transferOf(func(t *transfer) { t.To = to{{Remainder: true}} })},
		{"", transferOf(func(t *transfer) { t.To = to{{Account: "b", Share: third}, {Account: "b", Share: share(2, 3)}} })},
		{"", transferOf(func(t *transfer) { t.To[0].Remainder = true })},
		{"", transferOf(func(t *transfer) { t.To[0].Share = share(3, 3) })},
		{"/transfers/0/to", transferOf(func(t *transfer) { t.To[0].Share = third })},
		{"/transfers/0/to/0/share", transferOf(func(t *transfer) { t.To[0].Share = share(4, 3) })},
		{"/transfers/0/to/0/share", transferOf(func(t *transfer) { t.To[0].Share = share(0, 3) })},
		{"/transfers/0/to/0/share", transferOf(func(t *transfer) { t.To[0].Share = share(1, 0) })},
		{"/transfers/0/to/0/share", transferOf(func(t *transfer) { t.To[0].Share, t.To[0].Remainder = share(1, 1), true })},
		{"/transfers/0/to/1/share", transferOf(func(t *transfer) { t.To = to{{Account: "b", Share: third}, {Account: "c"}} })},
		{"/transfers/0/to", transferOf(func(t *transfer) { t.To = to{{Account: "b", Share: third}, {Account: "c", Share: third}} })},
		{"/transfers/0/to", transferOf(func(t *transfer) { t.To = to{{Account: "b", Share: share(2, 3)}, {Account: "c", Share: share(2, 3)}} })},
		{"/transfers/0/to", transferOf(func(t *transfer) {
			t.To = to{{Account: "b", Share: share(2, 3)}, {Account: "c", Share: share(2, 3)}, {Account: "d", Remainder: true}}
		})},
		{"/transfers/0/to/1/remainder", transferOf(func(t *transfer) { t.To = to{{Account: "b", Remainder: true}, {Account: "c", Remainder: true}} })},
		{"/transfers/0/to", transferOf(func(t *transfer) {
			t.To = to{{Account: "b", Share: share(1<<64-2, 1<<64-1)}, {Account: "c", Share: share(1, 1<<64-2)}}
		})},

		{"/preconditions/0/account /preconditions/0/asset /preconditions/0", func() ledger.PostTransaction {
			c := payment(1)
			c.Preconditions = []ledger.Precondition{{}}
			return c
		}()},
		{"/preconditions", func() ledger.PostTransaction {
			c := payment(1)
			c.Preconditions = make([]ledger.Precondition, 101)
			return c
		}()},
	} {
		var got []string
		if r := (*ledger.Rejection)(nil); errors.As(ledger.Validate(c.command), &r) {
			for _, f := range r.Fields {
				got = append(got, f.Pointer)
			}
		}
		if strings.Join(got, " ") != c.pointers {
			t.Errorf("got %q, want %q: %.200v", got, c.pointers, c.command)
		}
	}
}

// TestManyShares: fractions of very different denominators are added up exactly, and in no time.
func TestManyShares(t *testing.T) {
	t.Parallel()
	c := transferOf(func(t *ledger.Transfer) {
		t.To = []ledger.Destination{{Account: "rest", Remainder: true}}
		for i := range uint64(1998) {
			share := ledger.Share{Numerator: 1 << 52, Denominator: 1<<64 - 1 - 2*i}
			t.To = append(t.To, ledger.Destination{Account: "b", Share: share})
		}
	})
	if err := ledger.Validate(c); err != nil {
		t.Fatal(err)
	}
	c.Transfers[0].To[0] = ledger.Destination{Account: "most", Share: ledger.Share{Numerator: 1<<12 - 1998, Denominator: 1 << 12}}
	if err := ledger.Validate(c); err == nil {
		t.Fatal("the shares are a little more than 1, and accepted")
	}
}

func BenchmarkTransfers(b *testing.B) {
	book := filled(b, 10_000)
	for name, c := range map[string]ledger.PostTransaction{
		"plain": transferOf(func(t *ledger.Transfer) {
			t.Asset, t.From[0].Account, t.To[0].Account = "USD/2", wallet(1), wallet(2)
		}),
		"sweep": transferOf(func(t *ledger.Transfer) {
			t.Asset, t.From[0].Account, t.To[0].Account = "USD/2", wallet(1), wallet(2)
			t.Amount = ledger.TransferAmount{All: true}
		}),
		"sources=100": transferOf(func(t *ledger.Transfer) {
			t.Asset, t.To[0].Account, t.From = "USD/2", wallet(200), nil
			for i := range 100 {
				t.From = append(t.From, ledger.Source{Account: wallet(i)})
			}
			t.Amount = ledger.TransferAmount{All: true}
		}),
	} {
		b.Run(name, func(b *testing.B) {
			c := ledger.Command(c) // boxed once
			b.ReportAllocs()
			for b.Loop() {
				if err := ledger.Validate(c); err != nil {
					b.Fatal(err)
				}
				if _, err := ledger.Decide(book, c, noon); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
