package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/daybook-ledger/daybook/internal/client"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// shop is a server of its own for a test, and the command line beside it.
type shop struct {
	t      *testing.T
	server string
	client *client.Client
}

// openShop boots the real program on a free port; it stops with the test.
func openShop(t *testing.T) *shop {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		args := []string{"serve", "--dev", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--log-level", "error"}
		code := daybook(ctx, args, nil, &streams{in: strings.NewReader(""), out: writer, err: &log})
		_ = writer.CloseWithError(fmt.Errorf("the server ended with code %d", code))
		ended <- code
	}()
	t.Cleanup(func() {
		asDescribed(t)
		stop()
		if code := <-ended; code != 0 {
			t.Errorf("the server ended with code %d:\n%s", code, log.String())
		}
	})
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not start: %v", err)
	}
	server := strings.TrimSpace(strings.TrimPrefix(line, "daybook: listening on "))
	return &shop{t: t, server: server, client: &client.Client{BaseURL: server}}
}

// run gives what a command line writes, on standard output and on standard error, and its exit code.
func (s *shop) run(input string, args ...string) (out, errs string, code int) {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	args = append(args, "--server", s.server)
	code = daybook(s.t.Context(), args, nil, &streams{in: strings.NewReader(input), out: &stdout, err: &stderr})
	return stdout.String(), stderr.String(), code
}

// must is run for a command that succeeds and writes nothing on standard error.
func (s *shop) must(input string, args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(input, args...)
	if code != 0 || errs != "" {
		s.t.Fatalf("daybook %s: exit code %d:\n%s", strings.Join(args, " "), code, errs)
	}
	return out
}

