package ledger

import "github.com/daybook-ledger/daybook/domain/money"

// journal is what it takes to undo the events since each mark that is open.
type journal struct {
	marks []mark
	// totals are those that events changed, as they were before, oldest first.
	totals []overwritten
	// undo takes back all other changes, see onRollback.
	undo []func()
}

// mark is how far the book's slices reached when [Book.Begin] was called. What lies behind it is new.
type mark struct {
	opened       bool
	accounts     int
	own          int
	holdings     int
	references   int
	assets       int
	transactions uint64
	revision     uint64
	totals       int
	undo         int
}

type overwritten struct {
	holding uint32
	before  sums
}

// Begin marks the state of the book, for Rollback to come back to. Marks nest: each Begin is followed, in time, by one
// Rollback or Commit.
func (b *Book) Begin() {
	b.journal.marks = append(b.journal.marks, mark{
		opened:       b.opened != nil,
		accounts:     len(b.accounts),
		own:          len(b.own),
		holdings:     len(b.holdings),
		references:   len(b.references),
		assets:       len(b.assets),
		transactions: b.transactions,
		revision:     b.revision,
		totals:       len(b.journal.totals),
		undo:         len(b.journal.undo),
	})
}

// Commit keeps what was done since the last Begin. It panics where there was none.
func (b *Book) Commit() {
	b.popMark()
	if len(b.journal.marks) == 0 {
		b.journal.totals = b.journal.totals[:0]
		b.journal.undo = nil
	}
}

// Rollback takes back every event since the last Begin. It panics where there was none.
func (b *Book) Rollback() {
	m := b.popMark()
	changed := b.journal.totals
	for i := len(changed) - 1; i >= m.totals; i-- {
		b.holdings[changed[i].holding].sums = changed[i].before
	}
	b.journal.totals = changed[:m.totals]
	b.undo(m.undo)
	if m.accounts < len(b.accounts) {
		b.assertions.forgetAccounts()
	}

	for i := len(b.holdings) - 1; i >= m.holdings; i-- {
		h := &b.holdings[i]
		b.holdingIndex.remove(b.hashPair(h.account, h.asset), uint32(i))
		if a := &b.accounts[h.account]; int(a.first) == i+1 {
			a.first = 0
		}
	}
	for i := len(b.references) - 1; i >= m.references; i-- {
		b.referenceIndex.remove(b.hashDigest(b.references[i].digest), uint32(i))
	}
	for i := len(b.accounts) - 1; i >= m.accounts; i-- {
		b.accountIndex.remove(b.hashText(b.accounts[i].address), uint32(i))
	}
	for _, asset := range b.assets[m.assets:] {
		delete(b.assetNumbers, asset)
	}
	b.holdings = b.holdings[:m.holdings]
	b.references = b.references[:m.references]
	b.accounts = b.accounts[:m.accounts]
	b.own = b.own[:m.own]
	b.assets = b.assets[:m.assets]
	b.transactions, b.revision = m.transactions, m.revision
	if !m.opened {
		b.opened, b.matcher = nil, nil
	}
}

func (b *Book) popMark() mark {
	last := len(b.journal.marks) - 1
	if last < 0 {
		panic("ledger: Commit or Rollback of a book without Begin")
	}
	m := b.journal.marks[last]
	b.journal.marks = b.journal.marks[:last]
	return m
}

// remember notes what is posted in a holding before it changes.
func (b *Book) remember(number uint32) {
	if len(b.journal.marks) > 0 {
		b.journal.totals = append(b.journal.totals, overwritten{number, b.holdings[number].sums})
	}
}

// newAsset gives an asset its number.
func (b *Book) newAsset(asset money.Asset) {
	b.assetNumbers[asset] = uint32(len(b.assets))
	b.assets = append(b.assets, asset)
}
