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

// Totals are what was ever debited and credited to an account in one asset. They only grow.
type Totals struct {
	Debits  money.Amount
	Credits money.Amount
}

// Balance is what the totals come to on the normal side of an account of the given type.
func (t Totals) Balance(of AccountType) money.Signed {
	if of.DebitNormal() {
		return money.Diff(t.Debits, t.Credits)
	}
	return money.Diff(t.Credits, t.Debits)
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
