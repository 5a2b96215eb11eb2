package journal_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/internal/journal"
)

// show writes transactions a line a part: "2024-01-01 #1 rent {code=7} | assets:cash -10 USD/2 | …".
func show(parsed *journal.Journal) string {
	var b strings.Builder
	for _, transaction := range parsed.Transactions {
		fmt.Fprintf(&b, "%s #%d", transaction.Date.Format("2006-01-02"), transaction.Index)
		if transaction.Part > 1 {
			fmt.Fprintf(&b, ".%d", transaction.Part)
		}
		if transaction.Description != "" {
			fmt.Fprintf(&b, " %s", transaction.Description)
		}
		if len(transaction.Metadata) > 0 {
			var pairs []string
			for _, key := range slices.Sorted(maps.Keys(transaction.Metadata)) {
				pairs = append(pairs, key+"="+transaction.Metadata[key])
			}
			fmt.Fprintf(&b, " {%s}", strings.Join(pairs, ", "))
		}
		for _, entry := range transaction.Entries {
			fmt.Fprintf(&b, " | %s %s %s", entry.Account, entry.Amount, entry.Asset)
		}
		b.WriteString("\n")
	}
	if parsed.PassedOver > 0 {
		fmt.Fprintf(&b, "passed over: %d\n", parsed.PassedOver)
	}
	return b.String()
}

// check holds a journal, given as lines, against what is made of it: transactions, or errors.
func check(t *testing.T, options journal.Options, input, want string) {
	t.Helper()
	text := strings.TrimPrefix(input, "\n")
	parsed, err := journal.Parse("books", strings.NewReader(text), options)
	var got string
	if err != nil {
		got = err.Error() + "\n"
	} else {
		got = show(parsed)
		balances(t, parsed)
	}
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("journal:\n%s\ngot:\n%s\nwant:\n%s", text, got, want)
	}
}

// balances checks what every journal that is accepted promises.
func balances(t *testing.T, parsed *journal.Journal) {
	t.Helper()
	for _, transaction := range parsed.Transactions {
		sums := map[string]*big.Int{}
		for _, entry := range transaction.Entries {
			if entry.Amount.Sign() == 0 {
				t.Errorf("%s:%d: an entry is zero", transaction.File, entry.Line)
			}
			if sums[entry.Asset] == nil {
				sums[entry.Asset] = new(big.Int)
			}
			sums[entry.Asset].Add(sums[entry.Asset], entry.Amount)
		}
		for asset, sum := range sums {
			if sum.Sign() != 0 {
				t.Errorf("%s:%d: the entries in %s sum to %s", transaction.File, transaction.Line, asset, sum)
			}
		}
		if len(sums) == 0 {
			t.Errorf("%s:%d: no entries", transaction.File, transaction.Line)
		}
	}
}

