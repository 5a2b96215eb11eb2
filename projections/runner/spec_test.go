package runner_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/projections/projectiontest"
	"github.com/daybook-ledger/daybook/projections/runner"
)

func posted(id uint64, day string, from, to address.Address, amount uint64) ledger.TransactionPosted {
	at, _ := time.Parse(time.DateOnly, day)
	return ledger.TransactionPosted{ID: id, EffectiveAt: at, Entries: []ledger.Entry{
		{Account: from, Asset: "JPY", Side: ledger.Debit, Amount: money.NewAmount(amount)},
		{Account: to, Asset: "JPY", Side: ledger.Credit, Amount: money.NewAmount(amount)},
	}}
}

// What each read model holds after a few events, which are all delivered twice. Rows are given by some of their text.
func TestSpecs(t *testing.T) {
	chart, _ := ledger.Wallets.Chart()
	ten := money.NewSigned(false, money.NewAmount(10))
	opening := []ledger.Event{
		ledger.LedgerOpened{Name: "book-0", Template: ledger.Wallets, Chart: chart, Metadata: ledger.Metadata{"k": "v"}},
		ledger.AccountOpened{Address: "world", Type: ledger.Liability, Implicit: true},
		ledger.AccountOpened{Address: "a", Type: ledger.Liability, Limits: ledger.Limits{Max: &ten}},
	}
	invoice := posted(1, "2026-01-02", "world", "a", 7)
	invoice.Reference, invoice.Metadata = "inv-1", ledger.Metadata{"order": "9"}
	for name, spec := range map[string]struct {
		then []ledger.Event
		view string
		want []string
	}{
		"a ledger counts": {[]ledger.Event{invoice}, "ledgers", []string{`accounts="2" transactions="1"`}},
		"limits are the account's own over those of the chart's rule": {
			nil, "accounts",
			[]string{`address="a" type="liability" status="open" min_balance="0" max_balance="10"`, `address="world" type="liability" status="open" min_balance=null max_balance=null`},
		},
		"a balance is what was ever debited and credited": {
			[]ledger.Event{invoice, posted(2, "2026-01-02", "a", "world", 3)},
			"balances",
			[]string{`address="a" asset="JPY" debits="3" credits="7" pending_debits="0"`, `address="world" asset="JPY" debits="7" credits="3"`},
		},
		"entries are in order of their day": {
			[]ledger.Event{posted(1, "1969-12-31", "world", "a", 1)},
			"entries",
			[]string{`address="a" day="-1" nanos="0" transaction_id="1" idx="1"`, `address="world" day="-1" nanos="0" transaction_id="1" idx="0"`},
		},
		"a late entry changes the closings after its day": {
			[]ledger.Event{posted(1, "1970-01-03", "a", "a", 10), posted(2, "1970-01-05", "a", "a", 10), posted(3, "1970-01-04", "a", "a", 1)},
			"closings",
			[]string{`day="2" debits="10" credits="10"`, `day="3" debits="11" credits="11"`, `day="4" debits="21" credits="21"`},
		},
		"a transaction keeps its entries": {
			[]ledger.Event{invoice},
			"transactions",
			[]string{`reference="inv-1" description="" metadata={"order":"9"} entries=[{"account":"world","asset":"JPY","debit":"7"},{"account":"a","asset":"JPY","credit":"7"}]`},
		},
		"metadata can be looked for": {[]ledger.Event{invoice}, "transaction_metadata", []string{`key="order" value="9" transaction_id="1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, 1)
			for _, event := range slices.Concat(opening, spec.then) {
				if err := s.history.AppendEvent(t.Context(), event); err != nil {
					t.Fatal(err)
				}
			}
			subscriber, config := newByHand(), s.config()
			config.Subscriber = subscriber
			s.run(runner.New(config))
			for range 2 {
				for _, event := range s.log() {
					subscriber.deliver(t, s.log()[event.Revision:event.Revision+1])
				}
			}
			s.await()
			s.equalsModel()
			dump, err := projectiontest.Of(t.Context(), config.Views)
			if err != nil {
				t.Fatal(err)
			}
			if len(dump[spec.view]) != len(spec.want) {
				t.Fatalf("rows: %q", dump[spec.view])
			}
			for i, want := range spec.want {
				if !strings.Contains(dump[spec.view][i], want) {
					t.Errorf("row %d: %s, want %s", i, dump[spec.view][i], want)
				}
			}
		})
	}
}
