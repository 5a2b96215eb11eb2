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
	switch e := e.(type) {
	case LedgerOpened:
		return b.evolveLedgerOpened(e)
	case AccountOpened:
		return b.evolveAccountOpened(e)
	case TransactionPosted:
		return b.evolveTransactionPosted(&e)
	default:
		panic(fmt.Sprintf("ledger: Evolve by a %T", e)) // the set is closed
	}
}

// What makes an event impossible.
var (
	errNotOpen      = errors.New("the ledger is not open")
	errOpen         = errors.New("the ledger is open already")
	errNothingMoves = errors.New("a transaction has at least two entries, none of them zero")
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

	s := &b.scratch
	for _, asset := range s.newAssets {
		b.newAsset(asset)
	}
	for i := range s.touches {
		t := &s.touches[i]
		_, after, _ := b.totals(t)
		if t.holding == noHolding {
			b.addHolding(t.account, t.asset, after)
			continue
		}
		b.remember(t.holding)
		b.holdings[t.holding].Totals = after
	}
	b.transactions = e.ID
	if e.Reference != "" {
		b.addReference(digest, e.ID)
	}
	return nil
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
	if len(e.Entries) < 2 {
		return digest, errNothingMoves
	}
	for i := range e.Entries {
		if e.Entries[i].Amount.IsZero() {
			return digest, errNothingMoves
		}
	}
	if r := unbalanced(e.Entries); r != nil {
		return digest, r
	}
	if e.Reference != "" {
		digest = digestOf(e.Reference)
		if at, exists := b.findReference(digest); exists {
			return digest, referenceExists(e.Reference, b.references[at].transaction)
		}
	}
	s := b.gather(e.Entries)
	if len(s.newAccounts) > 0 {
		return digest, fmt.Errorf("account %q is not open", s.newAccounts[0].address)
	}
	for i := range s.touches {
		if _, _, ok := b.totals(&s.touches[i]); !ok {
			return digest, fmt.Errorf("account %q: %w", b.addressOf(&s.touches[i]), errTotals)
		}
	}
	return digest, nil
}

func (b *Book) addHolding(account, asset uint32, totals Totals) {
	b.holdingIndex.add(b.hashPair(account, asset), uint32(len(b.holdings)))
	b.holdings = append(b.holdings, holding{account: account, asset: asset, Totals: totals})
	if a := &b.accounts[account]; a.first == 0 {
		a.first = uint32(len(b.holdings))
	}
}

func (b *Book) addReference(digest [16]byte, transaction uint64) {
	b.referenceIndex.add(b.hashDigest(digest), uint32(len(b.references)))
	b.references = append(b.references, reference{digest: digest, transaction: transaction})
}
