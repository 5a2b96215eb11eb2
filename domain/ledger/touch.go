package ledger

import (
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// touch is what one transaction does to one account in one asset, all its entries together.
type touch struct {
	account uint32 // from len(Book.accounts) on: one of scratch.newAccounts
	asset   uint32 // from len(Book.assets) on: one of scratch.newAssets
	holding uint32 // noHolding where the account has nothing in the asset yet
	sums    Totals
	// overflows: the sums themselves are past 2^128-1.
	overflows bool
}

const noHolding = ^uint32(0)

// newAccount is an account that the transaction would open.
type newAccount struct {
	address address.Address
	rule    uint32
}

// scratch is the memory that Decide and Evolve work in, kept in the book so that it is made once.
type scratch struct {
	touches    []touch // in order of first appearance
	touchIndex index   // of the touches, where there are more than a few entries

	newAccounts       []newAccount
	newAccountNumbers map[address.Address]uint32
	newAssets         []money.Asset
	newAssetNumbers   map[money.Asset]uint32
}

// few is up to how many entries it is quicker to look through all touches than to index them.
const few = 8

// gather finds what entries do to accounts, and fills the scratch with it.
func (b *Book) gather(entries []Entry) *scratch {
	s := &b.scratch
	s.reset(len(entries))
	var asset money.Asset
	var assetNumber uint32
	for i := range entries {
		e := &entries[i]
		if e.Asset != asset {
			asset, assetNumber = e.Asset, b.numberAsset(e.Asset)
		}
		t := b.touch(b.numberAccount(e.Account), assetNumber, len(entries))
		sum := &t.sums.Debits
		if e.Side == Credit {
			sum = &t.sums.Credits
		}
		var ok bool
		if *sum, ok = sum.Add(e.Amount); !ok {
			t.overflows = true
		}
	}
	return s
}

func (s *scratch) reset(entries int) {
	s.touches = s.touches[:0]
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
	return &s.touches[len(s.touches)-1]
}

func (b *Book) numberAccount(a address.Address) uint32 {
	if number, ok := b.findAccount(a); ok {
		return number
	}
	s := &b.scratch
	if number, ok := s.newAccountNumbers[a]; ok {
		return number
	}
	number := uint32(len(b.accounts) + len(s.newAccounts))
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
	if n := int(t.account) - len(b.accounts); n >= 0 {
		return b.scratch.newAccounts[n].address
	}
	return b.accounts[t.account].address
}

func (b *Book) assetOf(t *touch) money.Asset {
	if n := int(t.asset) - len(b.assets); n >= 0 {
		return b.scratch.newAssets[n]
	}
	return b.assets[t.asset]
}

func (b *Book) ruleOf(t *touch) *compiledRule {
	if n := int(t.account) - len(b.accounts); n >= 0 {
		return b.matcher.rule(b.scratch.newAccounts[n].rule)
	}
	return b.matcher.rule(b.accounts[t.account].rule)
}

// termsOf gives the account's type and the limits in force on it.
func (b *Book) termsOf(t *touch) (AccountType, Limits) {
	if int(t.account) >= len(b.accounts) {
		rule := b.ruleOf(t)
		return rule.Type, rule.Limits
	}
	return b.accounts[t.account].kind.accountType(), b.limits(t.account)
}

// totals gives those before and after the transaction, and whether the latter fit.
func (b *Book) totals(t *touch) (before, after Totals, ok bool) {
	if t.holding != noHolding {
		before = b.holdings[t.holding].Totals
	}
	var debits, credits bool
	after.Debits, debits = before.Debits.Add(t.sums.Debits)
	after.Credits, credits = before.Credits.Add(t.sums.Credits)
	return before, after, debits && credits && !t.overflows
}