func TestTransactions(t *testing.T) {
	for _, c := range []struct{ name, input, want string }{
		{"dates, status, code, description", `
2024-01-02 * (42) Baker | bread  ; shop: corner, paid: card
    expenses:food  1.50 EUR
    assets:cash
2024/1/3 ! Miller
    expenses:food  2 EUR  ; receipt: r-1
    ; receipt: r-2
    assets:cash

2024.01.04=2024.01.06 two dates
    expenses:food  1 EUR
    assets:cash
Y2023
12/31
    expenses:food  1 EUR
    assets:cash
`, `
2024-01-02 #1 Baker | bread {code=42, paid=card, shop=corner, status=cleared} | expenses:food 150 EUR/2 | assets:cash -150 EUR/2
2024-01-03 #2 Miller {receipt=r-1, receipt-2=r-2, status=pending} | expenses:food 200 EUR/2 | assets:cash -200 EUR/2
2024-01-04 #3 two dates {date2=2024-01-06} | expenses:food 100 EUR/2 | assets:cash -100 EUR/2
2023-12-31 #4 | expenses:food 100 EUR/2 | assets:cash -100 EUR/2
`},
		{"amounts in all their forms", `
2024-01-01
    a  $-5.00
    a  -$5
    a  - $ 5
    a  $1,234.56
    a  $+.5
    a  $5.
    a  $1E1
    a  1.234,50 EUR
    a  EUR 7,5
    a  12,345,678 "Gold oz."
    a  1 000 000 JPY
    b
`, `
2024-01-01 #1 | a -500 USD/2 | a -500 USD/2 | a -500 USD/2 | a 123456 USD/2 | a 50 USD/2 | a 500 USD/2 | a 1000 USD/2 | a 123450 EUR/2 | a 750 EUR/2 | a 12345678 Gold_20oz. | a 1000000 JPY | b -123506 USD/2 | b -124200 EUR/2 | b -12345678 Gold_20oz. | b -1000000 JPY
`},
		{"quoted commodities", `
2024-01-01
    a  3 "Gold 1oz"
    a  "BRK.B" 1.50
    a  2 Zł
    b
`, `
2024-01-01 #1 | a 3 Gold_201oz | a 150 BRK.B/2 | a 2 Z_C5_82 | b -3 Gold_201oz | b -150 BRK.B/2 | b -2 Z_C5_82
`},
		{"declared notation", `
commodity 1.000,00 EUR
commodity "Fund A"
    format 1.000, "Fund A"
D $1,000.00
decimal-mark ,
2024-01-01
    a  1.234 EUR
    a  1.234 "Fund A"
    a  1.234
    b
`, `
2024-01-01 #1 | a 1234 EUR | a 1234 Fund_20A | a 1234 USD | b -1234 EUR | b -1234 Fund_20A | b -1234 USD
`},
		{"costs", `
2024-01-01 for each unit
    assets:shares  3 ACME @ $33.333
    assets:cash   $-100.00
2024-01-02 in total
    assets:shares  -1 ACME @@ 40 $
    assets:cash
2024-01-03 no cost
    assets:shares  10 EUR
    assets:cash   $-12.00
`, `
2024-01-01 #1 for each unit | assets:shares 3 ACME | assets:cash -10000 USD/2 | equity:conversion -3 ACME | equity:conversion 10000 USD/2
2024-01-02 #2 in total | assets:shares -1 ACME | assets:cash 4000 USD/2 | equity:conversion 1 ACME | equity:conversion -4000 USD/2
2024-01-03 #3 no cost | assets:shares 10 EUR | assets:cash -1200 USD/2 | equity:conversion -10 EUR | equity:conversion 1200 USD/2
`},
		{"only costs are in the commodity", `
2024-01-01
    a  3 ACME @ $1.10
    b
`, `
2024-01-01 #1 | a 3 ACME | b -330 USD/2 | equity:conversion -3 ACME | equity:conversion 330 USD/2
`},
		{"an elided amount in several commodities", `
2024-01-01
    a  1 EUR
    a  2 USD
    a  -1 EUR
    a  5 CHF
    b
`, `
2024-01-01 #1 | a 1 EUR | a 2 USD | a -1 EUR | a 5 CHF | b -2 USD | b -5 CHF
`},
		{"postings in brackets", `
2024-01-01
    assets:cash        -10 EUR
    [budget:food]      -10 EUR
    expenses:food
    [budget:available]
`, `
2024-01-01 #1 | assets:cash -10 EUR | budget:food -10 EUR | expenses:food 10 EUR | budget:available 10 EUR
`},
		{"postings with dates of their own", `
2024-01-31 transfer
    assets:bank    10 EUR  ; cleared, date: 2024-02-02
    ; date: 2024-02-09
    assets:wallet  -10 EUR
    a  1 USD  ; [2024-02-02]
    b  -1 USD  ; [02/02=02/03]
`, `
2024-01-31 #1 transfer {date2=2024-02-03} | assets:wallet -10 EUR | equity:conversion 10 EUR
2024-02-02 #1.2 transfer {date2=2024-02-03} | assets:bank 10 EUR | a 1 USD | b -1 USD | equity:conversion -10 EUR
`},
		{"zeros", `
2024-01-01 opening
    a  0.00 EUR = 0 EUR
    b  0
2024-01-02 x
    a  1 EUR
    b  -1 EUR
    c  0
`, `
2024-01-02 #2 x | a 100 EUR/2 | b -100 EUR/2
passed over: 1
`},
		{"balance assertions run in order of date", `
2024-02-01
    a   1 EUR = 3 EUR
    b  -1 EUR
2024-01-01
    a   2 EUR = 2 EUR
    b  -2 EUR == -2 EUR
2024-03-01
    a:sub  4 EUR
    a   1 USD =* 7 EUR
    b  -4 EUR
    b  -1 USD ==* -1.00 USD
`, `
books:11: the balance of b is asserted to be -1.00 USD and nothing else, and there is -7 EUR
`},
		{"balance assignments", `
2024-01-01
    a   10 EUR
    b
2024-01-02
    a   = 12 EUR
    b
2024-01-03
    a   1 USD
    b  -1 USD
2024-01-04
    a   == 2 EUR
    b
`, `
2024-01-01 #1 | a 10 EUR | b -10 EUR
2024-01-02 #2 | a 2 EUR | b -2 EUR
2024-01-03 #3 | a 1 USD | b -1 USD
2024-01-04 #4 | a -10 EUR | a -1 USD | b 10 EUR | b 1 USD
`},
		{"aliases and parents", `
alias cash = assets:cash
alias assets = property
apply account firm
2024-01-01
    cash:box  1 EUR
    b
end apply account
2024-01-01
    cash:box  1 EUR
    cashier
end aliases
2024-01-01
    cash  1 EUR
    b
`, `
2024-01-01 #1 | firm:cash:box 1 EUR | firm:b -1 EUR
2024-01-01 #2 | assets:cash:box 1 EUR | cashier -1 EUR
2024-01-01 #3 | cash 1 EUR | b -1 EUR
`},
		{"a file from elsewhere: a byte order mark, returns, tabs", "\ufeff2024-01-01 x\r\n\ta\t1 EUR\r\n\tb\r\n\r\n", `
2024-01-01 #1 x | a 1 EUR | b -1 EUR
`},
		{"comments, and directives that move nothing", `
; a comment
# another
* and one of org mode
comment
2024-01-01 not there
end comment
account assets:cash  ; type: A
    ; more of it
    note what it is
payee Baker
tag shop
P 2024-01-01 12:00:00 EUR $1.10
N $
2024-01-01
    ; a comment
    * a   1 EUR  ; "quotes; and all
    b
`, `
2024-01-01 #1 | a 1 EUR | b -1 EUR
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			check(t, journal.Options{}, c.input, c.want)
		})
	}
}
