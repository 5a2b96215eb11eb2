package ledger

import (
	"math/big"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// tally are an assertion's sums as a book counts them: by the normal side of the account, then by the side of the entry.
type tally [2][2]wide

func (t *tally) add(normal, side Side, amount money.Amount) {
	t[normal][side] = t[normal][side].plus(wideOf(amount))
}

func (t *tally) addAll(other *tally) {
	for normal := range t {
		for side := range t[normal] {
			t[normal][side] = t[normal][side].plus(other[normal][side])
		}
	}
}

// balance is on the normal side where all entries are on accounts of one side, and debits less credits where they are
// not.
func (t *tally) balance() wide {
	debits, credits := &t[Debit], &t[Credit]
	if *debits == ([2]wide{}) {
		return credits[Credit].minus(credits[Debit])
	}
	return debits[Debit].minus(debits[Credit]).plus(credits[Debit].minus(credits[Credit]))
}

func (t *tally) sums() AssertionSums {
	number := func(x wide) *big.Int {
		if x == (wide{}) {
			return nil
		}
		return x.big()
	}
	of := func(sides [2]wide) Sums { return Sums{Debits: number(sides[Debit]), Credits: number(sides[Credit])} }
	return AssertionSums{DebitNormal: of(t[Debit]), CreditNormal: of(t[Credit])}
}

// tallyOf is the inverse of sums, where they are not negative and not beyond what a ledger can come to.
func tallyOf(s AssertionSums) (t tally, ok bool) {
	for normal, sums := range [...]Sums{Debit: s.DebitNormal, Credit: s.CreditNormal} {
		for side, n := range [...]*big.Int{Debit: sums.Debits, Credit: sums.Credits} {
			if t[normal][side], ok = wideOfBig(n); !ok {
				return tally{}, false
			}
		}
	}
	return t, true
}

// normalSide is the side that accounts of this type grow by.
func (t AccountType) normalSide() Side {
	if t.DebitNormal() {
		return Debit
	}
	return Credit
}

// countsBy tells whether an assertion up to a time, zero for any, is about a transaction.
func countsBy(at time.Time, posted *TransactionPosted) bool {
	return at.IsZero() || !posted.EffectiveAt.After(at)
}

// within tells whether a balance is what the bounds demand.
func (b Bounds) within(balance wide) bool {
	return (b.EQ == nil || balance.cmp(wideOfSigned(*b.EQ)) == 0) &&
		(b.GTE == nil || balance.cmp(wideOfSigned(*b.GTE)) >= 0) &&
		(b.LTE == nil || balance.cmp(wideOfSigned(*b.LTE)) <= 0)
}

// Tally sums up what an assertion is about. Given all events before its declaration, in their order, it has what
// [EvaluateAssertion] wants as Before.
type Tally struct {
	about   AssertionDeclared
	normals map[address.Address]Side // of the accounts that the pattern stands for
	tally   tally
}

// NewTally starts at zero.
func NewTally(about AssertionDeclared) *Tally {
	return &Tally{about: about, normals: map[address.Address]Side{}}
}

// Count takes the next event.
func (t *Tally) Count(e Event) {
	switch e := e.(type) {
	case AccountOpened:
		if t.about.Pattern.Match(e.Address) {
			t.normals[e.Address] = e.Type.normalSide()
		}
	case TransactionPosted:
		if !countsBy(t.about.At, &e) {
			return
		}
		for i := range e.Entries {
			entry := &e.Entries[i]
			if entry.Asset != t.about.Asset {
				continue
			}
			if normal, matches := t.normals[entry.Account]; matches {
				t.tally.add(normal, entry.Side, entry.Amount)
			}
		}
	}
}

// Sums are those so far.
func (t *Tally) Sums() AssertionSums { return t.tally.sums() }
