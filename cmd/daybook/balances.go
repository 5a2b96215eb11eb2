package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// balancesCmd is `daybook balances`: the balances of a ledger's accounts, now or at a date.
type balancesCmd struct {
	remote

	At      string `placeholder:"DATE" help:"Count what is effective at this date or time, or before; a date is counted to its end."`
	Output  string `default:"table" enum:"table,csv,json" help:"Form of the output: table, csv (exact decimals) or json (the server's answer, in smallest units)."`
	Account string `arg:"" optional:"" name:"account-pattern" help:"Accounts to show, such as assets:** or users:*:wallet."`
}

// Run asks the server and prints what it answers.
func (c *balancesCmd) Run(ctx context.Context, io *streams) error {
	var raw json.RawMessage
	err := c.client().Get(ctx, "/ledgers/"+url.PathEscape(c.Ledger)+"/balances", client.Query{At: c.At, Account: c.Account}, &raw)
	if err != nil {
		return fmt.Errorf("ask for the balances of ledger %q: %w", c.Ledger, err)
	}
	if c.Output == "json" {
		_, err := fmt.Fprintf(io.out, "%s\n", raw)
		return err
	}
	var answer wire.Balances
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("read the balances of ledger %q: %w", c.Ledger, err)
	}
	rows := make([]balanceRow, len(answer.Balances))
	for i, row := range answer.Balances {
		if rows[i], err = readBalance(row); err != nil {
			return fmt.Errorf("read the balance of %q: %w", row.Account, err)
		}
	}
	if c.Output == "csv" {
		return writeBalancesCSV(io.out, rows)
	}
	return writeBalancesTable(io.out, rows)
}

// balanceRow is a balance in decimals rather than in smallest units.
type balanceRow struct {
	account                  string
	asset                    money.Asset
	debits, credits, balance string
	debit, credit            money.Amount
	// side is where the balance is: more than 0 where it is debits less credits, less than 0 where it is credits less
	// debits, 0 where it is nothing.
	side int
}

func readBalance(row wire.BalanceRow) (r balanceRow, err error) {
	r.account = row.Account
	if r.asset, err = money.ParseAsset(row.Asset); err != nil {
		return r, err
	}
	if r.debit, err = money.ParseAmount(row.Debits); err != nil {
		return r, err
	}
	if r.credit, err = money.ParseAmount(row.Credits); err != nil {
		return r, err
	}
	balance, err := money.ParseSigned(row.Balance)
	r.debits, r.credits = money.Format(r.asset, r.debit), money.Format(r.asset, r.credit)
	r.balance = money.FormatSigned(r.asset, balance)
	switch balance {
	case money.Signed{}:
	case money.Diff(r.debit, r.credit):
		r.side = 1
	default:
		r.side = -1
	}
	return r, err
}

// writeBalancesCSV writes account, asset, debits, credits and balance; the balance is on the account's normal side.
func writeBalancesCSV(out io.Writer, rows []balanceRow) error {
	w := csv.NewWriter(out)
	_ = w.Write([]string{"account", "asset", "debits", "credits", "balance"}) // the error stays, and Error tells it
	for _, r := range rows {
		_ = w.Write([]string{r.account, string(r.asset), r.debits, r.credits, r.balance})
	}
	w.Flush()
	return w.Error()
}

// writeBalancesTable aligns the rows, and sums the debits and the credits of each asset: over a whole ledger they are
// equal.
func writeBalancesTable(out io.Writer, rows []balanceRow) error {
	table := [][]string{{"ACCOUNT", "DEBITS", "CREDITS", "BALANCE", "ASSET"}}
	for _, r := range rows {
		table = append(table, []string{r.account, r.debits, r.credits, r.balance, r.asset.Code()})
	}
	for _, t := range totalsOf(rows) {
		table = append(table, []string{"total", t.debits, t.credits, t.balance, t.asset.Code()})
	}
	widths := make([]int, len(table[0]))
	for _, line := range table {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, line := range table {
		for i, cell := range line {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			switch i {
			case 0:
				b.WriteString(cell + space)
			case len(line) - 1:
				b.WriteString("  " + cell)
			default:
				b.WriteString("  " + space + cell)
			}
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// totalsOf sums the rows of each asset, in the order in which assets appear. Where all rows have their balance on the
// credit side, so has the sum, as the server has it; else it is debits less credits. A sum that passes 128 bits is not
// shown.
func totalsOf(rows []balanceRow) []balanceRow {
	var totals []balanceRow
	index := map[money.Asset]int{}
	tooLarge, debits := map[money.Asset]bool{}, map[money.Asset]bool{}
	for _, r := range rows {
		i, known := index[r.asset]
		if !known {
			i = len(totals)
			index[r.asset] = i
			totals = append(totals, balanceRow{asset: r.asset})
		}
		var fits, fitsToo bool
		totals[i].debit, fits = totals[i].debit.Add(r.debit)
		totals[i].credit, fitsToo = totals[i].credit.Add(r.credit)
		tooLarge[r.asset] = tooLarge[r.asset] || !fits || !fitsToo
		debits[r.asset] = debits[r.asset] || r.side > 0
	}
	for i := range totals {
		t := &totals[i]
		if tooLarge[t.asset] {
			t.debits, t.credits, t.balance = "?", "?", "?"
			continue
		}
		t.debits, t.credits = money.Format(t.asset, t.debit), money.Format(t.asset, t.credit)
		if debits[t.asset] {
			t.balance = money.FormatSigned(t.asset, money.Diff(t.debit, t.credit))
		} else {
			t.balance = money.FormatSigned(t.asset, money.Diff(t.credit, t.debit))
		}
	}
	return totals
}
