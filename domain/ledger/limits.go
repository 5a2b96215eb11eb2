package ledger

import (
	"github.com/daybook-ledger/daybook/domain/money"
)

// DebitNormal tells whether accounts of this type grow by debits: Asset and Expense do, the others grow by credits.
func (t AccountType) DebitNormal() bool { return t == Asset || t == Expense }

// kind is an account type in one byte, as a book keeps it: its place in kinds.
type kind uint8

var kinds = [...]AccountType{Asset, Expense, Liability, Equity, Income} //nolint:gochecknoglobals // a table

func (k kind) accountType() AccountType { return kinds[k] }

// kind gives the type's number; an unknown type has none.
func (t AccountType) kind() (kind, bool) {
	for i, known := range kinds {
		if t == known {
			return kind(i), true
		}
	}
	return 0, false
}

// Totals are what was ever debited and credited to an account in one asset, which only grows, and what open holds would
// debit and credit besides. Each side with what is pending on it is at most 2^128-1.
type Totals struct {
	Debits         money.Amount
	Credits        money.Amount
	PendingDebits  money.Amount
	PendingCredits money.Amount
}

// Balance is what is posted, on the normal side of an account of the given type.
func (t Totals) Balance(of AccountType) money.Signed { return sums{t.Debits, t.Credits}.balance(of) }

// Available is the balance less what holds would take from it: what a minimum bounds.
func (t Totals) Available(of AccountType) money.Signed {
	if of.DebitNormal() {
		return money.Diff(t.Debits, together(t.Credits, t.PendingCredits))
	}
	return money.Diff(t.Credits, together(t.Debits, t.PendingDebits))
}

// Highest is the balance plus what holds would add to it: what a maximum bounds.
func (t Totals) Highest(of AccountType) money.Signed {
	if of.DebitNormal() {
		return money.Diff(together(t.Debits, t.PendingDebits), t.Credits)
	}
	return money.Diff(together(t.Credits, t.PendingCredits), t.Debits)
}

// together adds what is pending on a side to what is posted on it, which always fits.
func together(posted, pending money.Amount) money.Amount {
	sum, _ := posted.Add(pending)
	return sum
}

// sums are debits and credits of one kind: posted, or pending.
type sums struct{ debits, credits money.Amount }

func (s sums) plus(t sums) (sum sums, ok bool) {
	debits, ok1 := s.debits.Add(t.debits)
	credits, ok2 := s.credits.Add(t.credits)
	return sums{debits, credits}, ok1 && ok2
}

func (s sums) minus(t sums) (difference sums, ok bool) {
	debits, ok1 := s.debits.Sub(t.debits)
	credits, ok2 := s.credits.Sub(t.credits)
	return sums{debits, credits}, ok1 && ok2
}

func (s sums) balance(of AccountType) money.Signed {
	if of.DebitNormal() {
		return money.Diff(s.debits, s.credits)
	}
	return money.Diff(s.credits, s.debits)
}

func (s sums) with(pending sums) Totals {
	return Totals{Debits: s.debits, Credits: s.credits, PendingDebits: pending.debits, PendingCredits: pending.credits}
}

// Over gives the limits where each one that l does not set is taken from the rule's: an account's own limits over
// those of its rule are the limits in force.
func (l Limits) Over(rule Limits) Limits {
	if l.Min == nil {
		l.Min = rule.Min
	}
	if l.Max == nil {
		l.Max = rule.Max
	}
	return l
}

// contradictory tells whether no balance is within the limits.
func (l Limits) contradictory() bool { return l.Min != nil && l.Max != nil && l.Min.Cmp(*l.Max) > 0 }
