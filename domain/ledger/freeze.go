package ledger

import "slices"

// Frozen is a book as it was at a moment. It can be written by one goroutine while the book goes on with another.
type Frozen struct {
	book        Book // what a snapshot needs of it
	generations int  // of references that are handed over
}

// Freeze gives the book as it is, at a cost that hardly depends on how much there is in it. Until [Book.Thaw] the book pays
// for what it changes with copies. There is no mark open (see [Book.Begin]), and nothing frozen.
//
// Where the references are handed over, they are not part of what is frozen: whoever does that can find them elsewhere
// from the events, and says so later with [Book.Forget].
func (b *Book) Freeze(handOver bool) *Frozen {
	f := new(Frozen)
	f.book = Book{
		opened: b.opened, replaced: b.replaced, revision: b.revision, transactions: b.transactions,
		assets:   b.assets[:len(b.assets):len(b.assets)],
		accounts: b.accounts.freeze(), extras: b.extras.freeze(), holdings: b.holdings.freeze(),
		holds:    holds{statuses: b.holds.statuses.freeze(), open: b.holds.open.freeze()},
		reverts:  reverts{list: b.reverts.list.freeze()},
		patches:  patches{list: b.patches.list.freeze()},
		closings: slices.Clone(b.closings),
		// Assertions are few, and their sums change with every transaction.
		assertions: assertions{all: slices.Clone(b.assertions.all)},
	}
	if handOver {
		f.generations = len(b.references.generations)
		b.references.generations = append(b.references.generations, &generation{})
		return f
	}
	for _, g := range b.references.generations {
		f.book.references.generations = append(f.book.references.generations, &generation{list: g.list.freeze()})
	}
	return f
}

// Thaw says that what is frozen was written, or will not be.
func (b *Book) Thaw() {
	b.accounts.thaw()
	b.extras.thaw()
	b.holdings.thaw()
	b.holds.statuses.thaw()
	b.holds.open.thaw()
	b.reverts.list.thaw()
	b.patches.list.thaw()
}

// Forget drops the references that were handed over with a freeze of this book. From then on the book takes them for
// free, unless [Book.Recall] tells it before it decides.
func (b *Book) Forget(f *Frozen) {
	b.references.generations = slices.Delete(b.references.generations, 0, f.generations)
}

// Recall tells the book again of an event with a reference, which it may have forgotten. It knows that reference until it
// is told of another one in the same way: what many ask for does not come back into memory.
func (b *Book) Recall(e Event) {
	text, owner := referenceOf(e)
	b.references.recalled = reference{text: text, owner: owner}
}

// ReferenceOf gives the reference that a transaction or a hold has by an event, empty where it has none.
func ReferenceOf(e Event) string {
	text, _ := referenceOf(e)
	return text
}

func referenceOf(e Event) (string, owner) {
	switch e := e.(type) {
	case TransactionPosted:
		return e.Reference, transactionOwner(e.ID)
	case HoldPlaced:
		return e.Reference, holdOwner(e.ID)
	default:
		return "", 0
	}
}

// ReferenceWanted gives the reference that a command asks for, empty where it asks for none.
func ReferenceWanted(c Command) string {
	switch c := c.(type) {
	case PostTransaction:
		return c.Reference
	case PlaceHold:
		return c.Reference
	case CaptureHold:
		return c.Reference
	default:
		return ""
	}
}
