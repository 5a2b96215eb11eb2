package ledger

import (
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// effect is what a command does to holdings: entries that it posts, that it sets aside, and that it no longer sets aside.
type effect struct{ posted, placed, released []Entry }

// touch is what one command does to one account in one asset, all its entries together.
type touch struct {
	account uint32 // from the number of Book.accounts on: one of scratch.newAccounts
	asset   uint32 // from len(Book.assets) on: one of scratch.newAssets
	holding uint32 // noHolding where the account has nothing in the asset yet
	pends   uint32 // 1 + the place of what is pending in scratch.pends, 0 where nothing was nor will be
	sums    sums   // posted
	// overflows: the sums themselves, or those of what is pending, are past 2^128-1.
	overflows bool
}

// pends is the pending side of a touch: what was there before, and what the command adds and takes off.
type pends struct{ before, placed, released sums }

const noHolding = ^uint32(0)

// newAccount is an account that the command would open.
type newAccount struct {
	address address.Address
	rule    uint32
}

// scratch is the memory that Decide and Evolve work in, kept in the book so that it is made once.
type scratch struct {
	touches    []touch // in order of first appearance
	touchIndex table   // of the touches, where there are more than a few entries
	pends      []pends // of the touches that have some

	newAccounts       []newAccount
	newAccountNumbers map[address.Address]uint32
	newAssets         []money.Asset
	newAssetNumbers   map[money.Asset]uint32
}

// few is up to how many entries it is quicker to look through all touches than to index them.
const few = 8

// gather finds what an effect does to accounts, and fills the scratch with it.
func (b *Book) gather(e *effect) *scratch {
	s := &b.scratch
	all := len(e.posted) + len(e.placed) + len(e.released)
	s.reset(all)
	b.sum(e.posted, asPosted, all)
	if all > len(e.posted) {
		b.sum(e.placed, asPlaced, all)
		b.sum(e.released, asReleased, all)
	}
	return s
}

// column is which sums of a touch an entry counts in.
type column uint8

const (
	asPosted column = iota
	asPlaced
	asReleased
)

func (b *Book) sum(entries []Entry, as column, all int) {
	var asset money.Asset
	var assetNumber uint32
	for i := range entries {
		e := &entries[i]
		if e.Asset != asset {
			asset, assetNumber = e.Asset, b.numberAsset(e.Asset)
		}
		t := b.touch(b.numberAccount(e.Account), assetNumber, all)
		sums := &t.sums
		switch as {
		case asPosted:
		case asPlaced:
			sums = &b.scratch.pendsOf(t).placed
		case asReleased:
			sums = &b.scratch.pendsOf(t).released
		}
		sum := &sums.debits
		if e.Side == Credit {
			sum = &sums.credits
		}
		var ok bool
		if *sum, ok = sum.Add(e.Amount); !ok {
			t.overflows = true
		}
	}
}

func (s *scratch) reset(entries int) {
	s.touches, s.pends = s.touches[:0], s.pends[:0]
	if entries > few {
		s.touchIndex.reset(entries)
	}
	if len(s.newAccounts) > 0 {
		s.newAccounts = s.newAccounts[:0]
		clear(s.newAccountNumbers)
	}
	if len(s.newAssets) > 0 {
		s.newAssets = s.newAssets[:0]
		clear(s.newAssetNumbers)
	}
}

// touch gives the touch of an account and an asset, which it adds where there is none. The pointer is good until the
// next call.
func (b *Book) touch(account, asset uint32, entries int) *touch {
	s := &b.scratch
	if entries <= few {
		for i := range s.touches {
			if s.touches[i].account == account && s.touches[i].asset == asset {
				return &s.touches[i]
			}
		}
	} else {
		hash := b.hashPair(account, asset)
		at, found := s.touchIndex.find(hash, func(i uint32) bool {
			return s.touches[i].account == account && s.touches[i].asset == asset
		})
		if found {
			return &s.touches[at]
		}
		s.touchIndex.add(hash, uint32(len(s.touches)))
	}
	t := touch{account: account, asset: asset, holding: noHolding}
	if at, found := b.findHolding(account, asset); found {
		t.holding = at
	}
	s.touches = append(s.touches, t)
	added := &s.touches[len(s.touches)-1]
	if t.holding != noHolding && b.accounts.at(account).pends {
		b.notePending(added)
	}
	return added
}

func (b *Book) notePending(t *touch) {
	if before := b.pending[t.holding]; before != (sums{}) {
		b.scratch.pendsOf(t).before = before
	}
}

// pendsOf gives the pending side of a touch, which it adds where there is none. The pointer is good until the next call.
func (s *scratch) pendsOf(t *touch) *pends {
	if t.pends == 0 {
		s.pends = append(s.pends, pends{})
		t.pends = uint32(len(s.pends))
	}
	return &s.pends[t.pends-1]
}

func (b *Book) numberAccount(a address.Address) uint32 {
	if number, ok := b.findAccount(a); ok {
		return number
	}
	s := &b.scratch
	if number, ok := s.newAccountNumbers[a]; ok {
		return number
	}
	number := b.accounts.len() + uint32(len(s.newAccounts))
	s.newAccounts = append(s.newAccounts, newAccount{address: a, rule: b.matcher.find(a)})
	if s.newAccountNumbers == nil {
		s.newAccountNumbers = map[address.Address]uint32{}
	}
	s.newAccountNumbers[a] = number
	return number
}

func (b *Book) numberAsset(asset money.Asset) uint32 {
	if number, ok := b.assetNumbers[asset]; ok {
		return number
	}
	s := &b.scratch
	if number, ok := s.newAssetNumbers[asset]; ok {
		return number
	}
	number := uint32(len(b.assets) + len(s.newAssets))
	s.newAssets = append(s.newAssets, asset)
	if s.newAssetNumbers == nil {
		s.newAssetNumbers = map[money.Asset]uint32{}
	}
	s.newAssetNumbers[asset] = number
	return number
}

// The rest describes a touch to those who judge it.

func (b *Book) addressOf(t *touch) address.Address {
	if n := int(t.account) - int(b.accounts.len()); n >= 0 {
		return b.scratch.newAccounts[n].address
	}
	return b.accounts.at(t.account).address
}

func (b *Book) assetOf(t *touch) money.Asset {
	if n := int(t.asset) - len(b.assets); n >= 0 {
		return b.scratch.newAssets[n]
	}
	return b.assets[t.asset]
}

func (b *Book) ruleOf(t *touch) *compiledRule {
	if n := int(t.account) - int(b.accounts.len()); n >= 0 {
		return b.matcher.rule(b.scratch.newAccounts[n].rule)
	}
	return b.matcher.rule(b.accounts.at(t.account).rule)
}

// isClosed tells whether the account takes no entries.
func (b *Book) isClosed(t *touch) bool {
	return t.account < b.accounts.len() && b.accounts.at(t.account).closed
}

// termsOf gives the account's type and the limits in force on it.
func (b *Book) termsOf(t *touch) (AccountType, Limits) {
	if t.account >= b.accounts.len() {
		rule := b.ruleOf(t)
		return rule.Type, rule.Limits
	}
	return b.accounts.at(t.account).kind.accountType(), b.limits(t.account)
}

// posted gives what is posted before and after the command, and whether the latter fits.
func (b *Book) posted(t *touch) (before, after sums, ok bool) {
	if t.holding != noHolding {
		before = b.holdings.at(t.holding).sums
	}
	var debits, credits bool // sums.plus written out: this is where most of a decision's arithmetic is
	after.debits, debits = before.debits.Add(t.sums.debits)
	after.credits, credits = before.credits.Add(t.sums.credits)
	return before, after, debits && credits && !t.overflows
}

// pended gives what is pending before and after the command, and whether the latter can be.
func (b *Book) pended(t *touch) (before, after sums, ok bool) {
	if t.pends == 0 {
		return sums{}, sums{}, true
	}
	p := &b.scratch.pends[t.pends-1]
	less, ok := p.before.minus(p.released)
	after, fits := less.plus(p.placed)
	return p.before, after, ok && fits
}

// fits tells whether what is posted and what is pending after the command are within the range together.
func (b *Book) fits(t *touch) bool {
	_, posted, ok := b.posted(t)
	if t.pends == 0 || !ok {
		return ok
	}
	_, pending, ok := b.pended(t)
	if ok {
		_, ok = posted.plus(pending)
	}
	return ok
}
