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

// mark is how far the book's lists reached when [Book.Begin] was called. What lies behind it is new.
type mark struct {
	opened       bool
	accounts     uint32
	extras       uint32
	holdings     uint32
	references   uint32
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
		accounts:     b.accounts.len(),
		extras:       b.extras.len(),
		holdings:     b.holdings.len(),
		references:   b.references.newest().list.len(),
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
		b.holdings.edit(changed[i].holding).sums = changed[i].before
	}
	b.journal.totals = changed[:m.totals]
	b.undo(m.undo)
	if m.accounts < b.accounts.len() {
		b.assertions.forgetAccounts()
	}

	for i := b.holdings.len(); i > m.holdings; i-- {
		h := b.holdings.at(i - 1)
		b.holdingIndex.remove(b.hashPair(h.account, h.asset), i-1)
		if b.accounts.at(h.account).first == i {
			b.accounts.edit(h.account).first = 0
		}
	}
	for i := b.accounts.len(); i > m.accounts; i-- {
		b.accountIndex.remove(b.hashText(b.accounts.at(i-1).address), i-1)
	}
	b.dropReferences(m.references)
	for _, asset := range b.assets[m.assets:] {
		delete(b.assetNumbers, asset)
	}
	b.holdings.truncate(m.holdings)
	b.accounts.truncate(m.accounts)
	b.extras.truncate(m.extras)
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
		b.journal.totals = append(b.journal.totals, overwritten{number, b.holdings.at(number).sums})
	}
}

// newAsset gives an asset its number.
func (b *Book) newAsset(asset money.Asset) {
	b.assetNumbers[asset] = uint32(len(b.assets))
	b.assets = append(b.assets, asset)
}
