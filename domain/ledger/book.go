package ledger

import (
	"hash/maphash"
	"iter"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// Book is the state of one ledger: what [Decide] needs to know of its history and nothing more. [Evolve] alone changes
// it. A Book belongs to one goroutine: Decide leaves it as it is to every observer, but works in memory kept inside it.
//
// What there can be much of is kept in [pages] in the order in which it came, with an [index] where it is looked for, so
// that no event takes longer than another because the book is large; taking back the last items is what [Book.Rollback]
// does. An account costs about 130 bytes with its address and the totals of one asset (BenchmarkBook). What few have is
// kept aside: an account's extras, and pending totals, in a map by holding.
type Book struct {
	opened   *LedgerOpened  // nil before it
	replaced *ChartReplaced // the last one, nil before any
	matcher  *Matcher       // of the chart in force

	addresses    texts
	accounts     pages[account]
	accountIndex index
	extras       pages[extra]
	holdings     pages[holding]
	holdingIndex index
	references   references
	assets       []money.Asset
	assetNumbers map[money.Asset]uint32
	transactions uint64

	// revision is the number of events that have made the book, and so that of the next one in the log.
	revision uint64
	pending  map[uint32]sums // by holding; none that is zero
	holds    holds
	reverts  reverts

	patches    patches
	closings   []Day // in force, in order
	assertions assertions

	seed    maphash.Seed // places items in the indexes; nothing that can be observed depends on it
	journal journal
	scratch scratch
}

// account is one account. What it holds is in its holdings.
type account struct {
	address address.Address
	rule    uint32 // of the chart, or noRule
	extra   uint32 // 1 + the place of its extras in Book.extras, 0 where it has none
	first   uint32 // 1 + the number of its first holding, 0 where it has none: most accounts have one, found at once
	kind    kind
	closed  bool
	pends   bool // where false, none of its holdings has anything pending
}

// extra is what few accounts have.
type extra struct {
	own      Limits
	metadata packed
}

// holding is what one account has in one asset.
type holding struct {
	sums // posted

	account uint32
	asset   uint32
}

// Account is an account as it stands in a book.
type Account struct {
	Address address.Address
	Type    AccountType
	// Limits are those in force: the account's own, else those of the chart's rule.
	Limits Limits
	// Closed accounts take no entries.
	Closed bool
}

// Balance is what one account has in one asset.
type Balance struct {
	Totals

	Account address.Address
	Asset   money.Asset
}

// NewBook gives the book of a ledger that is not open yet: the state before the first event.
func NewBook() *Book {
	return &Book{
		assetNumbers: map[money.Asset]uint32{},
		pending:      map[uint32]sums{},
		references:   newReferences(),
		seed:         maphash.MakeSeed(),
	}
}

// Opened gives the event that opened the ledger, and whether there was one.
func (b *Book) Opened() (LedgerOpened, bool) {
	if b.opened == nil {
		return LedgerOpened{}, false
	}
	return *b.opened, true
}

// Accounts is the number of accounts that were opened.
func (b *Book) Accounts() int { return int(b.accounts.len()) }

// Transactions is the number of transactions that were posted, and the id of the last one.
func (b *Book) Transactions() uint64 { return b.transactions }

// Account gives an account, if it was opened.
func (b *Book) Account(a address.Address) (Account, bool) {
	number, ok := b.findAccount(a)
	if !ok {
		return Account{}, false
	}
	found := b.accounts.at(number)
	return Account{Address: found.address, Type: found.kind.accountType(), Limits: b.limits(number), Closed: found.closed}, true
}

// Revision is the number of events that the book was evolved by. The first event of a log has revision 0.
func (b *Book) Revision() uint64 { return b.revision }

// Totals gives what was debited and credited to an account in one asset, and is pending: zero where nothing was.
func (b *Book) Totals(a address.Address, asset money.Asset) Totals {
	if account, ok := b.findAccount(a); ok {
		if number, ok := b.assetNumbers[asset]; ok {
			if at, ok := b.findHolding(account, number); ok {
				return b.totalsOf(at)
			}
		}
	}
	return Totals{}
}

// Balances yields what every account has in every asset that it was ever posted in or had a hold in, in the order in
// which they came.
func (b *Book) Balances() iter.Seq[Balance] {
	return func(yield func(Balance) bool) {
		for i, h := range b.holdings.all {
			if !yield(Balance{Totals: b.totalsOf(i), Account: b.accounts.at(h.account).address, Asset: b.assets[h.asset]}) {
				return
			}
		}
	}
}

func (b *Book) totalsOf(holding uint32) Totals {
	return b.holdings.at(holding).with(b.pendingOf(holding))
}

// pendingOf finds what is pending in a holding. Most accounts never had a hold, which is seen without a search.
func (b *Book) pendingOf(holding uint32) sums {
	if !b.accounts.at(b.holdings.at(holding).account).pends {
		return sums{}
	}
	return b.pending[holding]
}

func (b *Book) findAccount(a address.Address) (uint32, bool) {
	return b.accountIndex.find(b.hashText(a), func(i uint32) bool { return b.accounts.at(i).address == a })
}

func (b *Book) findHolding(account, asset uint32) (uint32, bool) {
	if account >= b.accounts.len() {
		return 0, false
	}
	first := b.accounts.at(account).first
	if first == 0 {
		return 0, false
	}
	if b.holdings.at(first-1).asset == asset {
		return first - 1, true
	}
	return b.holdingIndex.find(b.hashPair(account, asset), func(i uint32) bool {
		h := b.holdings.at(i)
		return h.account == account && h.asset == asset
	})
}

// limits gives those in force on an account.
func (b *Book) limits(number uint32) Limits {
	return b.ownLimits(number).Over(b.matcher.rule(b.accounts.at(number).rule).Limits)
}

func (b *Book) ownLimits(number uint32) Limits {
	if extra := b.accounts.at(number).extra; extra != 0 {
		return b.extras.at(extra - 1).own
	}
	return Limits{}
}

func (b *Book) hashText(a address.Address) uint64 { return maphash.String(b.seed, string(a)) }

// golden is 2^64 divided by the golden ratio, which spreads numbers in sequence.
const golden = 0x9E3779B97F4A7C15

// hashPair need not resist anybody: both numbers are given out in order.
func (b *Book) hashPair(account, asset uint32) uint64 {
	h := (uint64(account)<<32 | uint64(asset)) * golden
	return (h ^ h>>32) * golden
}
