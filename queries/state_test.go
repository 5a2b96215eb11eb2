package queries_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
	"github.com/daybook-ledger/daybook/internal/wire"
)

func transaction(w *world, id int) wire.Transaction {
	w.Helper()
	var t struct{ Transaction wire.Transaction }
	w.get(fmt.Sprintf("/ledgers/main/transactions/%d", id)).at(w.head("main")).ok(&t)
	return t.Transaction
}

func signed(text string) *money.Signed {
	s, err := money.ParseSigned(text)
	if err != nil {
		panic(err)
	}
	return &s
}

func TestAReversalAndWhatItReverts(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", transfer("world", "users:1", "USD/2", "10", "2026-01-05"), transfer("world", "users:1", "USD/2", "7", "2026-01-06"))
	w.project()
	if got := transaction(w, 1); got.RevertedBy != nil || got.Reverts != nil || got.Forced || got.Reason != "" {
		t.Errorf("a plain transaction is %+v", got)
	}
	revert := w.revert("main", 1)
	revert.Reason, revert.Force, revert.EffectiveAt = "paid twice", true, time.Date(2026, 1, 7, 0, 0, 0, 0, time.UTC)
	w.do("main", revert)
	w.project()
	want := wire.Transaction{
		ID: 3, Ledger: "main", Status: "posted", EffectiveAt: revert.EffectiveAt, RecordedAt: w.clock, Metadata: map[string]string{},
		Entries: []wire.Entry{{Account: "world", Asset: "USD/2", Credit: "10"}, {Account: "users:1", Asset: "USD/2", Debit: "10"}},
		Reverts: new(uint64(1)), Forced: true, Reason: "paid twice", Actor: "tester", Revision: w.head("main"),
	}
	got := transaction(w, 3)
	got.Description = ""
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the reversal: -want +got\n%s", diff)
	}
	original := transaction(w, 1)
	if original.RevertedBy == nil || *original.RevertedBy != 3 || original.Status != "posted" || original.Revision != 3 {
		t.Errorf("the one reverted: %+v", original)
	}
	var p wire.Page[wire.Transaction]
	w.get("/ledgers/main/transactions").ok(&p)
	for i, one := range []wire.Transaction{transaction(w, 3), transaction(w, 2), original} {
		if diff := cmp.Diff(one, p.Data[i]); diff != "" {
			t.Errorf("in the list: -want +got\n%s", diff)
		}
	}
	if got, want := balancesOf(w, "account=users:1&at=2026-01-06"), "users:1/USD/2=0-17=17"; got != want {
		t.Errorf("before the reversal counts: %s, want %s", got, want)
	}
}

