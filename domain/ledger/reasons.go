package ledger

import (
	"fmt"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

func ledgerNotFound() *Rejection {
	return &Rejection{Code: LedgerNotFound, Detail: "the ledger does not exist; open it first"}
}

func notDeclared(a address.Address) *Rejection {
	return &Rejection{
		Code:    AccountNotDeclared,
		Account: a,
		Detail:  fmt.Sprintf("no rule of the chart matches account %q, and the chart rejects undeclared accounts", a),
	}
}

func referenceExists(reference string, transaction uint64) *Rejection {
	return &Rejection{
		Code:        ReferenceExists,
		Transaction: transaction,
		Detail:      fmt.Sprintf("transaction %d has the reference %q already", transaction, reference),
	}
}

func contradictsRule(c OpenAccount, rule *compiledRule) *Rejection {
	limits := c.Limits.Over(rule.Limits)
	r := &Rejection{
		Code:    InvalidField,
		Account: c.Address,
		Detail: fmt.Sprintf("account %q would have min_balance %s above max_balance %s; one of them is from the chart's rule %q",
			c.Address, limits.Min, limits.Max, rule.Pattern),
	}
	if c.Limits.Min != nil {
		r.Fields = append(r.Fields, Field{"/min_balance", "above the max_balance of the chart's rule"})
	}
	if c.Limits.Max != nil {
		r.Fields = append(r.Fields, Field{"/max_balance", "below the min_balance of the chart's rule"})
	}
	return r
}

func (b *Book) assetNotAllowed(t *touch) *Rejection {
	return &Rejection{
		Code:    AssetNotAllowed,
		Account: b.addressOf(t),
		Asset:   b.assetOf(t),
		Detail: fmt.Sprintf("account %q may not hold %s; the chart's rule %q lists the assets that it may",
			b.addressOf(t), b.assetOf(t), b.ruleOf(t).Pattern),
	}
}

func (b *Book) outOfRange(t *touch) *Rejection {
	return &Rejection{
		Code:    AmountOutOfRange,
		Account: b.addressOf(t),
		Asset:   b.assetOf(t),
		Detail: fmt.Sprintf("the total debits or credits of account %q in %s would exceed %s",
			b.addressOf(t), b.assetOf(t), money.MaxAmount),
	}
}

func (b *Book) limitExceeded(t *touch, after, maximum money.Signed) *Rejection {
	return &Rejection{
		Code:    BalanceLimitExceeded,
		Account: b.addressOf(t),
		Asset:   b.assetOf(t),
		Detail: fmt.Sprintf("account %q would have %s of %s, and its maximum is %s",
			b.addressOf(t), after, b.assetOf(t), maximum),
	}
}
