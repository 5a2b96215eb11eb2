package ledger

import "github.com/daybook-ledger/daybook/domain/address"

// InForce gives the limits that an account has whose own are given: under the chart in force they override the rule's,
// each that is set. The account need not exist.
func (b *Book) InForce(a address.Address, own Limits) Limits {
	if b.opened == nil {
		return own
	}
	return own.Over(b.matcher.rule(b.matcher.find(a)).Limits)
}

// HasNewChart tells whether the chart that the ledger was opened with was ever replaced.
func (b *Book) HasNewChart() bool { return b.replaced != nil }
