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

func referenceExists(reference string, has owner) *Rejection {
	r := &Rejection{Code: ReferenceExists}
	if r.Transaction, r.Hold = has.ids(); r.Hold != 0 {
		r.Detail = fmt.Sprintf("hold %d has the reference %q already", r.Hold, reference)
	} else {
		r.Detail = fmt.Sprintf("transaction %d has the reference %q already", r.Transaction, reference)
	}
	return r
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
		Detail: fmt.Sprintf("the total debits or credits of account %q in %s, open holds included, would exceed %s",
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

// insufficientFunds tells what the account could give before it breaks its minimum, and what it would have to.
func (b *Book) insufficientFunds(t *touch, before, after, minimum money.Signed) *Rejection {
	var available money.Signed
	if left, ok := before.Sub(minimum); ok && !left.IsNegative() {
		available = left
	}
	net, _ := before.Sub(after) // at most the command's sum on one side, which fits
	required := net.Abs()
	what := "transaction"
	if t.sums == (sums{}) {
		what = "hold"
	}
	return &Rejection{
		Code:      InsufficientFunds,
		Account:   b.addressOf(t),
		Asset:     b.assetOf(t),
		Available: &available,
		Required:  &required,
		Detail: fmt.Sprintf("account %q has %s of %s available, and the %s takes %s",
			b.addressOf(t), available, b.assetOf(t), what, required),
	}
}
