package journal

import (
	"strings"
)

// mixed is amounts of several commodities, one each, in the order in which they came. Amounts are never changed in
// place; zeros may be among them.
type mixed []amount

func (m mixed) add(a amount) mixed {
	for i := range m {
		if m[i].commodity == a.commodity {
			sum := append(mixed{}, m...)
			sum[i].quantity = m[i].quantity.add(a.quantity)
			return sum
		}
	}
	return append(append(mixed{}, m...), a)
}

func (m mixed) addAll(other mixed) mixed {
	for _, a := range other {
		m = m.add(a)
	}
	return m
}

func (m mixed) of(commodity string) decimal {
	for _, a := range m {
		if a.commodity == commodity {
			return a.quantity
		}
	}
	return zeroDecimal()
}

func (m mixed) nonZero() mixed {
	left := mixed{}
	for _, a := range m {
		if a.quantity.sign() != 0 {
			left = append(left, a)
		}
	}
	return left
}

func (m mixed) neg() mixed {
	opposite := mixed{}
	for _, a := range m {
		opposite = append(opposite, amount{a.commodity, a.quantity.neg()})
	}
	return opposite
}

func (m mixed) String() string {
	texts := make([]string, len(m))
	for i, a := range m {
		texts[i] = a.String()
	}
	return strings.Join(texts, ", ")
}

// String writes the quantity and then the commodity, for messages.
func (a amount) String() string { return strings.TrimSpace(a.quantity.String() + " " + a.commodity) }

// value is what a posting counts for in the balance of its transaction: its cost, or its amounts where it has none.
func (p *posting) value() mixed {
	if p.cost == nil {
		return p.amounts
	}
	quantity := p.cost.quantity
	switch {
	case !p.cost.total:
		quantity = quantity.mul(p.written.quantity)
	case p.written.quantity.sign() < 0:
		quantity = quantity.neg()
	}
	return mixed{{p.cost.commodity, quantity}}
}

// counted is the amount in a posting's text whose decimals count: the one written, or the balance that is assigned.
func (p *posting) counted() (amount, bool) {
	switch {
	case p.written != nil:
		return *p.written, true
	case p.assert != nil:
		return p.assert.amount, true
	default:
		return amount{}, false
	}
}

// balance infers what is elided, and checks that the real postings balance, and those in brackets. The scales are the
// precision of commodities in which the entry has no amount.
func (e *entry) balance(scales map[string]int) *Error {
	for _, p := range e.postings {
		if p.kind == freeVirtual && p.amounts == nil {
			p.amounts = mixed{}
		}
	}
	if err := e.balanceGroup(realPosting, "real postings", scales); err != nil {
		return err
	}
	return e.balanceGroup(balancedVirtual, "postings in brackets", scales)
}

func (e *entry) balanceGroup(k kind, name string, scales map[string]int) *Error {
	var elided *posting
	var sum mixed
	costs := false
	for _, p := range e.postings {
		switch {
		case p.kind != k:
		case p.amounts != nil:
			sum = sum.addAll(p.value())
			costs = costs || p.cost != nil
		case elided != nil:
			return p.at.errorf("only one of the %s of a transaction can be without an amount (which stands two spaces"+
				" after the account)", name)
		default:
			elided = p
		}
	}
	if elided != nil {
		elided.amounts = sum.nonZero().neg()
		return nil
	}
	left := sum.nonZero()
	if !costs && len(left) == 2 && left[0].quantity.sign() != left[1].quantity.sign() {
		return nil // each is the cost of the other
	}
	var unbalanced mixed
	for _, a := range left {
		if !a.quantity.looksZero(e.places(a.commodity, scales)) {
			unbalanced = append(unbalanced, a)
		}
	}
	if len(unbalanced) > 0 {
		return e.at.errorf("the %s do not balance: they sum to %s", name, unbalanced)
	}
	return nil
}

// places is the precision to which a commodity must balance in the transaction, as in hledger: the decimals of the
// amounts written in it, or those of the commodity in the whole journal where only costs are.
func (e *entry) places(commodity string, scales map[string]int) int {
	most, found := 0, false
	for _, p := range e.postings {
		if a, ok := p.counted(); ok && a.commodity == commodity {
			most, found = max(most, a.quantity.places), true
		}
	}
	if found {
		return most
	}
	return scales[commodity]
}
