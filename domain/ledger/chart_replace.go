package ledger

import (
	"fmt"
	"strconv"
)

// maxConflicts is how many of the balances that break a chart are named.
const maxConflicts = 20

// Chart gives the rules in force, and whether the ledger is open.
func (b *Book) Chart() (Chart, bool) {
	switch {
	case b.opened == nil:
		return Chart{}, false
	case b.replaced != nil:
		return b.replaced.Chart, true
	default:
		return b.opened.Chart, true
	}
}

// decideReplaceChart holds every balance that there is to the new chart, in order of first posting. What an account does
// not have is not held to it: a minimum above zero, or a type that the chart no longer knows, is no conflict for an
// account with nothing on it.
func (b *Book) decideReplaceChart(c ReplaceChart) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	matcher := c.Chart.Matcher()
	var conflicts []Field
	first := noHolding
	for i := uint32(0); i < b.holdings.len() && len(conflicts) < maxConflicts; i++ {
		conflict, found := b.conflict(matcher, i)
		if !found {
			continue
		}
		if first == noHolding {
			first = i
		}
		conflicts = append(conflicts, conflict)
	}
	if first == noHolding {
		return []Event{ChartReplaced(c)}, nil
	}
	r := &Rejection{
		Code:    ChartConflict,
		Account: b.accounts.at(b.holdings.at(first).account).address,
		Asset:   b.assets[b.holdings.at(first).asset],
		Detail:  conflicts[0].Detail,
		Fields:  conflicts,
	}
	if n := len(conflicts); n > 1 {
		r.Detail = fmt.Sprintf("%d or more balances break the chart; the first: %s", n, r.Detail)
	}
	return nil, r
}

// conflict tells how a balance breaks a chart, if it does. The field is the rule that says so.
func (b *Book) conflict(m *Matcher, at uint32) (Field, bool) {
	h, totals := b.holdings.at(at), b.totalsOf(at)
	if totals.empty() {
		return Field{}, false
	}
	a, asset := b.accounts.at(h.account), b.assets[h.asset]
	number := m.find(a.address)
	pointer, of := "/rules", a.kind.accountType()
	if number != noRule {
		pointer += "/" + strconv.Itoa(int(number))
	}
	found := func(format string, args ...any) (Field, bool) {
		has := fmt.Sprintf("account %q has a balance of %s in %s%s, and ", a.address, totals.Balance(of), asset, totals.holds())
		return Field{pointer, has + fmt.Sprintf(format, args...)}, true
	}
	if number == noRule && m.undeclared != Allow {
		return found("no rule declares it")
	}
	rule := m.rule(number)
	if !rule.allows(asset) {
		return found("the rule %q does not list that asset", rule.Pattern)
	}
	limits := b.ownLimits(h.account).Over(rule.Limits)
	switch available, highest := totals.Available(of), totals.Highest(of); {
	case limits.Min != nil && available.Cmp(*limits.Min) < 0:
		return found("its minimum would be %s, with %s available", limits.Min, available)
	case limits.Max != nil && highest.Cmp(*limits.Max) > 0:
		return found("its maximum would be %s, with %s on it together with what is pending", limits.Max, highest)
	}
	return Field{}, false
}

func (b *Book) evolveChartReplaced(e ChartReplaced) error {
	if b.opened == nil {
		return fmt.Errorf("replace the chart: %w", errNotOpen)
	}
	matcher, replaced := b.matcher, b.replaced
	b.useChart(&e, e.Chart.Matcher())
	b.onRollback(func() { b.useChart(replaced, matcher) })
	return nil
}

// useChart points every account to its rule in another chart.
func (b *Book) useChart(replaced *ChartReplaced, m *Matcher) {
	b.replaced, b.matcher = replaced, m
	for i, a := range b.accounts.all {
		if rule := m.find(a.address); rule != a.rule {
			b.accounts.edit(i).rule = rule
		}
	}
}