// refused is run for a command that fails; it gives standard error.
func (s *shop) refused(input string, args ...string) string {
	s.t.Helper()
	out, errs, code := s.run(input, args...)
	if code != 1 {
		s.t.Fatalf("daybook %s: exit code %d, want 1; it wrote:\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return errs
}

func equal(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

const shopBalances = `account,asset,debits,credits,balance
assets:abroad,EUR/2,100.00,0.00,100.00
assets:bank,USD/2,5000.00,1556.00,3444.00
assets:stock,Tea_20boxes,12,0,12
budget:rent,USD/2,0.00,1200.00,1200.00
budget:spent,USD/2,1200.00,0.00,-1200.00
equity:capital,USD/2,0.00,5000.00,5000.00
equity:conversion,EUR/2,0.00,100.00,100.00
equity:conversion,Tea_20boxes,0,12,12
equity:conversion,USD/2,356.00,0.00,-356.00
expenses:rent,USD/2,1200.00,0.00,1200.00
`

func TestImportAndBalances(t *testing.T) {
	s := openShop(t)
	file := filepath.Join("testdata", "shop.journal")
	equal(t, "the first import", s.must("", "import", "--ledger", "shop", file),
		"created ledger shop (template general)\nimported 5 transactions (0 already there), revision 13\n")
	equal(t, "the second import", s.must("", "import", "--ledger", "shop", file),
		"imported 0 transactions (5 already there), revision 13\n")
	equal(t, "balances", s.must("", "balances", "--ledger", "shop", "--output", "csv"), shopBalances)
	equal(t, "balances at a date", s.must("", "balances", "--ledger", "shop", "--output", "csv", "--at", "2024-02-01", "assets:**"),
		"account,asset,debits,credits,balance\nassets:bank,USD/2,5000.00,356.00,4644.00\nassets:stock,Tea_20boxes,12,0,12\n")
	equal(t, "the table", s.must("", "balances", "--ledger", "shop", "assets:*"), ""+
		"ACCOUNT         DEBITS  CREDITS  BALANCE  ASSET\n"+
		"assets:abroad   100.00     0.00   100.00  EUR\n"+
		"assets:bank    5000.00  1556.00  3444.00  USD\n"+
		"assets:stock        12        0       12  Tea_20boxes\n"+
		"total           100.00     0.00   100.00  EUR\n"+
		"total          5000.00  1556.00  3444.00  USD\n"+
		"total               12        0       12  Tea_20boxes\n")
	equal(t, "json", s.must("", "balances", "--ledger", "shop", "--output", "json", "assets:stock"),
		`{"balances":[{"account":"assets:stock","asset":"Tea_20boxes","debits":"12","credits":"0","balance":"12"}],"revision":13}`+"\n")
	contains(t, s.refused("", "balances", "--ledger", "nowhere"), "ledger_not_found")

	var first wire.Transaction
	for transaction, err := range s.client.Transactions(t.Context(), "shop", client.Query{Reference: "shop.journal#1"}) {
		if err != nil {
			t.Fatal(err)
		}
		first = transaction
	}
	equal(t, "the first transaction", fmt.Sprintln(first.ID, first.EffectiveAt, first.Description, first.Metadata),
		"1 2024-01-01 00:00:00 +0000 UTC Opening | capital map[code:1 owner:Ada status:cleared]\n")
}

// TestImportWritesNothingWhenAnythingIsWrong: not even the ledger.
func TestImportWritesNothingWhenAnythingIsWrong(t *testing.T) {
	s := openShop(t)
	good := "2024-01-01 x\n  a  1 EUR\n  b\n"
	post := `{"type":"post_transaction","data":{"entries":[{"account":"a","asset":"X","debit":"1"},{"account":"b","asset":"X","credit":"1"}]}}` + "\n"
	for _, c := range []struct {
		input string
		want  []string
	}{
		{good + "\n2024-01-02 y\n  a  1 EUR\n  b  1 EUR\n\nwhat\n", []string{"standard input:5: the real postings do not balance", "standard input:9: "}},
		{good + "include x\n", []string{"standard input:4: include works in files"}},
		{good + "\n2024-01-02 " + strings.Repeat("y", 5000) + "\n  a  1 EUR\n  b\n", []string{"standard input:5: ", "/description"}},
		{post + `{"type":"post_transaction","data":{"entries":[]}}` + "\n{\n", []string{"standard input:2: ", "standard input:3: "}},
		{post + `{"type":"close_accounts","data":{}}`, []string{`standard input:2: invalid_field: /type: want one of capture_hold, `, "In a file also close_account, "}},
		{post + `{"type":"close_account","data":{"reason":"x"}}`, []string{`standard input:2: the data have no "address"`}},
		{post + `{"type":"place_hold","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":{"up_to":"x"}}]}}`, []string{"standard input:2: ", "/data/transfers/0/amount/up_to"}},
		{post + `{"type":"open_ledger","data":{}}`, []string{"standard input:2: the opening of the ledger stands in the first line"}},
		{`{"type":"open_ledger","data":{"charts":{}}}`, []string{"standard input:1: ", "charts"}},
		{post + `{"type":"post_transaction","data":{},"more":1}`, []string{"standard input:2: ", "more"}},
		{post + strings.Replace(post, `"credit":"1"`, `"credit":"2"`, 1), []string{"standard input:2: unbalanced_transaction"}},
		{post + strings.Replace(post, `"credit":"1"`, `"credit":"1","debit":"1"`, 1), []string{"standard input:2: ", "want a debit or a credit, and not both"}},
		{post + strings.Replace(post, `"entries"`, `"effective_at":"soon","entries"`, 1), []string{"standard input:2: ", "/data/effective_at: want a time"}},
	} {
		contains(t, s.refused(c.input, "import", "--ledger", "main", "-"), append(c.want, "nothing was imported")...)
	}
	if _, err := s.client.Ledger(t.Context(), "main", client.Query{}); !client.IsCode(err, "ledger_not_found") {
		t.Errorf("the ledger: %v, want ledger_not_found", err)
	}
}

func TestImportRefusesAnotherTransactionUnderTheSameReference(t *testing.T) {
	s := openShop(t)
	file := filepath.Join(t.TempDir(), "books.journal")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("2024-01-01 x\n  a  1 EUR\n  b\n\n2024-01-02 y\n  a  2 EUR\n  b\n")
	s.must("", "import", "--ledger", "main", file)
	write("2024-01-01 x\n  a  1 EUR\n  b\n\n2024-01-02 y\n  a  3 EUR\n  b\n")
	contains(t, s.refused("", "import", "--ledger", "main", file),
		file+":5: the reference books.journal#2 is taken by transaction 2",
		"here:  2024-01-02T00:00:00Z a 3 EUR, b -3 EUR", "there: 2024-01-02T00:00:00Z a 2 EUR, b -2 EUR")
	write("2024-01-01 x\n  a  1 EUR\n  b\n\n2024-01-03 y\n  a  2 EUR\n  b\n")
	contains(t, s.refused("", "import", "--ledger", "main", file), "here:  2024-01-03T00:00:00Z")
	write("2024-01-01 x\n  a  1 EUR\n  b\n\n2024-01-02 y\n  a  2 EUR\n  b\n\n2024-01-03 z\n  a  2 EUR\n  b\n")
	equal(t, "the longer file", s.must("", "import", "--ledger", "main", file),
		"imported 1 transactions (2 already there), revision 5\n")
}

// TestImportOfOtherCommandsUnderTheSameReference: what a line says by itself is compared, and what that comes to only the
// server knows is not.
func TestImportOfOtherCommandsUnderTheSameReference(t *testing.T) {
	s := openShop(t)
	file := filepath.Join(t.TempDir(), "l.ndjson")
	lines := func(amount, held, swept string) string {
		text := `{"type":"post_transaction","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":` + amount + `}]}}
{"type":"place_hold","data":{"transfers":[{"from":"b","to":"c","asset":"X","amount":` + held + `}],"reference":"h"}}
{"type":"post_transaction","data":{"transfers":[{"from":"b","to":"c","asset":"X","amount":{"up_to":` + swept + `}}]}}
{"type":"capture_hold","data":{"id":1,"amount":"1"}}
{"type":"set_account_metadata","data":{"address":"a","metadata":{"swept":"` + swept + `"}}}
`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	contains(t, s.must("", "import", "--ledger", "l", lines("10", "3", "2")), "imported 3 transactions (0 already there), revision 9")
	equal(t, "the same", s.must("", "import", "--ledger", "l", file), "imported 0 transactions (3 already there), revision 9\n")
	contains(t, s.refused("", "import", "--ledger", "l", lines("11", "3", "2")), file+":1: the reference l.ndjson#1 is taken by transaction 1",
		"here:  no time a 11 X, b -11 X", "there: ", "a 10 X, b -10 X")
	contains(t, s.refused("", "import", "--ledger", "l", lines("10", "4", "2")), file+":2: the reference h is taken by hold 1")
	contains(t, s.refused("", "import", "--ledger", "l", lines("10", "3", "4")), file+":5: the server refuses it: 422 idempotency_key_reused")
}

func TestImportOfNothing(t *testing.T) {
	s := openShop(t)
	equal(t, "an empty journal", s.must("; nothing\n", "import", "--ledger", "main", "-"),
		"created ledger main (template general)\nimported 0 transactions (0 already there), revision 0\n")
	contains(t, s.refused("", "import", "--ledger", "main", filepath.Join(t.TempDir(), "absent")), "no such file")
	long := filepath.Join(t.TempDir(), strings.Repeat("n", 248)+".ndjson")
	line := `{"type":"post_transaction","data":{"transfers":[{"from":"a","to":"b","asset":"X","amount":1}]}}`
	if err := os.WriteFile(long, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	contains(t, s.refused("", "import", "--ledger", "main", long), "nothing was imported", "/reference: want at most 255 bytes")
}

// TestImportInManyRequests: more transactions than go into one request arrive in order.
func TestImportInManyRequests(t *testing.T) {
	s := openShop(t)
	var text strings.Builder
	const count = 2*maxCommandsSent + 1
	for i := range count {
		fmt.Fprintf(&text, "2024-01-01 n%d\n  a  1 EUR = %d EUR\n  b\n\n", i, i+1)
	}
	want := fmt.Sprintf("imported %d transactions (0 already there), revision %d\n", count, count+2)
	contains(t, s.must(text.String(), "import", "--ledger", "main", "-"), want)
	next := count
	for transaction, err := range s.client.Transactions(t.Context(), "main", client.Query{Limit: 1000}) {
		next--
		if err != nil || transaction.Description != fmt.Sprintf("n%d", next) {
			t.Fatalf("transaction %d is %q (%v), want n%d", transaction.ID, transaction.Description, err, next)
		}
	}
	if next != 0 {
		t.Errorf("%d transactions are missing", next)
	}
	want = fmt.Sprintf("imported 0 transactions (%d already there), revision %d\n", count, count+2)
	equal(t, "again", s.must(text.String(), "import", "--ledger", "main", "-"), want)
}

// TestImportStopsAtARejection: what was accepted stays, and is found again.
func TestImportStopsAtARejection(t *testing.T) {
	s := openShop(t)
	file := filepath.Join(t.TempDir(), "wallets.ndjson")
	transfer := func(from, to string) string {
		return fmt.Sprintf(`{"type":"post_transaction","data":{"transfers":[{"from":%q,"to":%q,"asset":"EUR/2","amount":5}]}}`+"\n", from, to)
	}
	text := `{"type":"open_account","data":{"address":"world","type":"asset"}}` + "\n" +
		transfer("world", "alice") + "\n" + transfer("bob", "alice")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 transactions were imported before that (0 more", "0 transactions were imported before that (1 more"} {
		contains(t, s.refused("", "import", "--ledger", "main", "--template", "wallets", file),
			file+":4: the server refuses it: 422 insufficient_funds", want)
	}
	text = strings.Replace(text, `"type":"asset"`, `"type":"income"`, 1)
	contains(t, s.refused(text, "import", "--ledger", "main", "--format", "ndjson", "-"), `standard input:1: "world": the account is open`)
}

// TestExportIsReadBack: both forms lead to the same accounts, balances and transactions.
func TestExportIsReadBack(t *testing.T) {
	s := openShop(t)
	s.must("", "import", "--ledger", "shop", filepath.Join("testdata", "shop.journal"))
	post := func(transaction client.NewTransaction) {
		t.Helper()
		transaction.Entries = []wire.Entry{
			{Account: "assets:a b (c)", Asset: "X-1.y_z/3", Debit: "1234567"},
			{Account: "income:ä", Asset: "X-1.y_z/3", Credit: "1234567"},
		}
		if _, err := s.client.Post(t.Context(), "shop", transaction, ""); err != nil {
			t.Fatal(err)
		}
	}
	post(client.NewTransaction{EffectiveAt: "2024-03-01T12:30:00.123456789Z", Reference: "inv-42", Description: "(5) * looks like a code"})
	post(client.NewTransaction{EffectiveAt: "0900-03-01", Description: "! urgent", Metadata: map[string]string{"status": "odd", "date": "2020-01-01"}})
	opened, err := s.client.OpenAccount(t.Context(), "shop", client.NewAccount{Address: "assets:vault", Type: "equity"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Balances(t.Context(), "shop", client.Query{MinRevision: &opened.Revision, Wait: settleTime}); err != nil {
		t.Fatal(err)
	}
	want := s.must("", "balances", "--ledger", "shop", "--output", "csv")
	for _, format := range []string{"journal", "ndjson"} {
		text := s.must("", "export", "--ledger", "shop", "--format", format)
		contains(t, s.must(text, "import", "--ledger", format, "-"), "imported 7 transactions (0 already there)")
		equal(t, "balances from "+format, s.must("", "balances", "--ledger", format, "--output", "csv"), want)
		again := s.must("", "export", "--ledger", format, "--format", "ndjson")
		original := s.must("", "export", "--ledger", "shop", "--format", "ndjson")
		if format == "journal" { // accounts that are only declared are not opened by a journal
			original = strings.Replace(original, `{"type":"open_account","data":{"address":"assets:vault","type":"equity"}}`+"\n", "", 1)
		}
		original = strings.Replace(original, `"name":"shop"`, `"name":"`+format+`"`, 1)
		equal(t, "the history by "+format, anonymous(again), anonymous(original))
	}
	contains(t, s.must("", "export", "--ledger", "shop"), "account assets:vault  ; type: E\n",
		"2024-01-01 * (1) Opening | capital\n    ; owner: Ada\n    ; daybook_reference: shop.journal#1\n"+
			"    assets:bank  5000.00 USD\n    equity:capital  -5000.00 USD\n",
		`"X-1.y_z"`, "\n2024-03-01 () (5) * looks")
}

// anonymous takes out the references that import gives to transactions without one.
func anonymous(history string) string {
	lines := strings.Split(history, "\n")
	for i, line := range lines {
		before, after, found := strings.Cut(line, `"reference":"`)
		if reference, rest, _ := strings.Cut(after, `"`); found && strings.Contains(reference, "#") && !strings.HasPrefix(reference, "shop") {
			lines[i] = before + strings.TrimPrefix(rest, ",")
		}
	}
	return strings.Join(lines, "\n")
}

// TestExportRefuses what journals have no way to say, before it has written anything.
func TestExportRefuses(t *testing.T) {
	s := openShop(t)
	for i, c := range []struct {
		transaction client.NewTransaction
		account     string
		asset       string
		want        string
	}{
		{client.NewTransaction{Description: "two\nlines"}, "a", "X", "transaction 2 cannot be written"},
		{client.NewTransaction{Description: "semi;colon"}, "a", "X", "its description would be read as"},
		{client.NewTransaction{Metadata: map[string]string{"k": "a, b"}}, "a", "X", "its metadata would be read as"},
		{client.NewTransaction{Metadata: map[string]string{"two words": "a"}}, "a", "X", "its metadata would be read as"},
		{client.NewTransaction{Reference: "a, b"}, "a", "X", "its reference would be read as"},
		{client.NewTransaction{}, "(virtual)", "X", "it would not be read again"},
		{client.NewTransaction{}, "* a", "X", "its entries would be read as"},
		{client.NewTransaction{}, "two  spaces", "X", "it would not be read again"},
		{client.NewTransaction{}, "a", "X/0", "its entries would be read as"},
		{client.NewTransaction{}, "a", "OK/2", "as a commodity OK has one scale, and the ledger has OK and OK/2"},
	} {
		name := fmt.Sprintf("l%d", i)
		if _, err := s.client.OpenLedger(t.Context(), client.NewLedger{Name: name}, ""); err != nil {
			t.Fatal(err)
		}
		fine := client.NewTransaction{Transfers: []client.Transfer{{From: "a", To: "b", Asset: "OK", Amount: "1"}}}
		c.transaction.Transfers = []client.Transfer{{From: c.account, To: "b", Asset: c.asset, Amount: "1"}}
		for _, transaction := range []client.NewTransaction{fine, c.transaction} {
			if _, err := s.client.Post(t.Context(), name, transaction, ""); err != nil {
				t.Fatal(err)
			}
		}
		out, errs, code := s.run("", "export", "--ledger", name)
		if code != 1 || out != "" {
			t.Errorf("%d: exit code %d, and it wrote %q", i, code, out)
		}
		contains(t, errs, c.want, "transaction 2", "--format ndjson")
	}
}

func TestAnImportWaitsForAServerThatHasTooMuchToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := &client.Problem{Status: http.StatusServiceUnavailable, Code: "overloaded"}
		tries := 0
		answer, err := insist(t.Context(), func() (int, error) {
			if tries++; tries < 100 {
				return 0, busy
			}
			return 7, nil
		})
		if answer != 7 || err != nil || tries != 100 {
			t.Errorf("after %d tries %d, %v", tries, answer, err)
		}
		if _, err := insist(t.Context(), func() (int, error) { return 0, busy }); !errors.Is(err, busy) {
			t.Errorf("of one that never has time: %v", err)
		}
		tries = 0
		if _, err := insist(t.Context(), func() (int, error) { tries++; return 0, io.EOF }); !errors.Is(err, io.EOF) || tries != 1 {
			t.Errorf("of another failure: %v after %d tries", err, tries)
		}
	})
}
