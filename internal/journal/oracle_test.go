package journal_test

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/journal"
)

// oracles has real journals beside what hledger says of them. It is not part of the project.
const oracles = "../../../shared/data/journals"

// totals are balances, debits less credits, as "123.45", by account and commodity as hledger names it.
type totals map[string]map[string]*big.Rat

func TestRealJournalsAgreeWithHledger(t *testing.T) {
	for _, c := range []struct {
		name    string
		options journal.Options
	}{
		{"hackclub", journal.Options{}},
		{"overview", journal.Options{}},
		{"standard", journal.Options{Real: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base := filepath.Join(oracles, c.name)
			if _, err := os.Stat(base + ".journal"); errors.Is(err, fs.ErrNotExist) {
				t.Skipf("the real journals are not here: %v", err)
			}
			parsed, err := journal.ParseFile(base+".journal", c.options)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d transactions, %d passed over", len(parsed.Transactions), parsed.PassedOver)
			compareColumns(t, base+".balances.csv", parsed)
			compareColumns(t, base+".month-ends.csv", parsed)
		})
	}
}

// compareColumns holds each column of an oracle ("balance", or a month) against the transactions up to then.
func compareColumns(t *testing.T, path string, parsed *journal.Journal) {
	t.Helper()
	rows := readCSV(t, path)
	for column := 1; column < len(rows[0]); column++ {
		head := rows[0][column]
		got := fold(parsed, head)
		want := totals{}
		for _, row := range rows[1:] {
			want[row[0]] = parseMixed(t, row[column])
		}
		for account := range want {
			compareAccount(t, head, account, got[account], want[account])
			delete(got, account)
		}
		for account, left := range got {
			compareAccount(t, head, account, left, nil)
		}
	}
}

func compareAccount(t *testing.T, head, account string, got, want map[string]*big.Rat) {
	t.Helper()
	for commodity, amount := range got {
		wanted, found := want[commodity]
		if !found {
			wanted = new(big.Rat)
		}
		if amount.Cmp(wanted) != 0 {
			t.Errorf("%s %s: %s %s, hledger says %s", head, account, amount.FloatString(6), commodity, wanted.FloatString(6))
		}
	}
	for commodity, wanted := range want {
		if _, found := got[commodity]; !found && wanted.Sign() != 0 {
			t.Errorf("%s %s: nothing in %s, hledger says %s", head, account, commodity, wanted.FloatString(6))
		}
	}
}

// fold sums the transactions up to the end of a month, or all of them where head is not a month.
func fold(parsed *journal.Journal, head string) totals {
	sums := totals{}
	end, err := time.Parse("2006-01", head)
	for _, transaction := range parsed.Transactions {
		if err == nil && !transaction.Date.Before(end.AddDate(0, 1, 0)) {
			continue
		}
		for _, entry := range transaction.Entries {
			if entry.Account == journal.ConversionAccount {
				continue
			}
			code, scale, _ := strings.Cut(entry.Asset, "/")
			if sums[entry.Account] == nil {
				sums[entry.Account] = map[string]*big.Rat{}
			}
			if sums[entry.Account][code] == nil {
				sums[entry.Account][code] = new(big.Rat)
			}
			places, _ := new(big.Int).SetString("0"+scale, 10)
			unit := new(big.Int).Exp(big.NewInt(10), places, nil)
			sum := sums[entry.Account][code]
			sum.Add(sum, new(big.Rat).SetFrac(entry.Amount, unit))
		}
	}
	return sums
}

// parseMixed reads hledger's "$-12.30, 4.5 AAPL" or "0".
func parseMixed(t *testing.T, text string) map[string]*big.Rat {
	t.Helper()
	amounts := map[string]*big.Rat{}
	if text == "0" {
		return amounts
	}
	for one := range strings.SplitSeq(text, ", ") {
		commodity := "USD"
		number, isDollar := strings.CutPrefix(one, "$")
		if !isDollar {
			number, commodity, _ = strings.Cut(one, " ")
		}
		amount, ok := new(big.Rat).SetString(number)
		if !ok {
			t.Fatalf("the oracle's amount %q is not understood", one)
		}
		amounts[commodity] = amount
	}
	return amounts
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
