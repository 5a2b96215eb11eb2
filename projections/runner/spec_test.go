package runner_test

import (
	"math/big"
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
	more := posted(2, "2026-01-03", "world", "a", 4)
	hold := ledger.HoldPlaced{
		ID: 1, Entries: more.Entries, EffectiveAt: more.EffectiveAt, ExpiresAt: time.Unix(1_800_000_000, 500_000_000).UTC(),
	}
	three := posted(1, "2026-01-03", "world", "a", 3)
	three.Hold = 1
	partly := ledger.HoldCaptured{ID: 1, Transaction: 1, Entries: three.Entries, Remaining: posted(0, "2026-01-03", "world", "a", 1).Entries}
	partly.Captures = []uint64{1}
	finally := partly
	finally.Final, finally.Remaining = true, nil
	reversal := posted(2, "2026-01-04", "a", "world", 7)
	reversal.Reverts, reversal.Forced, reversal.Reason, reversal.IntendedAt = 1, true, "a slip", invoice.EffectiveAt
	credit := ledger.ChartReplaced{Chart: ledger.Chart{Undeclared: ledger.Allow, Rules: []ledger.Rule{
		{Pattern: "*", Type: ledger.Liability, Limits: ledger.Limits{Min: new(ten.Neg()), Max: new(ten.Neg())}},
	}}}
	declared := ledger.AssertionDeclared{ID: 1, Pattern: "**", Asset: "JPY", Bounds: ledger.Bounds{GTE: &ten}}
	january, march := ledger.Day(20484), ledger.Day(20543)
	for name, spec := range map[string]struct {
		then []ledger.Event
		view string
		want []string
	}{
		"a hold sets aside": {
			[]ledger.Event{hold},
			"balances",
			[]string{`address="a" asset="JPY" debits="0" credits="0" pending_debits="0" pending_credits="4"`, `address="world" asset="JPY" debits="0" credits="0" pending_debits="4" pending_credits="0"`},
		},
		"a capture in part leaves the rest set aside": {
			[]ledger.Event{hold, partly, three},
			"balances",
			[]string{`address="a" asset="JPY" debits="0" credits="3" pending_debits="0" pending_credits="1"`, `address="world" asset="JPY" debits="3" credits="0" pending_debits="1" pending_credits="0"`},
		},
		"a final capture releases the rest": {
			[]ledger.Event{hold, finally, three},
			"balances",
			[]string{`credits="3" pending_debits="0" pending_credits="0"`, `debits="3" credits="0" pending_debits="0"`},
		},
		"a void releases what two captures left, and keeps their transactions": {
			[]ledger.Event{hold, partly, three, ledger.HoldVoided{ID: 1, HoldOrigin: partly.HoldOrigin}},
			"holds",
			[]string{`entries=[{"account":"world","asset":"JPY","debit":"4"},{"account":"a","asset":"JPY","credit":"4"}] remaining=[] status="voided" captures=[1] changed_revision="6"`},
		},
		"an open hold tells what remains": {
			[]ledger.Event{hold, partly, three},
			"holds",
			[]string{`expires_at="2027-01-15T08:00:00.5Z" expires_unix="1800000000" recorded_at=`},
		},
		"a hold that has expired keeps nothing aside": {
			[]ledger.Event{hold, ledger.HoldExpired{ID: 1}}, "account_holds", nil,
		},
		"a reversal": {
			[]ledger.Event{invoice, reversal},
			"transactions",
			[]string{`intended_day=null intended_nanos=null reverts=null reverted_by="2" hold=null forced="0" reason=null`, `intended_day="20455" intended_nanos="0" reverts="1" reverted_by=null hold=null forced="1" reason="a slip"`},
		},
		"a transaction that captured a hold names it": {
			[]ledger.Event{hold, partly, three}, "transactions", []string{`reverts=null reverted_by=null hold="1" forced="0"`},
		},
		"metadata that was set anew replaces what was there": {
			[]ledger.Event{invoice, ledger.TransactionMetadataSet{ID: 1, Metadata: ledger.Metadata{"order": "9", "b": "c"}}, ledger.TransactionMetadataSet{ID: 1, Metadata: ledger.Metadata{"order": "10"}}},
			"transaction_metadata",
			[]string{`key="order" value="10" transaction_id="1"`},
		},
		"a transaction shows the metadata that it has now": {
			[]ledger.Event{invoice, ledger.TransactionMetadataSet{ID: 1}}, "transactions", []string{`description="" metadata={} entries=`},
		},
		"an account is closed, reopened, described": {
			[]ledger.Event{
				ledger.AccountClosed{Address: "a"},
				ledger.AccountReopened{Address: "a"},
				ledger.AccountClosed{Address: "world"},
				ledger.AccountMetadataSet{Address: "a", Metadata: ledger.Metadata{"x": "y"}},
			},
			"accounts",
			[]string{`address="a" type="liability" status="open" min_balance="0" max_balance="10" own_min_balance=null own_max_balance="10" metadata={"x":"y"}`, `address="world" type="liability" status="closed"`},
		},
		"a new chart changes the limits that are not an account's own, and keeps types": {
			[]ledger.Event{credit, ledger.AccountOpened{Address: "later", Type: ledger.Asset}},
			"accounts",
			[]string{`address="a" type="liability" status="open" min_balance="-10" max_balance="10"`, `address="later" type="asset" status="open" min_balance="-10" max_balance="-10"`, `address="world" type="liability" status="open" min_balance="-10" max_balance="-10"`},
		},
		"a ledger shows its new chart": {
			[]ledger.Event{credit}, "ledgers", []string{`chart={"rules":[{"max_balance":"-10","min_balance":"-10","pattern":"*","type":"liability"}],"undeclared":"allow"}`},
		},
		"a reopening takes back the closing that it names and those after": {
			[]ledger.Event{
				ledger.PeriodClosed{Through: january - 31},
				ledger.PeriodClosed{Through: january, Reason: "done"},
				ledger.PeriodClosed{Through: march},
				ledger.PeriodReopened{Through: january, Closed: new(january - 31)},
			},
			"periods",
			[]string{`action="close" through="20453" closed="20453" in_force="1"`, `action="close" through="20484" closed="20484" in_force="0"`, `action="close" through="20543" closed="20543" in_force="0"`, `action="reopen" through="20484" closed="20453" in_force="0"`},
		},
		"when the first closing is taken back no day is closed": {
			[]ledger.Event{ledger.PeriodClosed{Through: march}, ledger.PeriodReopened{Through: march}},
			"periods",
			[]string{`closed="20543" in_force="0"`, `closed=null in_force="0"`},
		},
		"an assertion waits for its first evaluation": {
			[]ledger.Event{declared},
			"assertions",
			[]string{`pattern="**" asset="JPY" at_day=null at_nanos=null eq=null gte="10" lte=null status="evaluating" balance=null broken_by=null`},
		},
		"an assertion is broken by a transaction": {
			[]ledger.Event{declared, ledger.AssertionHeld{ID: 1, Balance: big.NewInt(11)}, ledger.AssertionBroken{ID: 1, Transaction: 7, Balance: big.NewInt(-1)}},
			"assertions",
			[]string{`status="broken" balance="-1" broken_by="7"`},
		},
		"an assertion that holds again forgets what broke it": {
			[]ledger.Event{declared, ledger.AssertionBroken{ID: 1, Transaction: 7, Balance: big.NewInt(-1)}, ledger.AssertionHeld{ID: 1, Transaction: 8, Balance: big.NewInt(11)}},
			"assertions",
			[]string{`status="holds" balance="11" broken_by=null`},
		},
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
