package main

import (
	"encoding/csv"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
)

// TestDeployedRealBooks imports each journal twice and compares every balance, today's and those of every month end, with what
// hledger says.
func TestDeployedRealBooks(t *testing.T) {
	data := realData(t, "journals")
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) { keepBooks(t, deploy(t), data) })
}

func keepBooks(t *testing.T, d *deployment, data string) {
	t.Helper()
	server := d.serve(t)
	for name, flags := range map[string][]string{"hackclub": nil, "overview": nil, "standard": {"--real"}} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"import", "--server", server.BaseURL, "--ledger", name, filepath.Join(data, name+".journal")}, flags...)
			n, there, revision := importLine(t, mustCommand(t, args...))
			if n == 0 || there != 0 {
				t.Fatalf("the first import posted %d and found %d", n, there)
			}
			compareBalances(t, server.Client, name, filepath.Join(data, name+".balances.csv"))
			compareMonthEnds(t, server.Client, name, filepath.Join(data, name+".month-ends.csv"))

			again, found, unmoved := importLine(t, mustCommand(t, args...))
			if again != 0 || found != n || unmoved != revision {
				t.Fatalf("the second import posted %d, found %d of %d, and the revision went from %d to %d", again, found, n, revision, unmoved)
			}
			compareBalances(t, server.Client, name, filepath.Join(data, name+".balances.csv"))
		})
	}
}

var imported = regexp.MustCompile(`(?m)^imported (\d+) transactions \((\d+) already there\), revision (\d+)\n\z`)

func importLine(t *testing.T, out string) (n, there, revision int) {
	t.Helper()
	match := imported.FindString(out)
	if _, err := fmt.Sscanf(match, "imported %d transactions (%d already there), revision %d", &n, &there, &revision); err != nil {
		t.Fatalf("the import ends with %q: %v", out, err)
	}
	return n, there, revision
}

func compareBalances(t *testing.T, c *client.Client, ledger, oracle string) {
	t.Helper()
	want := holdings{}
	for _, row := range readCSV(t, oracle)[1:] {
		want.add(t, row[0], row[1])
	}
	want.compare(t, "today", balancesAt(t, c, ledger, ""))
}

func compareMonthEnds(t *testing.T, c *client.Client, ledger, oracle string) {
	t.Helper()
	rows := readCSV(t, oracle)
	for column, month := range rows[0][1:] {
		first, err := time.Parse("2006-01", month)
		if err != nil {
			t.Fatal(err)
		}
		want := holdings{}
		for _, row := range rows[1:] {
			want.add(t, row[0], row[column+1])
		}
		want.compare(t, month, balancesAt(t, c, ledger, first.AddDate(0, 1, -1).Format(time.DateOnly)))
	}
}

// holdings are exact amounts, debits less credits, by account and commodity.
type holdings map[string]*big.Rat

// add reads a cell as hledger prints it: "$-5.00", "1 GGGGG, 2.50 USD", or "0".
func (h holdings) add(t *testing.T, account, cell string) {
	t.Helper()
	for part := range strings.SplitSeq(cell, ", ") {
		if part == "0" || part == "" {
			continue
		}
		number, code, found := strings.Cut(part, " ")
		if !found {
			number, code = strings.Replace(part, "$", "", 1), "USD"
		}
		amount, ok := new(big.Rat).SetString(number)
		if !ok {
			t.Fatalf("the oracle has the amount %q", part)
		}
		h[account+" in "+code] = amount
	}
}

func (h holdings) compare(t *testing.T, when string, got holdings) {
	t.Helper()
	for key, amount := range h {
		if amount.Sign() != 0 && (got[key] == nil || got[key].Cmp(amount) != 0) {
			t.Errorf("%s: %s is %v, hledger says %s", when, key, got[key], amount.RatString())
		}
	}
	for key, amount := range got {
		if h[key] == nil && amount.Sign() != 0 {
			t.Errorf("%s: %s is %s, hledger has none", when, key, amount.RatString())
		}
	}
}

func balancesAt(t *testing.T, c *client.Client, ledger, date string) holdings {
	t.Helper()
	answer, err := c.Balances(t.Context(), ledger, client.Query{At: date})
	if err != nil {
		t.Fatal(err)
	}
	got := holdings{}
	for _, row := range answer.Balances {
		if row.Account == "equity:conversion" {
			continue
		}
		code, scale, _ := strings.Cut(row.Asset, "/")
		var places int64
		if scale != "" {
			if _, err := fmt.Sscan(scale, &places); err != nil {
				t.Fatal(err)
			}
		}
		units := new(big.Int).Sub(integer(t, row.Debits), integer(t, row.Credits))
		got[row.Account+" in "+code] = new(big.Rat).SetFrac(units, new(big.Int).Exp(big.NewInt(10), big.NewInt(places), nil))
	}
	return got
}

func integer(t *testing.T, text string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		t.Fatalf("%q is no whole number", text)
	}
	return n
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
