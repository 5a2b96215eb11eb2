package ledger

import (
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/domain/address"
)

// Evolve brings a book to its state after an event. It judges nothing: what happened, happened. It fails, and leaves
// the book as it was, only on an event that cannot follow the ones before, whatever was decided: then the log is
// corrupt.
func Evolve(b *Book, e Event) error {
	if err := b.evolve(e); err != nil {
		return err
	}
	b.revision++
	return nil
}

func (b *Book) evolve(e Event) error {
	switch e := e.(type) {
	case LedgerOpened:
		return b.evolveLedgerOpened(e)
	case AccountOpened:
		return b.evolveAccountOpened(e)
	case TransactionPosted:
		return b.evolveTransactionPosted(&e)
	case HoldPlaced:
		return b.evolveHoldPlaced(&e)
	case HoldCaptured:
		return b.evolveHoldCaptured(&e)
	case HoldVoided:
		return b.evolveHoldEnded(e.ID, StatusVoided, e.HoldOrigin)
	case HoldExpired:
		return b.evolveHoldEnded(e.ID, StatusExpired, e.HoldOrigin)
	case ChartReplaced:
		return b.evolveChartReplaced(e)
	case AccountClosed:
		return b.evolveAccountClosed(e)
	case AccountReopened:
		return b.evolveAccountReopened(e)
	case AccountMetadataSet:
		return b.evolveAccountMetadataSet(e)
	case TransactionMetadataSet:
		return b.evolveTransactionMetadataSet(e)
	case PeriodClosed:
		return b.evolvePeriodClosed(e)
	case PeriodReopened:
		return b.evolvePeriodReopened(e)
	case AssertionDeclared:
		return b.evolveAssertionDeclared(e)
	case AssertionHeld:
		return b.evolveAssertionHeld(e, Holds)
	case AssertionBroken:
		return b.evolveAssertionHeld(AssertionHeld(e), Broken)
	default:
		panic(fmt.Sprintf("ledger: Evolve by a %T", e)) // the set is closed
	}
}

// What makes an event impossible.
var (
	errNotOpen      = errors.New("the ledger is not open")
	errOpen         = errors.New("the ledger is open already")
	errNothingMoves = errors.New("a transaction or hold has at least two entries, none of them zero")
	errTotals       = errors.New("a total exceeds 2^128-1")
)

func (b *Book) evolveLedgerOpened(e LedgerOpened) error {
	if b.opened != nil {
		return fmt.Errorf("open ledger %q: %w as %q", e.Name, errOpen, b.opened.Name)
	}
	b.opened, b.matcher = &e, e.Chart.Matcher()
	return nil
}

func (b *Book) evolveAccountOpened(e AccountOpened) error {
	if b.opened == nil {
		return fmt.Errorf("open account %q: %w", e.Address, errNotOpen)
	}
	kind, ok := e.Type.kind()
	if !ok {
		return fmt.Errorf("open account %q: no account type %q", e.Address, e.Type)
	}
	if _, exists := b.findAccount(e.Address); exists {
		return fmt.Errorf("open account %q: it is open already", e.Address)
	}
	b.addAccount(e.Address, b.matcher.find(e.Address), kind, e.Limits)
	if len(e.Metadata) > 0 {
		b.keepAccountMetadata(b.accounts.len()-1, pack(e.Metadata))
	}
	return nil
}

func (b *Book) addAccount(a address.Address, rule uint32, kind kind, own Limits) {
	added := account{address: address.Address(b.addresses.keep(string(a))), rule: rule, kind: kind}
	if own != (Limits{}) {
		b.extras.add(extra{own: own})
		added.extra = b.extras.len()
	}
	b.accountIndex.add(b.hashText(a), b.accounts.len())
	b.accounts.add(added)
}

func (b *Book) evolveTransactionPosted(e *TransactionPosted) error {
	if err := b.canPost(e); err != nil {
		return fmt.Errorf("post transaction %d: %w", e.ID, err)
	}

	b.apply(&b.scratch)
	b.transactions = e.ID
	if len(b.assertions.all) > 0 {
		b.countAssertions(e)
	}
	if e.Reference != "" {
		b.addReference(e.Reference, transactionOwner(e.ID))
	}
	if e.Reverts != 0 {
		b.addRevert(e.Reverts, e.ID)
	}
	return nil
}

// apply does to holdings what was gathered, all of which fits.
func (b *Book) apply(s *scratch) {
	for _, asset := range s.newAssets {
		b.newAsset(asset)
	}
	for i := range s.touches {
		t := &s.touches[i]
		_, after, _ := b.posted(t)
		if t.holding == noHolding {
			b.addHolding(t.account, t.asset, after)
			t.holding = b.holdings.len() - 1
		} else if after != b.holdings.at(t.holding).sums {
			b.remember(t.holding)
			b.holdings.edit(t.holding).sums = after
		}
		if t.pends != 0 {
			b.setPending(t)
		}
	}
}

// canPost tests all that could be wrong with a transaction before anything is changed, and leaves in the scratch what
// the transaction does.
func (b *Book) canPost(e *TransactionPosted) error {
	if b.opened == nil {
		return errNotOpen
	}
	if e.ID != b.transactions+1 {
		return fmt.Errorf("the one before has number %d", b.transactions)
	}
	if err := b.canRevert(e); err != nil {
		return err
	}
	if e.Hold > b.Holds() {
		return fmt.Errorf("there is no hold %d", e.Hold)
	}
	return b.canMove(e.Entries, e.Reference, &effect{posted: e.Entries})
}

// canMove tests the entries and the reference of a transaction or hold, and then what they come to.
func (b *Book) canMove(entries []Entry, reference string, does *effect) error {
	if len(entries) < 2 {
		return errNothingMoves
	}
	for i := range entries {
		if entries[i].Amount.IsZero() {
			return errNothingMoves
		}
	}
	if r := unbalanced(entries); r != nil {
		return r
	}
	if reference != "" {
		if owner, exists := b.findReference(reference); exists {
			return referenceExists(reference, owner)
		}
	}
	return b.canDo(does)
}

// canDo gathers an effect and tests that all accounts are open and all totals within their range afterwards.
func (b *Book) canDo(does *effect) error {
	s := b.gather(does)
	if len(s.newAccounts) > 0 {
		return fmt.Errorf("account %q is not open", s.newAccounts[0].address)
	}
	for i := range s.touches {
		if !b.fits(&s.touches[i]) {
			return fmt.Errorf("account %q: %w", b.addressOf(&s.touches[i]), errTotals)
		}
	}
	return nil
}

func (b *Book) addHolding(account, asset uint32, posted sums) {
	b.holdingIndex.add(b.hashPair(account, asset), b.holdings.len())
	b.holdings.add(holding{account: account, asset: asset, sums: posted})
	if b.accounts.at(account).first == 0 {
		b.accounts.edit(account).first = b.holdings.len()
	}
}
