package ledger_test

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// TestStateEventsThatCannotFollow: a corrupt log is told, and the book is as it was.
func TestStateEventsThatCannotFollow(t *testing.T) {
	t.Parallel()
	for _, e := range goldenState() {
		if err := ledger.Evolve(ledger.NewBook(), e); err == nil {
			t.Errorf("%#v is taken by a book that is not open", e)
		}
	}
	book := openBook(t)
	for _, c := range []ledger.Command{
		payment(5),
		ledger.OpenAccount{Address: "closed"},
		ledger.CloseAccount{Address: "closed"},
		ledger.ClosePeriod{Through: 100},
		ledger.ClosePeriod{Through: 200},
		ledger.DeclareAssertion{Pattern: "users:*", Asset: "USD/2", Bounds: bounds("0", "", "")},
		ledger.EvaluateAssertion{ID: 1},
		ledger.DeclareAssertion{Pattern: "users:*", Asset: "USD/2", Bounds: bounds("0", "", "")},
		payment(2),
	} {
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	two := ledger.AssertionSums{CreditNormal: ledger.Sums{Credits: big.NewInt(2)}}
	before := string(book.AppendSnapshot(nil))
	for name, e := range map[string]ledger.Event{
		"no account closes":         ledger.AccountClosed{Address: "nobody"},
		"closed twice":              ledger.AccountClosed{Address: "closed"},
		"no account reopens":        ledger.AccountReopened{Address: "nobody"},
		"open already":              ledger.AccountReopened{Address: "world"},
		"metadata of no account":    ledger.AccountMetadataSet{Address: "nobody"},
		"metadata of transaction 0": ledger.TransactionMetadataSet{},
		"metadata of the next one":  ledger.TransactionMetadataSet{ID: 3},
		"period closed again":       ledger.PeriodClosed{Through: 200},
		"period closed before":      ledger.PeriodClosed{Through: 150},
		"not a closing":             ledger.PeriodReopened{Through: 150, Closed: new(ledger.Day(100))},
		"another last closing":      ledger.PeriodReopened{Through: 200, Closed: new(ledger.Day(99))},
		"no last closing":           ledger.PeriodReopened{Through: 200},
		"a last closing too many":   ledger.PeriodReopened{Through: 100, Closed: new(ledger.Day(99))},
		"declared twice":            ledger.AssertionDeclared{ID: 2, Pattern: "a", Asset: "X"},
		"declared too far on":       ledger.AssertionDeclared{ID: 4, Pattern: "a", Asset: "X"},
		"no assertion 0":            ledger.AssertionHeld{Balance: new(big.Int)},
		"no assertion 3":            ledger.AssertionHeld{ID: 3, Balance: new(big.Int)},
		"holds already":             ledger.AssertionHeld{ID: 1, Transaction: 2, Balance: big.NewInt(2), Sums: two},
		"evaluated twice":           ledger.AssertionBroken{ID: 1, Balance: big.NewInt(2), Sums: two},
		"by an earlier transaction": ledger.AssertionBroken{ID: 1, Transaction: 1, Balance: big.NewInt(2), Sums: two},
		"by a later transaction":    ledger.AssertionBroken{ID: 1, Transaction: 3, Balance: big.NewInt(2), Sums: two},
		"before it was evaluated":   ledger.AssertionBroken{ID: 2, Transaction: 2, Balance: big.NewInt(2), Sums: two},
		"another balance":           ledger.AssertionBroken{ID: 2, Balance: big.NewInt(3), Sums: two},
		"other sums":                ledger.AssertionBroken{ID: 1, Transaction: 2, Balance: new(big.Int)},
		"no balance":                ledger.AssertionBroken{ID: 2, Sums: two},
		"sums out of range":         ledger.AssertionHeld{ID: 2, Balance: big.NewInt(2), Sums: ledger.AssertionSums{CreditNormal: ledger.Sums{Credits: new(big.Int).Lsh(big.NewInt(1), 256)}}},
		"negative sums":             ledger.AssertionHeld{ID: 2, Balance: big.NewInt(-2), Sums: ledger.AssertionSums{CreditNormal: ledger.Sums{Credits: big.NewInt(-2)}}},
	} {
		if err := ledger.Evolve(book, e); err == nil {
			t.Errorf("%s: taken", name)
		}
		if string(book.AppendSnapshot(nil)) != before {
			t.Fatalf("%s: the book has changed", name)
		}
	}
	for _, e := range []ledger.Event{
		ledger.AssertionBroken{ID: 1, Transaction: 2, Balance: big.NewInt(2), Sums: two},
		ledger.AssertionHeld{ID: 2, Balance: big.NewInt(2), Sums: two},
	} {
		if err := ledger.Evolve(book, e); err != nil {
			t.Error(err)
		}
	}
}

// TestEventsShareNoNumbers: the sums in an event stay what they were, whatever the book counts on.
func TestEventsShareNoNumbers(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	for _, c := range []ledger.Command{payment(5), ledger.DeclareAssertion{Pattern: "**", Asset: "USD/2", Bounds: bounds("6", "", "")}} {
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	before := big.NewInt(5)
	events, err := ledger.Decide(book, ledger.EvaluateAssertion{ID: 1, Before: ledger.AssertionSums{CreditNormal: ledger.Sums{Credits: before}}}, noon)
	if err != nil || ledger.Evolve(book, events[0]) != nil {
		t.Fatal(err)
	}
	told := events[0].(ledger.AssertionBroken)
	text := fmt.Sprint(told)
	before.SetInt64(99)
	if err := submit(book, payment(7)); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(told) != text {
		t.Errorf("%s has become %v", text, told)
	}
}

func TestValidateState(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1025)
	patch := func(pairs ...string) ledger.MetadataPatch {
		p := ledger.MetadataPatch{}
		for i := 0; i < len(pairs); i += 2 {
			p[pairs[i]] = &pairs[i+1]
		}
		return p
	}
	many := func(set, removed int) ledger.MetadataPatch {
		p := ledger.MetadataPatch{}
		for i := range set {
			p[fmt.Sprint(i)] = new("v")
		}
		for i := range removed {
			p[fmt.Sprint("-", i)] = nil
		}
		return p
	}
	declare := func(at time.Time, b ledger.Bounds) ledger.Command {
		return ledger.DeclareAssertion{Pattern: "a", Asset: "X", At: at, Bounds: b}
	}
	for _, c := range []struct {
		pointers string // separated by spaces; empty where the command is good
		command  ledger.Command
	}{
		{"", ledger.ReplaceChart{Chart: ledger.Chart{Undeclared: ledger.Allow}}},
		{"/undeclared", ledger.ReplaceChart{}},
		{"/rules/0/pattern", ledger.ReplaceChart{Chart: ledger.Chart{Undeclared: ledger.Reject, Rules: []ledger.Rule{{Type: ledger.Asset}}}}},
		{"", ledger.CloseAccount{Address: "a", Reason: long[:1024]}},
		{"/address /reason", ledger.CloseAccount{Reason: long}},
		{"/address /reason", ledger.ReopenAccount{Reason: "\xff"}},
		{"", ledger.SetAccountMetadata{Address: "a"}},
		{"", ledger.SetAccountMetadata{Address: "a", Patch: many(64, 64)}},
		{"/metadata", ledger.SetAccountMetadata{Address: "a", Patch: many(65, 0)}},
		{"/metadata", ledger.SetAccountMetadata{Address: "a", Patch: many(64, 65)}},
		{"/address /metadata", ledger.SetAccountMetadata{Patch: patch("", "v")}},
		{"/metadata/k", ledger.SetAccountMetadata{Address: "a", Patch: patch("k", strings.Repeat("x", 2049))}},
		{"", ledger.SetTransactionMetadata{Patch: patch("k", "v")}},
		{"/metadata/a~1b", ledger.SetTransactionMetadata{Patch: patch("a/b", "\xff")}},
		{"", ledger.ClosePeriod{}},
		{"/through", ledger.ClosePeriod{Through: dayOf("9999-12-31")}},
		{"/through", ledger.ClosePeriod{Through: dayOf("0001-01-01") - 1}},
		{"/reason", ledger.ReopenPeriod{Reason: long}},
		{"", declare(noon, bounds("0", "0", ""))},
		{"", declare(time.Time{}, bounds("", "", "-1"))},
		{"/equals", declare(noon, bounds("", "", ""))},
		{"/equals", declare(noon, bounds("1", "", "1"))},
		{"/gte", declare(noon, bounds("1", "0", ""))},
		{"/at", declare(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), bounds("1", "", ""))},
		{"/account /asset", ledger.DeclareAssertion{Bounds: bounds("1", "", "")}},
		{"", ledger.EvaluateAssertion{}},
		{"/before", ledger.EvaluateAssertion{Before: ledger.AssertionSums{DebitNormal: ledger.Sums{Debits: big.NewInt(-1)}}}},
		{"/before", ledger.EvaluateAssertion{Before: ledger.AssertionSums{CreditNormal: ledger.Sums{Credits: new(big.Int).Lsh(big.NewInt(1), 250)}}}},
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

// TestWhatThereIsTooMuchOf: limits that only the book can tell.
func TestWhatThereIsTooMuchOf(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	refused := func(c ledger.Command, fields int) *ledger.Rejection {
		t.Helper()
		var r *ledger.Rejection
		if err := submit(book, c); !errors.As(err, &r) || len(r.Fields) != fields {
			t.Fatalf("%v", err)
		}
		return r
	}
	accept := func(c ledger.Command) {
		t.Helper()
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	full := manyKeys(64).(ledger.OpenAccount)
	accept(full)
	if r := refused(ledger.SetAccountMetadata{Address: "a", Patch: ledger.MetadataPatch{"one": new("more")}}, 1); r.Code != ledger.InvalidField || r.Fields[0].Pointer != "/metadata" {
		t.Error(r)
	}
	accept(ledger.SetAccountMetadata{Address: "a", Patch: ledger.MetadataPatch{"one": new("more"), "1": nil}})
	if m := book.AccountMetadata("a"); len(m) != 64 || m["one"] != "more" {
		t.Errorf("the account has %v", m)
	}

	for i := range 30 {
		p := payment(1)
		p.Entries[0].Asset, p.Entries[1].Asset = money.Asset(fmt.Sprint("A", i)), money.Asset(fmt.Sprint("A", i))
		accept(p)
	}
	r := refused(ledger.ReplaceChart{Chart: ledger.Chart{Undeclared: ledger.Reject}}, 20)
	if r.Code != ledger.ChartConflict || !strings.Contains(r.Fields[19].Detail, "A9") {
		t.Error(r)
	}

	declare := ledger.DeclareAssertion{Pattern: "a", Asset: "X", Bounds: bounds("0", "", "")}
	for range ledger.MaxAssertions {
		accept(declare)
	}
	if r := refused(declare, 0); r.Code != ledger.InvalidField {
		t.Error(r)
	}
}

// stateSeeds give a book something of every part that a snapshot has for them.
func stateSeeds() []ledger.Command {
	chart, _ := ledger.General.Chart()
	return []ledger.Command{
		ledger.OpenAccount{Address: "c", Metadata: ledger.Metadata{"k": "v", "l": ""}},
		ledger.CloseAccount{Address: "c"},
		ledger.SetTransactionMetadata{ID: 1, Patch: ledger.MetadataPatch{"k": nil}},
		ledger.SetTransactionMetadata{ID: 2, Patch: ledger.MetadataPatch{"k": new("v")}},
		ledger.ClosePeriod{Through: -700000},
		ledger.ClosePeriod{Through: 1},
		ledger.DeclareAssertion{Pattern: "users:**", Asset: "USD/2", At: noon, Bounds: bounds("-1", "", "")},
		ledger.EvaluateAssertion{ID: 1},
		ledger.DeclareAssertion{Pattern: "world", Asset: "USD/2", Bounds: bounds("", "", "7")},
		payment(300),
		ledger.ReplaceChart{Chart: chart},
	}
}