func TestAReroutedTransactionKeepsWhatWasIntended(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", transfer("world", "users:1", "USD/2", "10", "2026-01-05"), ledger.ClosePeriod{Through: day("2026-01-31"), Reason: "January"})
	late := transfer("world", "users:1", "USD/2", "7", "2026-01-20T10:30:00.000000001Z")
	late.Late = ledger.RerouteLate
	w.do("main", late)
	w.project()
	got := transaction(w, 2)
	first := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	if got.IntendedAt == nil || !got.IntendedAt.Equal(late.EffectiveAt) || !got.EffectiveAt.Equal(first) {
		t.Errorf("effective at %v, intended at %v", got.EffectiveAt, got.IntendedAt)
	}
	if first := transaction(w, 1); first.IntendedAt != nil {
		t.Errorf("one that was not late intended %v", first.IntendedAt)
	}
	for at, want := range map[string]string{"2026-01-31": "users:1/USD/2=0-10=10", "2026-02-01": "users:1/USD/2=0-17=17", "2026-02-01T00:00:00Z": "users:1/USD/2=0-17=17"} {
		if got := balancesOf(w, "account=users:1&at="+at); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
	var s wire.Statement
	w.get("/ledgers/main/accounts/users:1/entries?from=2026-02-01").ok(&s)
	if s.Opening[0].Balance != "10" || s.Closing[0].Balance != "17" || len(s.Data) != 1 {
		t.Errorf("the statement of February is %+v", s)
	}
}

func TestMetadataAreFoundAsTheyAreNow(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	p := transfer("world", "users:1", "USD/2", "10", "")
	p.Metadata = ledger.Metadata{"a": "1", "b": "2"}
	w.do("main", p, ledger.OpenAccount{Address: "users:2", Metadata: ledger.Metadata{"tier": "gold"}})
	w.do("main",
		ledger.SetTransactionMetadata{ID: 1, Original: p.Metadata, Patch: ledger.MetadataPatch{"a": nil, "b": new("3")}},
		ledger.SetAccountMetadata{Address: "users:1", Patch: ledger.MetadataPatch{"tier": new("gold")}},
		ledger.SetAccountMetadata{Address: "users:2", Patch: ledger.MetadataPatch{"tier": new("lead")}})
	w.project()
	for query, want := range map[string]string{"metadata[a]=1": "", "metadata[b]=2": "", "metadata[b]=3": "1"} {
		var found wire.Page[wire.Transaction]
		w.get("/ledgers/main/transactions?" + query).ok(&found)
		if got := names(found.Data, func(t wire.Transaction) string { return fmt.Sprint(t.ID) }); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	if diff := cmp.Diff(map[string]string{"b": "3"}, transaction(w, 1).Metadata); diff != "" {
		t.Error(diff)
	}
	for query, want := range map[string]string{"metadata[tier]=gold": "users:1", "metadata[tier]=lead": "users:2"} {
		if got, _ := listed(w, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestAnAccountIsClosedAndReopened(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	w.do("main", ledger.OpenAccount{Address: "users:1"}, ledger.CloseAccount{Address: "users:1", Reason: "left"})
	w.project()
	if got := account(w, "users:1").Status; got != "closed" {
		t.Errorf("closed, it is %s", got)
	}
	w.do("main", ledger.ReopenAccount{Address: "users:1"})
	w.project()
	if got := account(w, "users:1").Status; got != "open" {
		t.Errorf("reopened, it is %s", got)
	}
}

func TestPeriodsTellWhatIsClosedAndHowItCameToBe(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	periods := func() (p wire.Periods) {
		w.project()
		w.get("/ledgers/main/periods").at(w.head("main")).ok(&p)
		return p
	}
	if diff := cmp.Diff(wire.Periods{Closings: []wire.Closing{}, History: []wire.PeriodChange{}}, periods()); diff != "" {
		t.Errorf("of a new ledger: -want +got\n%s", diff)
	}
	var at [3]time.Time
	for i, c := range []ledger.Command{
		ledger.ClosePeriod{Through: day("1969-12-31"), Reason: "before"},
		ledger.ClosePeriod{Through: day("2026-01-31")},
		ledger.ReopenPeriod{Through: day("2026-01-31"), Reason: "a late bill"},
	} {
		w.do("main", c)
		at[i] = w.clock
	}
	was, then := "1969-12-31", "2026-01-31"
	want := wire.Periods{
		Period:   wire.Period{ClosedThrough: &was, FirstOpenDay: new("1970-01-01")},
		Closings: []wire.Closing{{Through: was, ClosedAt: at[0], Actor: "tester", Reason: "before", Revision: 1}},
		History: []wire.PeriodChange{
			{Action: "close", Through: was, ClosedThrough: &was, RecordedAt: at[0], Actor: "tester", Reason: "before", Revision: 1},
			{Action: "close", Through: then, ClosedThrough: &then, RecordedAt: at[1], Actor: "tester", Revision: 2},
			{Action: "reopen", Through: then, ClosedThrough: &was, RecordedAt: at[2], Actor: "tester", Reason: "a late bill", Revision: 3},
		},
	}
	if diff := cmp.Diff(want, periods()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	w.do("main", ledger.ReopenPeriod{Through: day("1969-12-31")})
	if p := periods(); p.ClosedThrough != nil || p.FirstOpenDay != nil || len(p.Closings) > 0 || p.History[3].ClosedThrough != nil {
		t.Errorf("all reopened: %+v", p)
	}
}

func TestAssertionsTellWhetherTheyHold(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	instant := time.Date(2026, 1, 31, 23, 59, 59, 999999999, time.UTC)
	w.do("main",
		ledger.DeclareAssertion{Pattern: "users:**", Asset: "USD/2", Bounds: ledger.Bounds{GTE: signed("-5"), LTE: signed("100")}},
		ledger.DeclareAssertion{Pattern: "world", Asset: "USD/2", At: instant, Bounds: ledger.Bounds{EQ: signed("0")}},
		ledger.DeclareAssertion{Pattern: "*", Asset: "JPY", Bounds: ledger.Bounds{LTE: signed("1")}})
	declared := w.clock
	w.do("main", ledger.EvaluateAssertion{ID: 1}, ledger.EvaluateAssertion{ID: 2})
	held := w.clock
	w.do("main", transfer("users:1", "world", "USD/2", "6", "2026-03-01"))
	broken := w.clock
	w.project()

	want := wire.Assertion{
		ID: 1, Account: "users:**", Asset: "USD/2", GTE: new("-5"), LTE: new("100"), Status: "broken", Balance: new("-6"), BrokenBy: new(uint64(1)),
		DeclaredAt: declared.Add(-2 * time.Millisecond), ChangedAt: broken, Actor: "tester", Revision: 1,
	}
	second := wire.Assertion{
		ID: 2, Account: "world", Asset: "USD/2", At: &instant, Equals: new("0"), Status: "holds", Balance: new("0"),
		DeclaredAt: declared.Add(-time.Millisecond), ChangedAt: held, Actor: "tester", Revision: 2,
	}
	third := wire.Assertion{
		ID: 3, Account: "*", Asset: "JPY", LTE: new("1"), Status: "evaluating", DeclaredAt: declared, ChangedAt: declared, Actor: "tester", Revision: 3,
	}
	for i, one := range []wire.Assertion{want, second, third} {
		var a struct{ Assertion wire.Assertion }
		w.get(fmt.Sprintf("/ledgers/main/assertions/%d", i+1)).at(w.head("main")).ok(&a)
		if diff := cmp.Diff(one, a.Assertion); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	for query, ids := range map[string]string{
		"": "3 2 1", "?status=evaluating": "3", "?status=holds": "2", "?status=broken": "1", "?limit=2": "3 2|1", "?limit=1": "3|2|1", "?status=holds&limit=1": "2",
	} {
		got, next := "", "/ledgers/main/assertions"+query
		for {
			var p wire.Page[wire.Assertion]
			w.get(next).at(w.head("main")).ok(&p)
			got += names(p.Data, func(a wire.Assertion) string { return fmt.Sprint(a.ID) })
			if p.NextCursor == nil {
				break
			}
			got, next = got+"|", "/ledgers/main/assertions"+query+"&cursor="+*p.NextCursor
		}
		if got != ids {
			t.Errorf("%s: %s, want %s", query, got, ids)
		}
	}
}
