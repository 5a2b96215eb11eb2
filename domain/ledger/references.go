package ledger

import "hash/maphash"

// references are those that a book knows itself. They come in generations: a new one begins when those before are handed
// over (see [Book.Freeze]), which are forgotten as a whole once they can be found elsewhere.
type references struct {
	generations []*generation
	// recalled is one that was handed over and is asked for now; its text is empty for none.
	recalled reference
}

type generation struct {
	texts texts
	list  pages[reference]
	index index
}

type reference struct {
	text  string
	owner owner
}

// owner is the transaction or hold that has a reference: its number, and as the last bit whether it is a hold.
type owner uint64

func transactionOwner(id uint64) owner { return owner(id << 1) }
func holdOwner(id uint64) owner        { return owner(id<<1 | 1) }

func (o owner) ids() (transaction, hold uint64) {
	if o&1 != 0 {
		return 0, uint64(o >> 1)
	}
	return uint64(o >> 1), 0
}

// Reference gives the transaction or the hold that has a reference, if the book knows one; the other is 0.
func (b *Book) Reference(text string) (transaction, hold uint64, found bool) {
	owner, found := b.findReference(text)
	if !found {
		return 0, 0, false
	}
	transaction, hold = owner.ids()
	return transaction, hold, true
}

func newReferences() references { return references{generations: []*generation{{}}} }

// newest is the generation that references are added to, and taken from by a rollback.
func (r *references) newest() *generation { return r.generations[len(r.generations)-1] }

func (b *Book) findReference(text string) (owner, bool) {
	hash := maphash.String(b.seed, text)
	for _, g := range b.references.generations {
		at, found := g.index.find(hash, func(i uint32) bool { return g.list.at(i).text == text })
		if found {
			return g.list.at(at).owner, true
		}
	}
	if r := b.references.recalled; r.text != "" && r.text == text {
		return r.owner, true
	}
	return 0, false
}

func (b *Book) addReference(text string, owner owner) {
	g := b.references.newest()
	g.index.add(maphash.String(b.seed, text), g.list.len())
	g.list.add(reference{text: g.texts.keep(text), owner: owner})
}

// dropReferences keeps the first n of the newest generation.
func (b *Book) dropReferences(n uint32) {
	g := b.references.newest()
	for i := g.list.len(); i > n; i-- {
		g.index.remove(maphash.String(b.seed, g.list.at(i-1).text), i-1)
	}
	g.list.truncate(n)
}
