package ledger_test

import (
	"errors"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

func TestHoldEventsSayAllThatWasDecided(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	do := func(c ledger.Command, at time.Time) []ledger.Event {
		t.Helper()
		events, err := ledger.Decide(book, c, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if err := ledger.Evolve(book, e); err != nil {
				t.Fatal(err)
			}
		}
		return events
	}
	hold := held(100)
	hold.Reference, hold.Description, hold.Metadata = "r", "dinner", ledger.Metadata{"k": "v"}
	hold.ExpiresIn = time.Hour
	hold.EffectiveAt = time.Date(2026, 1, 31, 14, 0, 0, 0, time.FixedZone("", 3600))
	equal(t, do(hold, noon), []ledger.Event{
		ledger.AccountOpened{Address: "world", Type: ledger.Liability, Implicit: true},
		ledger.AccountOpened{Address: "users:alice", Type: ledger.Liability, Implicit: true},
		ledger.HoldPlaced{
			ID: 1, Entries: payment(100).Entries, EffectiveAt: noon.Add(time.Hour), ExpiresAt: noon.Add(time.Hour),
			Reference: "r", Description: "dinner", Metadata: ledger.Metadata{"k": "v"},
		},
	})
	equal(t, do(held(5), time.Now())[0].(ledger.HoldPlaced).ExpiresAt, time.Time{})

	part := ledger.CaptureHold{ID: 1, Amount: money.NewAmount(30)}
	part.Reference, part.Metadata = "s", ledger.Metadata{"l": "w"}
	equal(t, do(part, noon.Add(time.Minute)), []ledger.Event{
		ledger.HoldCaptured{
			ID: 1, Transaction: 1, Entries: payment(30).Entries, Remaining: payment(70).Entries,
			HoldOrigin: ledger.HoldOrigin{Placed: 3, Captures: []uint64{1}},
		},
		ledger.TransactionPosted{
			ID: 1, Entries: payment(30).Entries, EffectiveAt: noon.Add(time.Minute), Reference: "s", Description: "dinner",
			Metadata: ledger.Metadata{"l": "w"}, Hold: 1,
		},
	})
	rest := ledger.CaptureHold{ID: 1, Final: true}
	rest.Description, rest.EffectiveAt = "dessert", noon
	equal(t, do(rest, noon.Add(time.Minute)), []ledger.Event{
		ledger.HoldCaptured{
			ID: 1, Transaction: 2, Entries: payment(70).Entries, Final: true,
			HoldOrigin: ledger.HoldOrigin{Placed: 3, Captures: []uint64{1, 2}},
		},
		ledger.TransactionPosted{ID: 2, Entries: payment(70).Entries, EffectiveAt: noon, Description: "dessert", Hold: 1},
	})
	equal(t, do(ledger.VoidHold{ID: 2, Reason: "late"}, noon), []ledger.Event{
		ledger.HoldVoided{ID: 2, Reason: "late", HoldOrigin: ledger.HoldOrigin{Placed: 4}},
	})
	equal(t, do(ledger.RevertTransaction{ID: 2, Original: payment(70).Entries, Reason: "cold", Force: true}, noon), []ledger.Event{
		ledger.TransactionPosted{ID: 3, EffectiveAt: noon, Reverts: 2, Forced: true, Reason: "cold", Entries: []ledger.Entry{
			{Account: "world", Asset: "USD/2", Side: ledger.Credit, Amount: money.NewAmount(70)},
			{Account: "users:alice", Asset: "USD/2", Side: ledger.Debit, Amount: money.NewAmount(70)},
		}},
	})
}

// TestHoldEventsThatCannotFollow: a corrupt log is told, and the book is as it was.
func TestHoldEventsThatCannotFollow(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	if err := ledger.Evolve(book, ledger.HoldPlaced{ID: 1, Entries: payment(1).Entries, EffectiveAt: noon}); err == nil {
		t.Error("a hold is placed in a ledger that is not open")
	}
	for _, c := range []ledger.Command{
		ledger.OpenLedger{Name: "books"},
		referenced(payment(5), "first"), held(100), held(9),
		ledger.CaptureHold{ID: 1, Amount: money.NewAmount(40)},
		ledger.VoidHold{ID: 2},
		ledger.RevertTransaction{ID: 1, Original: payment(5).Entries},
	} {
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	placed := func(change func(*ledger.HoldPlaced)) ledger.Event {
		e := ledger.HoldPlaced{ID: 3, Entries: payment(1).Entries, EffectiveAt: noon}
		change(&e)
		return e
	}
	captured := func(change func(*ledger.HoldCaptured)) ledger.Event {
		e := ledger.HoldCaptured{ID: 1, Transaction: 4, Entries: payment(10).Entries, Remaining: payment(50).Entries}
		e.HoldOrigin = ledger.HoldOrigin{Placed: 4, Captures: []uint64{2, 4}}
		change(&e)
		return e
	}
	posted := func(change func(*ledger.TransactionPosted)) ledger.Event {
		e := ledger.TransactionPosted{ID: 4, Entries: payment(1).Entries, EffectiveAt: noon}
		change(&e)
		return e
	}
	origin := ledger.HoldOrigin{Placed: 4, Captures: []uint64{2}}
	before := string(book.AppendSnapshot(nil))
	for name, e := range map[string]ledger.Event{
		"id again":         placed(func(e *ledger.HoldPlaced) { e.ID = 2 }),
		"id left out":      placed(func(e *ledger.HoldPlaced) { e.ID = 4 }),
		"no entries":       placed(func(e *ledger.HoldPlaced) { e.Entries = nil }),
		"unbalanced":       placed(func(e *ledger.HoldPlaced) { e.Entries[1].Amount = money.NewAmount(2) }),
		"account not open": placed(func(e *ledger.HoldPlaced) { e.Entries[1].Account = "users:bob" }),
		"reference again":  placed(func(e *ledger.HoldPlaced) { e.Reference = "first" }),
		"past the range": placed(func(e *ledger.HoldPlaced) {
			e.Entries[0].Amount, e.Entries[1].Amount = money.MaxAmount, money.MaxAmount
		}),

		"capture of no hold":        captured(func(e *ledger.HoldCaptured) { e.ID = 3 }),
		"capture of an ended hold":  captured(func(e *ledger.HoldCaptured) { e.ID = 2 }),
		"another transaction":       captured(func(e *ledger.HoldCaptured) { e.Transaction = 5 }),
		"placed elsewhere":          captured(func(e *ledger.HoldCaptured) { e.Placed = 5 }),
		"other captures":            captured(func(e *ledger.HoldCaptured) { e.Captures = []uint64{4} }),
		"nothing captured":          captured(func(e *ledger.HoldCaptured) { e.Entries = nil }),
		"more than was held":        captured(func(e *ledger.HoldCaptured) { e.Entries = payment(61).Entries }),
		"another rest":              captured(func(e *ledger.HoldCaptured) { e.Remaining = payment(51).Entries }),
		"a rest of a final capture": captured(func(e *ledger.HoldCaptured) { e.Final = true }),
		"no rest of one that is not": captured(func(e *ledger.HoldCaptured) {
			e.Entries, e.Remaining = payment(60).Entries, nil
		}),

		"void of no hold":       ledger.HoldVoided{ID: 3, HoldOrigin: origin},
		"void of another":       ledger.HoldVoided{ID: 1, HoldOrigin: ledger.HoldOrigin{Placed: 5, Captures: []uint64{2}}},
		"void without captures": ledger.HoldVoided{ID: 1, HoldOrigin: ledger.HoldOrigin{Placed: 4}},
		"void twice":            ledger.HoldVoided{ID: 2, HoldOrigin: ledger.HoldOrigin{Placed: 5}},
		"expiry for no reason":  ledger.HoldExpired{ID: 1, HoldOrigin: origin},

		"reverts itself":   posted(func(e *ledger.TransactionPosted) { e.Reverts = 4 }),
		"reverts again":    posted(func(e *ledger.TransactionPosted) { e.Reverts = 1 }),
		"captures nothing": posted(func(e *ledger.TransactionPosted) { e.Hold = 3 }),
	} {
		if err := ledger.Evolve(book, e); err == nil {
			t.Errorf("%s: taken", name)
		}
		if string(book.AppendSnapshot(nil)) != before {
			t.Fatalf("%s: the book has changed", name)
		}
	}
	for _, e := range []ledger.Event{
		captured(func(*ledger.HoldCaptured) {}),
		posted(func(e *ledger.TransactionPosted) { e.Hold, e.Entries = 1, payment(10).Entries }),
		placed(func(*ledger.HoldPlaced) {}),
	} {
		if err := ledger.Evolve(book, e); err != nil {
			t.Error(err)
		}
	}
}

// TestRollbackOfManyHolds makes what holds are kept in grow inside the group.
func TestRollbackOfManyHolds(t *testing.T) {
	t.Parallel()
	book, plain := openBook(t), openBook(t)
	fill := func(b *ledger.Book, from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			c := held(uint64(i + 1))
			c.Entries[1].Account = wallet(i % 1500)
			last := uint64(i + 1)
			commands := []ledger.Command{c}
			switch i % 4 {
			case 0:
				commands = append(commands, ledger.CaptureHold{ID: last, Final: true})
			case 1:
				commands = append(commands, ledger.VoidHold{ID: last})
			case 2:
				commands = append(commands, ledger.CaptureHold{ID: last, Amount: money.NewAmount(1)})
			}
			for _, c := range commands {
				if err := submit(b, c); err != nil {
					t.Fatal(err)
				}
			}
			if id := b.Transactions(); i%4 == 0 {
				if err := submit(b, ledger.RevertTransaction{ID: id, Original: c.Entries}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	fill(book, 0, 100)
	book.Begin()
	fill(book, 100, 3000)
	for id := range uint64(100) { // those from before the group, as far as they are open
		_ = submit(book, ledger.VoidHold{ID: id + 1})
	}
	book.Rollback()
	fill(book, 100, 110)
	fill(plain, 0, 110)
	if string(book.AppendSnapshot(nil)) != string(plain.AppendSnapshot(nil)) {
		t.Error("the book is not what it would be without the group")
	}
	for id := range uint64(111) {
		by, reverted := book.RevertedBy(id)
		want, wanted := plain.RevertedBy(id)
		if by != want || reverted != wanted {
			t.Errorf("transaction %d is reverted by %d, not %d", id, by, want)
		}
	}
}

func held(amount uint64) ledger.PlaceHold {
	return ledger.PlaceHold{Movement: payment(amount).Movement}
}

// TestRestoredHoldsAreCapturedAlike: a snapshot has all of an open hold that matters later.
func TestRestoredHoldsAreCapturedAlike(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	described, double := held(100), held(50)
	described.Description, described.ExpiresIn = "dinner", time.Hour+1
	double.Entries = append(double.Entries, payment(9).Entries...)
	for _, c := range []ledger.Command{described, double, ledger.CaptureHold{ID: 1, Amount: money.NewAmount(1)}} {
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	restored, err := ledger.RestoreSnapshot(book.AppendSnapshot(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []uint64{1, 2} {
		for _, at := range []time.Time{noon, noon.Add(time.Hour), noon.Add(time.Hour + 1)} {
			for _, amount := range []uint64{0, 7} {
				c := ledger.CaptureHold{ID: id, Amount: money.NewAmount(amount)}
				want, refused := ledger.Decide(book, c, at)
				got, err := ledger.Decide(restored, c, at)
				equal(t, got, want)
				equal(t, err, refused)
			}
		}
	}
}

// TestRevertNeedsTheOriginal: without its entries, which the book does not keep, a transaction counts as not found.
func TestRevertNeedsTheOriginal(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	if err := submit(book, payment(1)); err != nil {
		t.Fatal(err)
	}
	var r *ledger.Rejection
	if err := submit(book, ledger.RevertTransaction{ID: 1}); !errors.As(err, &r) || r.Code != ledger.TransactionNotFound {
		t.Error(err)
	}
}
