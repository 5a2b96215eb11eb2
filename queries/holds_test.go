package queries_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// place is a hold of one transfer.
func place(from, to, amount string) ledger.PlaceHold {
	return ledger.PlaceHold{Movement: transfer(from, to, "USD/2", amount, "").Movement}
}

func hold(w *world, id int) wire.Hold {
	w.Helper()
	var h struct{ Hold wire.Hold }
	w.get(fmt.Sprintf("/ledgers/main/holds/%d", id)).at(w.head("main")).ok(&h)
	return h.Hold
}

func TestAHoldShowsWhatBecameOfIt(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	c := place("users:1", "world", "100")
	c.EffectiveAt = time.Date(2026, 2, 1, 12, 0, 0, 5, time.UTC)
	c.ExpiresAt = time.Date(2026, 4, 1, 0, 0, 0, 7, time.UTC)
	c.Reference, c.Description, c.Metadata = "order-1", "for „shoes“", ledger.Metadata{"cart": "7"}
	w.do("main", c)
	reference, expires, placed := "order-1", c.ExpiresAt, w.clock
	w.project()

	entries := func(amount string) []wire.Entry {
		return []wire.Entry{{Account: "users:1", Asset: "USD/2", Debit: amount}, {Account: "world", Asset: "USD/2", Credit: amount}}
	}
	want := wire.Hold{
		ID: 1, Ledger: "main", Status: "open", Entries: entries("100"), Remaining: entries("100"), EffectiveAt: c.EffectiveAt,
		ExpiresAt: &expires, RecordedAt: placed, Reference: &reference, Description: "for „shoes“", Metadata: map[string]string{"cart": "7"},
		Transactions: []uint64{}, Actor: "tester", Revision: 3,
	}
	if diff := cmp.Diff(want, hold(w, 1)); diff != "" {
		t.Errorf("placed: -want +got\n%s", diff)
	}
	w.do("main", transfer("world", "users:9", "USD/2", "1", ""), ledger.CaptureHold{ID: 1, Amount: amountOf("30")})
	w.project()
	want.Remaining, want.Transactions = entries("70"), []uint64{2}
	if diff := cmp.Diff(want, hold(w, 1)); diff != "" {
		t.Errorf("captured in part: -want +got\n%s", diff)
	}
	if b := account(w, "users:1").Balances[0]; b.PendingDebits != "70" || b.Balance != "-30" || b.Available != "-100" {
		t.Errorf("the account of a hold with 70 left is %+v", b)
	}
	w.do("main", ledger.CaptureHold{ID: 1, Amount: amountOf("50"), Final: true})
	w.project()
	want.Remaining, want.Transactions, want.Status = []wire.Entry{}, []uint64{2, 3}, "captured"
	if diff := cmp.Diff(want, hold(w, 1)); diff != "" {
		t.Errorf("captured: -want +got\n%s", diff)
	}
	if b := account(w, "users:1").Balances[0]; b.PendingDebits != "0" || b.Available != "-80" {
		t.Errorf("the account of a hold with nothing left is %+v", b)
	}
	if got := transaction(w, 3); got.Hold == nil || *got.Hold != 1 || got.Description != "for „shoes“" {
		t.Errorf("the transaction that captured it is %+v", got)
	}
}

func TestHoldsAreFoundByWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for i := 1; i <= 6; i++ {
		c := place(fmt.Sprintf("users:%d", i%3), "world", "10")
		c.Metadata = ledger.Metadata{"even": fmt.Sprint(i%2 == 0), "n": fmt.Sprint(i)}
		if i > 2 {
			c.Reference = fmt.Sprint("ref-", i)
		}
		c.ExpiresIn = time.Duration(i) * time.Hour
		w.do("main", c)
	}
	w.do("main", ledger.CaptureHold{ID: 2, Final: true}, ledger.VoidHold{ID: 3, Reason: "sold out"}, ledger.CaptureHold{ID: 5, Final: true})
	w.clock = w.clock.Add(90 * time.Minute)
	w.do("main", ledger.ExpireHold{ID: 1})
	w.open("other")
	w.do("other", place("users:1", "world", "1"))
	w.project()
	for query, want := range map[string]string{
		"":                                      "6 5 4 3 2 1",
		"status=open":                           "6 4",
		"status=captured":                       "5 2",
		"status=voided":                         "3",
		"status=expired":                        "1",
		"account=users:1":                       "4 1",
		"account=users:*":                       "6 5 4 3 2 1",
		"account=users:1&status=open":           "4",
		"account=nobody":                        "",
		"reference=ref-5":                       "5",
		"reference=ref-5&status=open":           "",
		"reference=ref-5&account=users:2":       "5",
		"reference=ref-1":                       "",
		"metadata[even]=true":                   "6 4 2",
		"metadata[even]=true&status=captured":   "2",
		"metadata[even]=true&metadata[n]=4":     "4",
		"metadata[even]=false&account=users:2":  "5",
		"metadata[none]=":                       "",
		"metadata[even]=true&account=users:**&": "6 4 2",
	} {
		for _, limit := range []string{"&limit=1", "&limit=2", "&limit=100"} {
			got, cursor := "", ""
			for {
				var p wire.Page[wire.Hold]
				w.get("/ledgers/main/holds?" + query + limit + cursor).at(w.head("main")).ok(&p)
				if len(p.Data) > 0 && got != "" {
					got += " "
				}
				got += names(p.Data, func(h wire.Hold) string { return fmt.Sprint(h.ID) })
				if p.NextCursor == nil {
					break
				}
				cursor = "&cursor=" + *p.NextCursor
			}
			if got != want {
				t.Errorf("%s%s: %q, want %q", query, limit, got, want)
			}
		}
	}
}

func TestPagesOfHoldsStayWhereTheyAreAsOthersArePlaced(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	for range 4 {
		w.do("main", place("users:1", "world", "10"))
	}
	w.project()
	var first, second wire.Page[wire.Hold]
	w.get("/ledgers/main/holds?status=open&limit=2").ok(&first)
	w.do("main", place("users:1", "world", "10"))
	w.project()
	w.get("/ledgers/main/holds?status=open&limit=2&cursor=" + *first.NextCursor).ok(&second)
	got := names(append(first.Data, second.Data...), func(h wire.Hold) string { return fmt.Sprint(h.ID) })
	if got != "4 3 2 1" || second.NextCursor != nil {
		t.Errorf("got %s", got)
	}
}

func TestAHoldFarBackIsFound(t *testing.T) {
	w := newWorld(t)
	w.open("main")
	rare := place("users:rare", "world", "10")
	rare.Metadata = ledger.Metadata{"rare": "yes"}
	commands := []ledger.Command{rare}
	for range 1100 { // more than are read at once
		commands = append(commands, place("users:1", "world", "10"))
	}
	w.do("main", commands...)
	w.project()
	for _, query := range []string{"account=users:rare", "metadata[rare]=yes"} {
		var p wire.Page[wire.Hold]
		w.get("/ledgers/main/holds?limit=1&" + query).ok(&p)
		if len(p.Data) != 1 || p.Data[0].ID != 1 || p.NextCursor != nil {
			t.Errorf("%s: %+v", query, p)
		}
	}
}
