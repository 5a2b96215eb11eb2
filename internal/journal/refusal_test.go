package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/daybook-ledger/daybook/internal/journal"
)

// TestRefusals: what is not understood, or cannot be said exactly, is refused with file, line and reason.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ input, want string }{
		{"2024-02-30 x\n a  1 EUR\n b\n", `books:1: "2024-02-30" is not a day of the calendar`},
		{"2024-02/03 x\n a  1 EUR\n b\n", `books:1: "2024-02/03" is not a date`},
		{"02-03 x\n a  1 EUR\n b\n", "books:1: the date has no year, and no Y directive gives one"},
		{"2024-01-01=x\n a  1 EUR\n b\n", `books:1: the secondary date: "" is not a date`},
		{"2024-01-01x\n a  1 EUR\n b\n", `books:1: "x" follows the date: a space is missing`},
		{"Y24\n", `books:1: default year: "24" is not a year of four digits`},
		{"\n  a  1 EUR\n", "books:2: an indented line belongs to nothing"},
		{"2024-01-01\n a  1 EUR\n b  -2 EUR\n", "books:1: the real postings do not balance: they sum to -1 EUR"},
		{"2024-01-01\n a  1 EUR\n b  2 USD\n", "books:1: the real postings do not balance: they sum to 1 EUR, 2 USD"},
		{"2024-01-01\n a  1 EUR\n b  -2 USD\n c  -1 CHF\n", "books:1: the real postings do not balance"},
		{"2024-01-01\n a  2 EUR @ $1.10\n b  $-2.21\n", "books:1: the real postings do not balance: they sum to -0.01 $"},
		{"2024-01-01\n a  3 X @ $1.002\n b  $-3.00\n", "books:1: the real postings do not balance: they sum to 0.006 $"},
		{"2024-01-01\n a  5 X @ $1.001\n b  $-5.00\n", ""},
		{"2024-01-01\n [a]  1 EUR\n b  1 EUR\n c\n", "books:1: the postings in brackets do not balance"},
		{"2024-01-01\n a  1 EUR\n b\n c\n", "books:4: only one of the real postings of a transaction can be without"},
		{"2024-01-01\n a  1 EUR\n b\n (c)  1 EUR\n", "books:4: (c) is a virtual posting that nothing balances: --real"},
		{"2024-01-01\n a  1,234 EUR\n b\n", `books:2: "1,234" may be a thousand or a fraction: declare it`},
		{"2024-01-01\n a  1.5 EUR\n b  -1,5 EUR\n", `books:3: "1,5" uses the decimal mark ',', but at books:2`},
		{"2024-01-01\n a  1,23,4.5 EUR\n b\n", `books:2: "1,23,4.5" is not a number: its digit groups are not clear`},
		{"decimal-mark .\n2024-01-01\n a  1,23 EUR\n b\n", `books:3: "1,23" is not a number: its digit groups`},
		{"decimal-mark .\n2024-01-01\n a  1.234.5 EUR\n b\n", `books:3: "1.234.5" is not a number with decimal mark`},
		{"2024-01-01\n a  5\n b\n", "books:2: an amount without a commodity has no asset"},
		{"2024-01-01\n a  -$-5\n b\n", "books:2: an amount has one sign"},
		{"2024-01-01\n a  $\n b\n", "books:2: a number is missing"},
		{"2024-01-01\n a  5 \"EUR\n b\n", "books:2: a commodity's closing quote is missing"},
		{"2024-01-01\n a  (5 + 5)\n b\n", "books:2: a number is missing"},
		{"2024-01-01\n a  5 EUR USD\n b\n", `books:2: "USD" after the amount is not understood`},
		{"2024-01-01\n a  5 EUR {$2}\n b\n", "books:2: lots ({$2}) are refused"},
		{"2024-01-01\n a  5 EUR [2023-01-01] @ $2\n b\n", "books:2: lots ([2023-01-01] @ $2) are refused"},
		{"2024-01-01\n a  5 EUR @ $-2\n b\n", "books:2: a cost is not negative"},
		{"2024-01-01\n a  5 EUR ; one space\n b\n", ""},
		{"2024-01-01\n a ; one space\n b  1 EUR\n", `books:2: "a ; one space": before a comment or an amount`},
		{"2024-01-01\n a::b  1 EUR\n c\n", `books:2: address "a::b": a segment between the colons is empty`},
		{"2024-01-01\n a  1 EUR  ; date: soon\n c\n", `books:2: the posting's date: "soon" is not a date`},
		{"2024-01-01\n a  1 EUR = 2 EUR\n c\n", "books:2: the balance of a is asserted to be 2 EUR, and is 1 EUR"},
		{"2024-01-01\n a  =* 2 EUR\n c\n", "books:2: a balance assignment with =* or with a date of its own"},
		{"2024-01-01\n a  = 2 EUR  ; date:2024-01-02\n c\n", "books:2: a balance assignment with =* or with a date"},
		{"2024-01-01\n a  1 3D\n b\n", `books:2: "1 3" is not a number: its digit groups`},
		{"2024-01-01\n a  1 \"3D\"\n b\n", `books:2: the commodity "3D" would be the asset 3D, but an asset begins with`},
		{"2024-01-01\n a  1 Öre\n b\n", `books:2: the commodity "Öre" would be the asset _C3_96re, but an asset begins`},
		{"2024-01-01\n a  1 \"Acme shares of class A, old\"\n b\n", "books:2: the commodity \"Acme shares of class A, old\" would be the asset Acme_20shares_20of_20class_20A_2C_20old, which is longer"},
		{"2024-01-01\n a  1 USD\n b  -1 USD\n c  $1\n d\n", `books:4: the commodities "USD" and "$" would both be`},
		{"2024-01-01\n a  3 X @ $1.255\n b\n2024-01-01\n a  $1.00\n b\n", "books:3: the amount inferred for b is -3.765 $, but amounts of $ have 2 decimals"},
		{"2024-01-01\n a  340282366920938463463374607431768211456 X\n b\n", "books:2: the amount of 340282366920938463463374607431768211456 X for a is too large"},
		{"= assets\n  a  1 EUR\n", "books:1: = is refused: an automated transaction"},
		{"~ monthly\n  a  1 EUR\n  b\n", "books:1: ~ is refused: a periodic transaction"},
		{"bucket assets:cash\n", "books:1: bucket is refused"},
		{"A assets:cash\n", "books:1: A is refused"},
		{"alias /x/ = y\n", "books:1: alias /x/ is refused: regular expressions"},
		{"alias x\n", "books:1: alias: want OLD = NEW"},
		{"apply tag x\n", "books:1: apply tag x is refused"},
		{"end apply account\n", "books:1: end apply account: no apply account is open"},
		{"account a\n  alias b\n", "books:2: alias under account is refused"},
		{"commodity $1,000\n2024-01-01\n a  1,000 EUR\n b\n", `books:3: "1,000" may be a thousand`},
		{"commodity 1000 EUR\n", `books:1: "1000 EUR" as an example: it shows no decimal mark`},
		{"commodity EUR\n  default\n", "books:2: default under commodity is refused"},
		{"D 1000.00\n", "books:1: D 1000.00: it has no commodity"},
		{"P 2024-01-01 EUR\n", "books:1: P: "},
		{"include other.journal\n", "books:1: include works in files, not on standard input"},
		{"i 2024-01-01 09:00:00 work\n", `books:1: "i 2024-01-01 09:00:00 work" is not understood`},
		{"payee\n", "books:1: payee: a name is missing"},
		{"2024-01-01 \xff\n a  1 EUR\n b\n", "books:1: the line is not text in UTF-8"},
	} {
		_, err := journal.Parse("books", strings.NewReader(c.input), journal.Options{})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("journal:\n%s\nrefused: %v", c.input, err)
		case c.want != "" && err == nil:
			t.Errorf("journal:\n%s\naccepted, want %q", c.input, c.want)
		case err != nil && !strings.HasPrefix(err.Error(), c.want):
			t.Errorf("journal:\n%s\ngot:  %v\nwant: %s", c.input, err, c.want)
		}
	}
}

