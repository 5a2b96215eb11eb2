package ledger

import (
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/money"
)

// Chart writes the template out as a chart, and tells whether there is such a template. The chart is complete: its
// last rule, "**", says what holds for every account that the others do not name.
func (t Template) Chart() (Chart, bool) {
	switch t {
	case General:
		return Chart{Undeclared: Allow, Rules: typedRules(Limits{})}, true
	case Wallets:
		rules := []Rule{
			{Pattern: "world", Type: Liability},
			{Pattern: "world:**", Type: Liability},
		}
		return Chart{Undeclared: Allow, Rules: append(rules, typedRules(Limits{Min: new(money.Signed)})...)}, true
	default:
		return Chart{}, false
	}
}

// typedRules give each account its type by its first segment, in any letter case, and all the same limits.
func typedRules(limits Limits) []Rule {
	types := []struct {
		of   AccountType
		tops []string
	}{
		{Asset, []string{"assets", "asset"}},
		{Expense, []string{"expenses", "expense"}},
		{Liability, []string{"liabilities", "liability"}},
		{Equity, []string{"equity", "equities"}},
		{Income, []string{"income", "incomes", "revenue", "revenues"}},
	}
	var rules []Rule
	for _, t := range types {
		for _, top := range t.tops {
			rules = append(rules,
				Rule{Pattern: address.Pattern(top), AnyCase: true, Type: t.of, Limits: limits},
				Rule{Pattern: address.Pattern(top + ":**"), AnyCase: true, Type: t.of, Limits: limits})
		}
	}
	return append(rules, Rule{Pattern: address.Rest, Type: Liability, Limits: limits})
}
