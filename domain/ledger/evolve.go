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
		b.keepAccountMetadata(uint32(len(b.accounts)-1), pack(e.Metadata))
	}
	return nil
}

func (b *Book) addAccount(a address.Address, rule uint32, kind kind, own Limits) {
	added := account{address: address.Address(b.addresses.keep(string(a))), rule: rule, kind: kind}
	if own != (Limits{}) {
		b.own = append(b.own, own)
		added.own = uint32(len(b.own))
	}
	b.accountIndex.add(b.hashText(a), uint32(len(b.accounts)))
	b.accounts = append(b.accounts, added)
}

func (b *Book) evolveTransactionPosted(e *TransactionPosted) error {
	digest, err := b.canPost(e)
	if err != nil {
		return fmt.Errorf("post transaction %d: %w", e.ID, err)
	}

	b.apply(&b.scratch)
	b.transactions = e.ID
	if len(b.assertions.all) > 0 {
		b.countAssertions(e)
	}
	if e.Reference != "" {
		b.addReference(digest, transactionOwner(e.ID))
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
			t.holding = uint32(len(b.holdings) - 1)
		} else if after != b.holdings[t.holding].sums {
			b.remember(t.holding)
			b.holdings[t.holding].sums = after
		}
		if t.pends != 0 {
			b.setPending(t)
		}
	}
}

// canPost tests all that could be wrong with a transaction before anything is changed, and leaves in the scratch what
// the transaction does.
func (b *Book) canPost(e *TransactionPosted) (digest [16]byte, err error) {
	if b.opened == nil {
		return digest, errNotOpen
	}
	if e.ID != b.transactions+1 {
		return digest, fmt.Errorf("the one before has number %d", b.transactions)
	}
	if err := b.canRevert(e); err != nil {
		return digest, err
	}
	if e.Hold > b.Holds() {
		return digest, fmt.Errorf("there is no hold %d", e.Hold)
	}
	return b.canMove(e.Entries, e.Reference, &effect{posted: e.Entries})
}

// canMove tests the entries and the reference of a transaction or hold, and then what they come to.
func (b *Book) canMove(entries []Entry, reference string, does *effect) (digest [16]byte, err error) {
	if len(entries) < 2 {
		return digest, errNothingMoves
	}
	for i := range entries {
		if entries[i].Amount.IsZero() {
			return digest, errNothingMoves
		}
	}
	if r := unbalanced(entries); r != nil {
		return digest, r
	}
	if reference != "" {
		digest = digestOf(reference)
		if at, exists := b.findReference(digest); exists {
			return digest, referenceExists(reference, b.references[at].owner)
		}
	}
	return digest, b.canDo(does)
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
	b.holdingIndex.add(b.hashPair(account, asset), uint32(len(b.holdings)))
	b.holdings = append(b.holdings, holding{account: account, asset: asset, sums: posted})
	if a := &b.accounts[account]; a.first == 0 {
		a.first = uint32(len(b.holdings))
	}
}

func (b *Book) addReference(digest [16]byte, owner owner) {
	b.referenceIndex.add(b.hashDigest(digest), uint32(len(b.references)))
	b.references = append(b.references, reference{digest: digest, owner: owner})
}
