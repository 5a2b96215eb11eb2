package ledger_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// goldenState are the events about charts, accounts, metadata, periods and assertions.
func goldenState() map[string]ledger.Event {
	wallets, _ := ledger.Wallets.Chart()
	return map[string]ledger.Event{
		"ChartReplaced.v1.wallets":       ledger.ChartReplaced{Chart: wallets},
		"ChartReplaced.v1.empty":         ledger.ChartReplaced{Chart: ledger.Chart{Undeclared: ledger.Allow}},
		"AccountClosed.v1.reason":        ledger.AccountClosed{Address: "Aktiva:Kasse", Reason: "aufgelöst"},
		"AccountClosed.v1.plain":         ledger.AccountClosed{Address: "a"},
		"AccountReopened.v1.reason":      ledger.AccountReopened{Address: "users:alice", Reason: "a \"mistake\""},
		"AccountMetadataSet.v1.some":     ledger.AccountMetadataSet{Address: "users:alice", Metadata: ledger.Metadata{"b": "", "a": "1"}},
		"AccountMetadataSet.v1.none":     ledger.AccountMetadataSet{Address: "users:alice"},
		"TransactionMetadataSet.v1.some": ledger.TransactionMetadataSet{ID: 42, Metadata: ledger.Metadata{"k": "v"}},
		"TransactionMetadataSet.v1.none": ledger.TransactionMetadataSet{ID: 18446744073709551615},
		"PeriodClosed.v1.reason":         ledger.PeriodClosed{Through: dayOf("2026-01-31"), Reason: "VAT filed"},
		"PeriodClosed.v1.first":          ledger.PeriodClosed{Through: dayOf("0001-01-01")},
		"PeriodReopened.v1.one":          ledger.PeriodReopened{Through: dayOf("2026-02-28"), Closed: new(dayOf("2026-01-31")), Reason: "late invoice"},
		"PeriodReopened.v1.all":          ledger.PeriodReopened{Through: dayOf("9999-12-30")},
		"AssertionDeclared.v1.equals":    ledger.AssertionDeclared{ID: 1, Pattern: "assets:**", Asset: "USD/2", At: noon, Bounds: bounds("", "", "0")},
		"AssertionDeclared.v1.range":     ledger.AssertionDeclared{ID: 2, Pattern: "*:fees", Asset: "JPY", Bounds: bounds("-5", "340282366920938463463374607431768211455", "")},
		"AssertionHeld.v1.first":         ledger.AssertionHeld{ID: 1, Balance: new(big.Int)},
		"AssertionHeld.v1.credits":       ledger.AssertionHeld{ID: 1, Transaction: 7, Balance: big.NewInt(3), Sums: ledger.AssertionSums{CreditNormal: ledger.Sums{Debits: big.NewInt(2), Credits: big.NewInt(5)}}},
		"AssertionBroken.v1.debits":      ledger.AssertionBroken{ID: 1, Transaction: 8, Balance: big.NewInt(-5), Sums: ledger.AssertionSums{DebitNormal: ledger.Sums{Credits: big.NewInt(5)}}},
		"AssertionBroken.v1.beyond_128_bits": ledger.AssertionBroken{
			ID: 18446744073709551615, Transaction: 18446744073709551615, Balance: new(big.Int).Lsh(big.NewInt(-1), 200),
			Sums: ledger.AssertionSums{
				DebitNormal:  ledger.Sums{Debits: new(big.Int).Lsh(big.NewInt(1), 199), Credits: new(big.Int).Lsh(big.NewInt(1), 200)},
				CreditNormal: ledger.Sums{Credits: new(big.Int).Lsh(big.NewInt(1), 199)},
			},
		},
	}
}

