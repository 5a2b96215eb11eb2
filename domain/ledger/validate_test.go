package ledger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

func TestValidateNamesEachFault(t *testing.T) {
	t.Parallel()
	post := func(change func(*ledger.PostTransaction)) ledger.Command {
		c := payment(1)
		change(&c)
		return c
	}
	long := strings.Repeat("x", 4097)
	for _, c := range []struct {
		pointers string // separated by spaces; empty where the command is good
		command  ledger.Command
	}{
		{"", ledger.OpenLedger{Name: "a-1"}},
		{"", ledger.OpenLedger{Name: "0", Template: ledger.Wallets}},
		{"", ledger.OpenLedger{Name: strings.Repeat("a", 63)}},
		{"/name", ledger.OpenLedger{}},
		{"/name", ledger.OpenLedger{Name: "-a"}},
		{"/name", ledger.OpenLedger{Name: "A"}},
		{"/name", ledger.OpenLedger{Name: "a_b"}},
		{"/name", ledger.OpenLedger{Name: strings.Repeat("a", 64)}},
		{"/name /template", ledger.OpenLedger{Template: "other"}},
		{"/template", ledger.OpenLedger{Name: "a", Template: ledger.General, Chart: &ledger.Chart{Undeclared: ledger.Allow}}},

		{"", ledger.OpenAccount{Address: "a"}},
		{"/address /type", ledger.OpenAccount{Type: "money"}},
		{"/min_balance", ledger.OpenAccount{Address: "a", Limits: ledger.Limits{Min: new(money.Signed), Max: new(money.NewSigned(true, money.NewAmount(1)))}}},

		{"", post(func(*ledger.PostTransaction) {})},
		{"/entries", post(func(c *ledger.PostTransaction) { c.Entries = nil })},
		{"/entries", post(func(c *ledger.PostTransaction) { c.Entries = c.Entries[:1] })},
		{"/entries", post(func(c *ledger.PostTransaction) { c.Entries = make([]ledger.Entry, 2001) })},
		{"/entries/1/account", post(func(c *ledger.PostTransaction) { c.Entries[1].Account = "" })},
		{"/entries/1/asset", post(func(c *ledger.PostTransaction) { c.Entries[1].Asset = "" })},
		{"/entries/1/credit", post(func(c *ledger.PostTransaction) { c.Entries[1].Amount = money.Amount{} })},
		{"/entries/0/debit", post(func(c *ledger.PostTransaction) { c.Entries[0].Amount = money.Amount{} })},
		{"/entries/0", post(func(c *ledger.PostTransaction) { c.Entries[0].Side = 2 })},
		{"/effective_at", post(func(c *ledger.PostTransaction) { c.EffectiveAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) })},
		{"/effective_at", post(func(c *ledger.PostTransaction) { c.EffectiveAt = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) })},
		{"", post(func(c *ledger.PostTransaction) { c.Reference, c.Description = long[:255], long[:4096] })},
		{"/reference /description", post(func(c *ledger.PostTransaction) { c.Reference, c.Description = long[:256], long })},
		{"/reference", post(func(c *ledger.PostTransaction) { c.Reference = "a\x01" })},
		{"/description", post(func(c *ledger.PostTransaction) { c.Description = "\xff" })},

		{"", metadata("k", long[:2048])},
		{"", metadata(long[:128], "")},
		{"/metadata", metadata(long[:129], "v")},
		{"/metadata", metadata("", "v")},
		{"/metadata", metadata("\xff", "v")},
		{"/metadata/a~1b~0", metadata("a/b~", long[:2049])},
		{"/metadata/k", metadata("k", "\xff")},
		{"/metadata", manyKeys(65)},
		{"", manyKeys(64)},
	} {
		err := ledger.Validate(c.command)
		var got []string
		if r := (*ledger.Rejection)(nil); errors.As(err, &r) {
			for _, f := range r.Fields {
				got = append(got, f.Pointer)
			}
			if r.Code != ledger.InvalidField {
				t.Errorf("%v", err)
			}
		}
		if strings.Join(got, " ") != c.pointers {
			t.Errorf("got %q, want %q: %.200v", got, c.pointers, c.command)
		}
	}
}

// TestBalanceInManyAssets: each asset balances by itself, also where there are too many to look through.
func TestBalanceInManyAssets(t *testing.T) {
	t.Parallel()
	var c ledger.PostTransaction
	for i := range 1000 {
		asset := money.Asset(fmt.Sprintf("A%d", (i*7)%1000))
		c.Entries = append(c.Entries,
			ledger.Entry{Account: "a", Asset: asset, Side: ledger.Debit, Amount: money.NewAmount(uint64(i + 1))},
			ledger.Entry{Account: "b", Asset: asset, Side: ledger.Credit, Amount: money.NewAmount(uint64(i + 1))})
	}
	if err := ledger.Validate(c); err != nil {
		t.Fatal(err)
	}
	c.Entries[1501].Asset = "A5"
	var r *ledger.Rejection
	if err := ledger.Validate(c); !errors.As(err, &r) || r.Code != ledger.UnbalancedTransaction || r.Asset != "A5" {
		t.Fatalf("%v", err)
	}
}

func metadata(key, value string) ledger.Command {
	return ledger.OpenAccount{Address: "a", Metadata: ledger.Metadata{key: value}}
}

func manyKeys(n int) ledger.Command {
	m := ledger.Metadata{}
	for i := range n {
		m[fmt.Sprint(i)] = "v"
	}
	return ledger.OpenAccount{Address: "a", Metadata: m}
}

// payment is a transaction that every ledger accepts.
func payment(amount uint64) ledger.PostTransaction {
	return ledger.PostTransaction{Movement: ledger.Movement{Entries: []ledger.Entry{
		{Account: "world", Asset: "USD/2", Side: ledger.Debit, Amount: money.NewAmount(amount)},
		{Account: "users:alice", Asset: "USD/2", Side: ledger.Credit, Amount: money.NewAmount(amount)},
	}}}
}
