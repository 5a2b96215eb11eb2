package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/internal/client"
)

// bankLine is one line of a real bank statement, with the bank's own balance after it.
type bankLine struct {
	date, debit, credit, balance string
}

// TestDeployedBankStatement sends all lines of a real account in one request, and compares the balance after every line of the
// statement with the bank's.
func TestDeployedBankStatement(t *testing.T) {
	lines := readBank(t, realData(t, filepath.Join("bank", "agribank.csv.gz")))
	inDeployments(t, func(t *testing.T, deploy func(*testing.T) *deployment) { keepAccount(t, deploy(t), lines) })
}

func keepAccount(t *testing.T, d *deployment, lines []bankLine) {
	t.Helper()
	server := d.serve(t)
	if _, err := server.OpenLedger(t.Context(), client.NewLedger{Name: "bank"}, ""); err != nil {
		t.Fatal(err)
	}
	result, err := server.Stream(t.Context(), "bank", bytes.NewReader(commandsOf(t, lines)))
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(len(lines)) + 1; result.Accepted != want || result.Rejected != 0 || result.Revision == nil {
		t.Fatalf("%+v, want %d accepted", result, want)
	}
	query := client.Query{MinRevision: result.Revision, Wait: time.Minute, Asset: "VND", Limit: 1000}
	i := -1 // the opening balance comes before the first line
	for line, err := range server.Statement(t.Context(), "bank", bankAccount, query) {
		if err != nil {
			t.Fatal(err)
		}
		if i >= 0 && line.BalanceAfter != lines[i].balance {
			t.Fatalf("line %d: balance %s, the bank says %s", i+1, line.BalanceAfter, lines[i].balance)
		}
		i++
	}
	if i != len(lines) {
		t.Fatalf("the statement has %d lines, the bank's %d", i, len(lines))
	}
}

const bankAccount = "liabilities:customer"

// commandsOf makes a command of each line, after one that brings in what the account held before the first.
func commandsOf(t *testing.T, lines []bankLine) []byte {
	t.Helper()
	opening := integer(t, lines[0].balance)
	if lines[0].credit != "" {
		opening.Sub(opening, integer(t, lines[0].credit))
	} else {
		opening.Add(opening, integer(t, lines[0].debit))
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	post := func(date, from, to, amount, reference string) {
		data, err := json.Marshal(client.NewTransaction{
			Transfers:   []client.Transfer{{From: from, To: to, Asset: "VND", Amount: amount}},
			EffectiveAt: date, Reference: reference,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := encoder.Encode(client.Command{Type: client.PostTransaction, Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	post(lines[0].date, "equity:opening", bankAccount, opening.String(), "opening")
	for i, line := range lines {
		reference := fmt.Sprintf("line-%d", i+1)
		if line.credit != "" {
			post(line.date, "assets:clearing", bankAccount, line.credit, reference)
		} else {
			post(line.date, bankAccount, "assets:clearing", line.debit, reference)
		}
	}
	return out.Bytes()
}

func readBank(t *testing.T, path string) []bankLine {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []bankLine
	for _, row := range rows[1:] { // row, date, time, debit, credit, balance, repaired
		lines = append(lines, bankLine{date: row[1], debit: row[3], credit: row[4], balance: row[5]})
	}
	return lines
}
