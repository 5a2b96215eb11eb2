package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
)

func written(t interface {
	Helper()
	Fatal(args ...any)
}, f *ledger.Frozen,
) string {
	t.Helper()
	var b bytes.Buffer
	if err := f.WriteSnapshot(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestAFrozenBookStaysAsItWas: whatever is done to a book of many pages meanwhile, what was frozen is written as it was.
func TestAFrozenBookStaysAsItWas(t *testing.T) {
	t.Parallel()
	const accounts = 700
	book := openBook(t)
	do := func(c ledger.Command) {
		t.Helper()
		if err := submit(book, c); err != nil {
			t.Fatal(err)
		}
	}
	churn := func(round int) {
		for i := range accounts {
			c := payment(uint64(i + 1))
			c.Entries[1].Account = address.Address(fmt.Sprintf("users:%d", i*round))
			do(referenced(c, fmt.Sprintf("r%d-%d", round, i)))
			if i%3 == 0 {
				h := held(1)
				h.Entries[1].Account = c.Entries[1].Account
				do(h)
				do(ledger.RevertTransaction{ID: book.Transactions(), Original: c.Entries})
			}
			if i%5 == 0 {
				do(ledger.SetTransactionMetadata{ID: uint64(i + 1), Patch: ledger.MetadataPatch{"round": new(fmt.Sprint(round))}})
				do(ledger.SetAccountMetadata{Address: c.Entries[1].Account, Patch: ledger.MetadataPatch{"round": new(fmt.Sprint(round))}})
			}
			if i%7 == 0 && book.Holds() > 0 {
				_ = submit(book, ledger.VoidHold{ID: book.Holds() / 2})
			}
		}
	}
	churn(1)
	for round := 2; round < 5; round++ {
		want := string(book.AppendSnapshot(nil))
		frozen := book.Freeze(false)
		churn(round)
		book.Begin()
		churn(round + 10)
		book.Rollback()
		if written(t, frozen) != want {
			t.Fatalf("round %d: what was frozen has changed", round)
		}
		book.Thaw()
		do(payment(1))
	}
	restored, err := ledger.RestoreSnapshot(book.AppendSnapshot(nil))
	if err != nil || string(restored.AppendSnapshot(nil)) != string(book.AppendSnapshot(nil)) {
		t.Errorf("the book is spoilt: %v", err)
	}
}

func TestReferencesThatAreHandedOver(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	knows := func(want bool, references ...string) {
		t.Helper()
		for _, r := range references {
			if _, _, found := book.Reference(r); found != want {
				t.Errorf("%s is known: %v", r, found)
			}
			var rejection *ledger.Rejection
			_, err := ledger.Decide(book, referenced(payment(1), r), noon)
			if taken := errors.As(err, &rejection) && rejection.Code == ledger.ReferenceExists; taken != want {
				t.Errorf("%s: %v", r, err)
			}
		}
	}
	post := func(reference string) ledger.Event {
		t.Helper()
		events, err := ledger.Decide(book, referenced(payment(1), reference), noon)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if err := ledger.Evolve(book, e); err != nil {
				t.Fatal(err)
			}
		}
		return events[len(events)-1]
	}
	a := post("a")
	failed := book.Freeze(true) // and never written
	book.Thaw()
	post("b")
	frozen := book.Freeze(true)
	post("c")
	knows(true, "a", "b", "c")
	restored, err := ledger.RestoreSnapshot([]byte(written(t, frozen)))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, found := restored.Reference("b"); found {
		t.Error("what is handed over is written too")
	}
	book.Thaw()
	book.Forget(frozen)
	knows(false, "a", "b")
	knows(true, "c")

	book.Begin()
	book.Recall(a)
	post("d")
	knows(true, "a", "d")
	book.Rollback()
	knows(false, "d")
	book.Recall(a)
	knows(true, "a", "c")
	if id, _, _ := book.Reference("a"); id != 1 {
		t.Errorf("it is of transaction %d", id)
	}
	restored, err = ledger.RestoreSnapshot(book.AppendSnapshot(nil))
	if err != nil || string(restored.AppendSnapshot(nil)) != string(book.AppendSnapshot(nil)) {
		t.Errorf("not restored: %v", err)
	}
	_ = failed
}

// TestWhatIsRecalledIsNotKept: who asks for what was handed over, again and again, does not bring it back into memory.
func TestWhatIsRecalledIsNotKept(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	before := len(book.AppendSnapshot(nil))
	for i := range 100 {
		reference := fmt.Sprint("r", i)
		book.Recall(ledger.TransactionPosted{ID: uint64(i + 1), Reference: reference})
		if id, _, _ := book.Reference(reference); id != uint64(i+1) {
			t.Errorf("%s is of transaction %d", reference, id)
		}
	}
	if after := len(book.AppendSnapshot(nil)); after != before {
		t.Errorf("the book has grown from %d to %d bytes", before, after)
	}
}

// TestReferencesOfEventsAndCommands: whatever can have a reference is known to those who look for it elsewhere.
func TestReferencesOfEventsAndCommands(t *testing.T) {
	t.Parallel()
	book := openBook(t)
	wanted := ""
	do := func(c ledger.Command) {
		t.Helper()
		want := ledger.ReferenceWanted(c)
		events, err := ledger.Decide(book, c, noon)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, e := range events {
			got += ledger.ReferenceOf(e)
			if err := ledger.Evolve(book, e); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, known := book.Reference(want); got != want || known != (want != "") {
			t.Errorf("%#v has reference %q, its events %q; known: %v", c, want, got, known)
		}
		wanted += want
	}
	do(referenced(payment(100), "p"))
	place := held(10)
	place.Reference = "h"
	do(place)
	do(ledger.CaptureHold{ID: 1, Movement: ledger.Movement{Reference: "c"}})
	do(payment(1))
	do(held(1))
	do(ledger.VoidHold{ID: 2})
	equal(t, wanted, "phc")
}