func TestErrorsAreCollected(t *testing.T) {
	check(t, journal.Options{}, `
2024-01-01
    a  1 EUR {2 USD}
    b  $
2024-01-01
    a  1 EUR
    b  2 EUR
what is this
`, `
books:2: lots ({2 USD}) are refused: Daybook keeps the units of a commodity together
books:3: a number is missing
books:7: "what is this" is not understood: neither a transaction (a date first) nor a directive
books:4: the real postings do not balance: they sum to 3 EUR
`)
	_, err := journal.Parse("books", strings.NewReader(strings.Repeat("what\n", 100)), journal.Options{})
	if got := strings.Count(err.Error(), "\n") + 1; got != 20 {
		t.Errorf("%d errors, want the first 20", got)
	}
}

// TestReal: virtual postings of both kinds are left out, but count for balance assertions, as in hledger.
func TestReal(t *testing.T) {
	check(t, journal.Options{Real: true}, `
2024-01-01
    a   1 EUR
    b  -1 EUR
    (b)  3 EUR
    [b]  1 EUR = 3 EUR
    [c]
2024-01-02
    (b)  3 EUR = 6 EUR
`, `
2024-01-01 #1 | a 1 EUR | b -1 EUR
passed over: 1
`)
}

func TestInclude(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	main := write("main.journal", "Y2023\nalias a = outer\ninclude sub/*.journal\n01-03\n a  1.000 EUR\n b\n")
	write("sub/1.journal", "Y2024\nalias b = inner\ncommodity 1.000,00 EUR\n01-01\n a  1 EUR\n b\n")
	write("sub/2.journal", "01-02\n a  1 EUR\n b\n")
	parsed, err := journal.ParseFile(main, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `
2024-01-01 #1 | outer 1 EUR | inner -1 EUR
2023-01-02 #2 | outer 1 EUR | b -1 EUR
2023-01-03 #3 | outer 1000 EUR | b -1000 EUR
`
	if got := "\n" + show(parsed); got != want {
		t.Errorf("got:%swant:%s", got, want)
	}

	write("sub/2.journal", "include ../main.journal\n")
	_, err = journal.ParseFile(main, journal.Options{})
	wantLine := filepath.Join(folder, "sub/2.journal") + ":1: include " + main + ": the file includes itself"
	if err == nil || err.Error() != wantLine {
		t.Errorf("got %v, want %s", err, wantLine)
	}
	write("sub/2.journal", "include nowhere\n")
	if _, err = journal.ParseFile(main, journal.Options{}); err == nil || !strings.Contains(err.Error(), "no file matches") {
		t.Errorf("got %v", err)
	}
}

// FuzzParse: nothing panics, and what is accepted balances.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"2024-01-01 * (1) x | y ; a:b\n a  $1,234.56 @ 2 EUR = $1234.56 ; date:2024-02-02\n [b]  1 \"x y\"\n [c]\n d\n",
		"commodity 1.000,00 EUR\nD $1.00\nalias a = b\n2024/1/1=1/2\n ! a  -1.000,00 EUR\n b  = 3\n",
		"apply account x\nY2024\n1/1\n a  1 000 JPY\n a  1e-3 X\n b\nend\ncomment\nend comment\nP 2024-01-01 X $1\n",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, leaveVirtualOut bool) {
		parsed, err := journal.Parse("books", strings.NewReader(text), journal.Options{Real: leaveVirtualOut})
		if err == nil {
			balances(t, parsed)
		}
	})
}
