package ledger_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// TestEveryCodeIsReachable: no reason is there for nothing. The list is closed, so a new code has to come here too.
func TestEveryCodeIsReachable(t *testing.T) {
	t.Parallel()
	one := money.NewAmount(1)
	move := func(from, to address.Address, asset money.Asset, amount money.Amount) ledger.PostTransaction {
		return ledger.PostTransaction{Movement: ledger.Movement{Entries: []ledger.Entry{
			{Account: from, Asset: asset, Side: ledger.Debit, Amount: amount},
			{Account: to, Asset: asset, Side: ledger.Credit, Amount: amount},
		}}}
	}
	used := move("w", "u:a", "X", one)
	used.Reference = "used"
	uneven := move("w", "u:a", "X", one)
	uneven.Entries[0].Amount = money.NewAmount(2)
	book := ledger.NewBook()
	accept := func(c ledger.Command) {
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	reject := func(want ledger.Code, c ledger.Command) {
		var r *ledger.Rejection
		if err := submit(book, c); !errors.As(err, &r) || r.Code != want {
			t.Errorf("%v, want %s", err, want)
		} else if !strings.HasPrefix(r.Error(), string(want)+": ") {
			t.Errorf("the error says %q", r)
		}
	}

	reject(ledger.LedgerNotFound, used)
	chart := ledger.Chart{Undeclared: ledger.Reject, Rules: []ledger.Rule{
		{Pattern: "w", Type: ledger.Equity},
		{Pattern: "u:**", Type: ledger.Liability, Limits: limits("0", "10"), Assets: []money.Asset{"X"}},
	}}
	accept(ledger.OpenLedger{Name: "books", Chart: &chart})
	accept(used)
	reject(ledger.InvalidField, ledger.OpenAccount{})
	reject(ledger.UnbalancedTransaction, uneven)
	reject(ledger.LedgerExists, ledger.OpenLedger{Name: "books"})
	reject(ledger.AccountExists, ledger.OpenAccount{Address: "u:a"})
	reject(ledger.ReferenceExists, used)
	reject(ledger.AccountNotDeclared, move("w", "x", "X", one))
	reject(ledger.AssetNotAllowed, move("w", "u:a", "Y", one))
	reject(ledger.AmountOutOfRange, move("w", "w", "X", money.MaxAmount))
	reject(ledger.InsufficientFunds, move("u:a", "w", "X", money.NewAmount(2)))
	reject(ledger.BalanceLimitExceeded, move("w", "u:a", "X", money.NewAmount(10)))

	reject(ledger.HoldNotFound, ledger.VoidHold{ID: 1})
	accept(ledger.PlaceHold{Movement: move("w", "u:a", "X", one).Movement})
	reject(ledger.CaptureExceedsHold, ledger.CaptureHold{ID: 1, Amount: money.NewAmount(2)})
	accept(ledger.VoidHold{ID: 1})
	reject(ledger.HoldNotOpen, ledger.CaptureHold{ID: 1})
	reject(ledger.TransactionNotFound, ledger.RevertTransaction{ID: 9})
	accept(ledger.RevertTransaction{ID: 1, Original: used.Entries})
	reject(ledger.AlreadyReverted, ledger.RevertTransaction{ID: 1, Original: used.Entries})
}

func TestEventsSayAllThatWasDecided(t *testing.T) {
	t.Parallel()
	book := ledger.NewBook()
	opened, err := ledger.Decide(book, ledger.OpenLedger{Name: "books"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	general, _ := ledger.General.Chart()
	equal(t, opened, []ledger.Event{ledger.LedgerOpened{Name: "books", Template: ledger.General, Chart: general}})
	if err := ledger.Evolve(book, opened[0]); err != nil {
		t.Fatal(err)
	}

	c := payment(5)
	c.Entries[0].Account = "Assets:Bank"
	c.Reference, c.Description, c.Metadata = "r", "d", ledger.Metadata{"k": "v"}
	c.EffectiveAt = time.Date(2026, 1, 31, 13, 0, 0, 0, time.FixedZone("", 3600))
	posted, err := ledger.Decide(book, c, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, posted, []ledger.Event{
		ledger.AccountOpened{Address: "Assets:Bank", Type: ledger.Asset, Implicit: true},
		ledger.AccountOpened{Address: "users:alice", Type: ledger.Liability, Implicit: true},
		ledger.TransactionPosted{
			ID: 1, Entries: c.Entries, EffectiveAt: noon, Reference: "r", Description: "d", Metadata: ledger.Metadata{"k": "v"},
		},
	})

	now := time.Now() // has a monotonic reading, which no event has
	posted, err = ledger.Decide(book, payment(5), now)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, posted[2].(ledger.TransactionPosted).EffectiveAt, now.Round(0).UTC())
}

// TestEventsThatCannotFollow: a corrupt log is told, and the book is as it was.
func TestEventsThatCannotFollow(t *testing.T) {
	t.Parallel()
	posted := func(change func(*ledger.TransactionPosted)) ledger.Event {
		e := ledger.TransactionPosted{ID: 2, Entries: payment(1).Entries, EffectiveAt: noon, Reference: "new"}
		if change != nil {
			change(&e)
		}
		return e
	}
	book := ledger.NewBook()
	for _, e := range []ledger.Event{posted(nil), ledger.AccountOpened{Address: "a", Type: ledger.Asset}} {
		if err := ledger.Evolve(book, e); err == nil {
			t.Errorf("%#v is taken by a book that is not open", e)
		}
	}
	for _, c := range []ledger.Command{ledger.OpenLedger{Name: "books"}, referenced(payment(5), "first")} {
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	before := string(book.AppendSnapshot(nil))
	for name, e := range map[string]ledger.Event{
		"opened twice":         ledger.LedgerOpened{Name: "other", Chart: ledger.Chart{Undeclared: ledger.Allow}},
		"account opened twice": ledger.AccountOpened{Address: "users:alice", Type: ledger.Asset},
		"no such type":         ledger.AccountOpened{Address: "a", Type: "money"},
		"id again":             posted(func(e *ledger.TransactionPosted) { e.ID = 1 }),
		"id left out":          posted(func(e *ledger.TransactionPosted) { e.ID = 3 }),
		"no entries":           posted(func(e *ledger.TransactionPosted) { e.Entries = nil }),
		"a zero entry":         posted(func(e *ledger.TransactionPosted) { e.Entries[1].Amount = money.Amount{} }),
		"unbalanced":           posted(func(e *ledger.TransactionPosted) { e.Entries[1].Amount = money.NewAmount(2) }),
		"account not open":     posted(func(e *ledger.TransactionPosted) { e.Entries[1].Account = "users:bob" }),
		"reference again":      posted(func(e *ledger.TransactionPosted) { e.Reference = "first" }),
		"past the range": posted(func(e *ledger.TransactionPosted) {
			e.Entries[0].Amount, e.Entries[1].Amount = money.MaxAmount, money.MaxAmount
		}),
	} {
		if err := ledger.Evolve(book, e); err == nil {
			t.Errorf("%s: taken", name)
		}
		if string(book.AppendSnapshot(nil)) != before {
			t.Fatalf("%s: the book has changed", name)
		}
	}
	if err := ledger.Evolve(book, posted(nil)); err != nil {
		t.Error(err)
	}
}

// TestRollbackOfMuch makes every index of the book grow inside the group, in which case places in it have moved.
func TestRollbackOfMuch(t *testing.T) {
	t.Parallel()
	book, plain := openBook(t), openBook(t)
	fill := func(b *ledger.Book, from, to int) {
		for i := from; i < to; i++ {
			c := payment(uint64(i + 1))
			c.Entries[1].Account = address.Address(fmt.Sprintf("users:%d", i))
			c.Entries[0].Asset = money.Asset(fmt.Sprintf("A%d", i%50))
			c.Entries[1].Asset = c.Entries[0].Asset
			if err := submit(b, referenced(c, fmt.Sprint("r", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(book, 0, 100)
	book.Begin()
	fill(book, 100, 3000)
	book.Rollback()
	fill(book, 100, 110)
	fill(plain, 0, 110)
	if string(book.AppendSnapshot(nil)) != string(plain.AppendSnapshot(nil)) {
		t.Error("the book is not what it would be without the group")
	}
	for i := range 110 {
		name := fmt.Sprint("r", i)
		_, found := book.Account(address.Address(fmt.Sprintf("users:%d", i)))
		id, _, referred := book.Reference(name)
		if !found || !referred || id != uint64(i+1) {
			t.Fatalf("the account of %s is found: %v; the reference is of %d", name, found, id)
		}
	}
	for b := range book.Balances() {
		if book.Totals(b.Account, b.Asset) != b.Totals {
			t.Fatalf("%s is not found in %s", b.Account, b.Asset)
		}
	}
	if _, found := book.Account("users:200"); found {
		t.Error("an account of the group is still found")
	}
	if _, _, found := book.Reference("r200"); found {
		t.Error("a reference of the group is still found")
	}
}

func TestMarksThatWereNotSet(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*ledger.Book){"Commit": (*ledger.Book).Commit, "Rollback": (*ledger.Book).Rollback} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			end(ledger.NewBook())
		})
	}
}

// FuzzRestoreSnapshot: bytes that are no snapshot give an error; what is restored gives the same snapshot again.
func FuzzRestoreSnapshot(f *testing.F) {
	book := openBook(f)
	f.Add(ledger.NewBook().AppendSnapshot(nil))
	f.Add(book.AppendSnapshot(nil))
	for _, c := range []ledger.Command{
		ledger.OpenAccount{Address: "a", Limits: limits("-5", "7")},
		referenced(payment(1), "r"), payment(300),
		held(70),
		ledger.CaptureHold{ID: 1, Amount: money.NewAmount(9)},
		ledger.PlaceHold{Movement: payment(300).Movement, ExpiresIn: time.Minute},
		held(5),
		ledger.VoidHold{ID: 3},
		ledger.RevertTransaction{ID: 3, Original: payment(9).Entries},
	} {
		if err := submit(book, c); err != nil {
			f.Fatal(err)
		}
		f.Add(book.AppendSnapshot(nil))
	}
	for _, c := range stateSeeds() {
		if err := submit(book, c); err != nil {
			f.Fatal(err)
		}
		f.Add(book.AppendSnapshot(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ledger.RestoreSnapshot(data)
		if err != nil {
			return
		}
		again, err := ledger.RestoreSnapshot(b.AppendSnapshot(nil))
		if err != nil || string(again.AppendSnapshot(nil)) != string(b.AppendSnapshot(nil)) {
			t.Errorf("%x restores to a book that does not: %v", data, err)
		}
		for id := range min(b.Holds(), 100) { // what holds say of the rest of the book may be wrong, and is told then
			_ = submit(b, ledger.CaptureHold{ID: id + 1})
			_ = submit(b, ledger.VoidHold{ID: id + 1})
		}
	})
}

func TestSnapshotsThatAreCutShort(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	for _, c := range []ledger.Command{
		referenced(payment(1000), "r"),
		ledger.PlaceHold{Movement: payment(7).Movement, ExpiresIn: time.Minute},
		ledger.CaptureHold{ID: 1, Amount: money.NewAmount(2)},
		ledger.RevertTransaction{ID: 2, Original: payment(2).Entries},
	} {
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	snapshot := book.AppendSnapshot([]byte("before"))[len("before"):]
	for n := range snapshot {
		if _, err := ledger.RestoreSnapshot(snapshot[:n]); err == nil {
			t.Errorf("%d of %d bytes are restored", n, len(snapshot))
		}
	}
	if _, err := ledger.RestoreSnapshot(append(snapshot, 0)); err == nil {
		t.Error("a byte too many is restored")
	}
	snapshot[0]++
	if _, err := ledger.RestoreSnapshot(snapshot); err == nil {
		t.Error("another version is restored")
	}
}

// submit does with a command what an engine does.
func submit(b *ledger.Book, c ledger.Command) error {
	if err := ledger.Validate(c); err != nil {
		return err
	}
	events, err := ledger.Decide(b, c, noon)
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := ledger.Evolve(b, e); err != nil {
			return err
		}
	}
	return nil
}

func openBook(t testing.TB) *ledger.Book {
	t.Helper()
	b := ledger.NewBook()
	if err := submit(b, ledger.OpenLedger{Name: "books", Template: ledger.Wallets}); err != nil {
		t.Fatal(err)
	}
	return b
}

func referenced(c ledger.PostTransaction, reference string) ledger.PostTransaction {
	c.Reference = reference
	return c
}

func equal[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