func TestDecodingStateIsStrict(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"ChartReplaced":          `{"chart":{"undeclared":"allow","rules":[]}}`,
		"AccountClosed":          `{"address":"a","reason":"r"}`,
		"AccountMetadataSet":     `{"address":"a","metadata":{"k":"v"}}`,
		"TransactionMetadataSet": `{"id":1,"metadata":{"k":"v"}}`,
		"PeriodClosed":           `{"through":"2026-01-31","reason":"r"}`,
		"PeriodReopened":         `{"through":"2026-01-31","closed":"2025-12-31"}`,
		"AssertionDeclared":      `{"id":1,"account":"a:*","asset":"X","at":"2026-01-31T00:00:00Z","gte":"-1","lte":"1"}`,
		"AssertionHeld":          `{"id":1,"transaction":2,"balance":"-1","sums":{"debit_normal":{"debits":"1","credits":"2"}}}`,
	}
	for name, data := range good {
		if _, err := ledger.Decode(name, 1, []byte(data)); err != nil {
			t.Errorf("%s %s: %v", name, data, err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(data), &fields); err != nil {
			t.Fatal(err)
		}
		for field, value := range fields {
			bad := []string{
				strings.Replace(data, "{", `{"`+field+`":`+string(value)+`,`, 1),           // twice
				strings.Replace(data, `"`+field+`":`+string(value), `"`+field+`":null`, 1), // nothing
				strings.Replace(data, `"`+field+`"`, `"other"`, 1),
			}
			for _, data := range bad {
				if _, err := ledger.Decode(name, 1, []byte(data)); err == nil {
					t.Errorf("%s %s is read", name, data)
				}
			}
		}
	}
	for _, c := range []struct{ name, old, new string }{
		{"AccountClosed", `"address":"a",`, ``},
		{"AccountMetadataSet", `"a"`, `""`},
		{"PeriodClosed", `01-31`, `02-30`},
		{"PeriodClosed", `2026`, `0000`},
		{"PeriodClosed", `01-31`, `1-31`},
		{"PeriodClosed", `01-31`, `01-31T00:00:00Z`},
		{"PeriodClosed", `"reason"`, `"closed":"2025-12-31","reason"`},
		{"AssertionDeclared", `a:*`, `a*`},
		{"AssertionDeclared", `2026-01-31`, `0001-01-01`},
		{"AssertionDeclared", `"id":1,`, ``},
		{"AssertionHeld", `"-1"`, `"-0"`},
		{"AssertionHeld", `"-1"`, `"01"`},
		{"AssertionHeld", `"-1"`, `""`},
		{"AssertionHeld", `"-1"`, `"-"`},
		{"AssertionHeld", `"-1"`, `"+1"`},
		{"AssertionHeld", `"-1"`, `"` + strings.Repeat("1", 81) + `"`},
		{"AssertionHeld", `"debits":"1"`, `"debits":"0"`},
		{"AssertionHeld", `"debits":"1"`, `"debits":"-1"`},
		{"AssertionHeld", `"debits":"1","credits":"2"`, ``},
		{"AssertionHeld", `"transaction":2`, `"transaction":0`},
	} {
		data := strings.Replace(good[c.name], c.old, c.new, 1)
		if _, err := ledger.Decode(c.name, 1, []byte(data)); err == nil {
			t.Errorf("%s %s is read", c.name, data)
		}
	}
}

func TestDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		days ledger.Day
	}{{"1970-01-01", 0}, {"1969-12-31", -1}, {"2026-01-31", 20484}, {"0001-01-01", -719162}, {"9999-12-31", 2932896}, {"2024-02-29", 19782}} {
		d, err := ledger.ParseDay(c.text)
		if err != nil || d != c.days || d.String() != c.text {
			t.Errorf("%s is day %d, %s, %v", c.text, d, d, err)
		}
		start, end := d.Start(), d.End()
		if ledger.DayOf(start) != d || ledger.DayOf(end) != d || ledger.DayOf(start.Add(-1)) != d-1 || ledger.DayOf(end.Add(1)) != d+1 {
			t.Errorf("%s goes from %s to %s", d, start, end)
		}
		if ledger.DayOf(start.In(time.FixedZone("", -3600))) != d {
			t.Errorf("%s: a day is one of UTC", d)
		}
	}
	for _, text := range []string{"", "2026", "2026-1-1", "2026-02-29", "2026-13-01", "0000-01-01", "10000-01-01", "-001-01-01", "2026-01-31 ", "2026-01-31T00:00:00Z", "20260131"} {
		if d, err := ledger.ParseDay(text); err == nil {
			t.Errorf("%q is read as %s", text, d)
		}
	}
}

func dayOf(text string) ledger.Day {
	d, err := ledger.ParseDay(text)
	if err != nil {
		panic(err)
	}
	return d
}

// bounds are those whose text is not empty.
func bounds(gte, lte, eq string) ledger.Bounds {
	read := func(text string) *money.Signed {
		if text == "" {
			return nil
		}
		s, err := money.ParseSigned(text)
		if err != nil {
			panic(err)
		}
		return &s
	}
	return ledger.Bounds{GTE: read(gte), LTE: read(lte), EQ: read(eq)}
}
