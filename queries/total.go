package queries

import (
	"errors"
	"math/big"

	"github.com/daybook-ledger/daybook/domain/money"
)

// debitNormal tells whether balances of accounts of the type are debits less credits.
func debitNormal(accountType string) bool { return accountType == "asset" || accountType == "expense" }

// normal is debits less credits, or the opposite.
func normal(debit bool, debits, credits money.Amount) money.Signed {
	if debit {
		return money.Diff(debits, credits)
	}
	return money.Diff(credits, debits)
}

// totals are what an account was debited and credited in one asset. They fit, because the ledger sees to it.
type totals struct{ debits, credits money.Amount }

// errTotals says that the views contradict themselves.
var errTotals = errors.New("the totals of an account do not add up")

func (t totals) isZero() bool { return t.debits.IsZero() && t.credits.IsZero() }

// with gives the totals after an entry more.
func (t totals) with(credit bool, amount money.Amount) (totals, error) {
	return t.plus(totalsOf(credit, amount))
}

// without gives the totals before an entry.
func (t totals) without(credit bool, amount money.Amount) (totals, error) {
	return t.less(totalsOf(credit, amount))
}

func totalsOf(credit bool, amount money.Amount) totals {
	if credit {
		return totals{credits: amount}
	}
	return totals{debits: amount}
}

func (t totals) plus(o totals) (totals, error) {
	debits, ok := t.debits.Add(o.debits)
	credits, fits := t.credits.Add(o.credits)
	if !ok || !fits {
		return t, errTotals
	}
	return totals{debits, credits}, nil
}

func (t totals) less(o totals) (totals, error) {
	debits, ok := t.debits.Sub(o.debits)
	credits, fits := t.credits.Sub(o.credits)
	if !ok || !fits {
		return t, errTotals
	}
	return totals{debits, credits}, nil
}

// sum adds up amounts of many accounts: it has no greatest value. It is big only where it must be.
type sum struct {
	small money.Amount
	large *big.Int
}

func (s *sum) add(a money.Amount) {
	if s.large == nil {
		if small, ok := s.small.Add(a); ok {
			s.small = small
			return
		}
		s.large = toBig(s.small)
	}
	s.large.Add(s.large, toBig(a))
}

func (s *sum) big() *big.Int {
	if s.large != nil {
		return s.large
	}
	return toBig(s.small)
}

func (s *sum) String() string {
	if s.large != nil {
		return s.large.String()
	}
	return s.small.String()
}

// less is s-t in decimal digits.
func (s *sum) less(t *sum) string {
	if s.large == nil && t.large == nil {
		return money.Diff(s.small, t.small).String()
	}
	return new(big.Int).Sub(s.big(), t.big()).String()
}

func toBig(a money.Amount) *big.Int {
	hi, lo := a.Words()
	n := new(big.Int).SetUint64(hi)
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(lo))
}
