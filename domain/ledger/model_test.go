package ledger_test

import (
	"maps"
	"math/big"
	"slices"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// model is a ledger written down as plainly as can be: maps, math/big, and each rule of the contract by itself. It
// keeps its own state and never looks into a book.
type model struct {
	modelState

	chart        ledger.Chart
	accounts     map[address.Address]modelAccount
	debits       map[place]*big.Int
	credits      map[place]*big.Int
	references   map[string]bool
	transactions uint64
}

type modelAccount struct {
	of  ledger.AccountType
	own ledger.Limits
}

type place struct {
	account address.Address
	asset   money.Asset
}

func newModel(chart ledger.Chart) *model {
	return &model{
		chart:      chart,
		accounts:   map[address.Address]modelAccount{},
		debits:     map[place]*big.Int{},
		credits:    map[place]*big.Int{},
		references: map[string]bool{},
		modelState: newModelState(),
	}
}

// clone is a model whose numbers are shared: they are replaced, never changed.
func (m *model) clone() *model {
	c := *m
	c.modelState = m.modelState.clone()
	c.accounts, c.references = maps.Clone(m.accounts), maps.Clone(m.references)
	c.debits, c.credits = maps.Clone(m.debits), maps.Clone(m.credits)
	return &c
}

// do applies a command, or gives the code for which it is rejected.
func (m *model) do(c ledger.Command) ledger.Code {
	switch c := c.(type) {
	case ledger.OpenAccount:
		return m.openAccount(c)
	case ledger.PostTransaction:
		return m.post(c)
	default:
		return m.change(c)
	}
}

func (m *model) openAccount(c ledger.OpenAccount) ledger.Code {
	rule := m.rule(c.Address)
	minimum, maximum := m.bounds(rule, c.Limits)
	_, exists := m.accounts[c.Address]
	switch {
	case minimum != nil && maximum != nil && minimum.Cmp(maximum) > 0:
		return ledger.InvalidField
	case exists:
		return ledger.AccountExists
	case rule == nil && m.chart.Undeclared == ledger.Reject:
		return ledger.AccountNotDeclared
	}
	of := c.Type
	if of == "" {
		of = m.typeBy(rule)
	}
	m.accounts[c.Address] = modelAccount{of: of, own: c.Limits}
	return ""
}

func (m *model) post(c ledger.PostTransaction) ledger.Code {
	entries, refused := m.writeOut(&c.Movement, false)
	if refused == ledger.InvalidField {
		return refused
	}
	c.Entries = entries
	after := m.clone()
	for _, e := range c.Entries {
		if _, exists := after.accounts[e.Account]; !exists {
			after.accounts[e.Account] = modelAccount{of: m.typeBy(m.rule(e.Account))}
		}
		after.add(e)
	}
	after.transactions++
	after.record(&c.Movement, c.Entries)
	if c.Reference != "" {
		after.references[c.Reference] = true
	}
	if code := m.judge(after, c, refused); code != "" {
		return code
	}
	*m = *after
	return ""
}

// judge compares the books before and after, one reason after the other.
func (m *model) judge(after *model, c ledger.PostTransaction, refused ledger.Code) ledger.Code {
	if c.Reference != "" && m.references[c.Reference] {
		return ledger.ReferenceExists
	}
	reasons := map[ledger.Code]bool{refused: true, ledger.PreconditionFailed: !m.meets(c.Preconditions), ledger.PeriodIsClosed: m.late(&c.Movement)}
	for _, e := range c.Entries {
		rule, at := m.rule(e.Account), place{e.Account, e.Asset}
		if rule == nil && m.chart.Undeclared == ledger.Reject {
			reasons[ledger.AccountNotDeclared] = true
		}
		if m.closed[e.Account] {
			reasons[ledger.AccountIsClosed] = true
		}
		if rule != nil && len(rule.Assets) > 0 && !slices.Contains(rule.Assets, e.Asset) {
			reasons[ledger.AssetNotAllowed] = true
		}
		if after.sum(after.debits, at).BitLen() > 128 || after.sum(after.credits, at).BitLen() > 128 {
			reasons[ledger.AmountOutOfRange] = true
		}
		account := after.accounts[e.Account]
		minimum, maximum := m.bounds(rule, account.own)
		was, is := m.balance(at, account.of), after.balance(at, account.of)
		if minimum != nil && is.Cmp(minimum) < 0 && is.Cmp(was) < 0 {
			reasons[ledger.InsufficientFunds] = true
		}
		if maximum != nil && is.Cmp(maximum) > 0 && is.Cmp(was) > 0 {
			reasons[ledger.BalanceLimitExceeded] = true
		}
	}
	for _, code := range []ledger.Code{
		ledger.AccountNotDeclared, ledger.PeriodIsClosed, ledger.AccountIsClosed, ledger.AssetNotAllowed, ledger.PreconditionFailed,
		ledger.AmountOutOfRange, ledger.InsufficientFunds, ledger.BalanceLimitExceeded,
	} {
		if reasons[code] {
			return code
		}
	}
	return ""
}

func (m *model) add(e ledger.Entry) {
	side := m.debits
	if e.Side == ledger.Credit {
		side = m.credits
	}
	at := place{e.Account, e.Asset}
	amount, _ := new(big.Int).SetString(e.Amount.String(), 10)
	side[at] = new(big.Int).Add(m.sum(side, at), amount)
}

func (m *model) sum(side map[place]*big.Int, at place) *big.Int {
	if n := side[at]; n != nil {
		return n
	}
	return new(big.Int)
}

func (m *model) balance(at place, of ledger.AccountType) *big.Int {
	n := new(big.Int).Sub(m.sum(m.debits, at), m.sum(m.credits, at))
	if of == ledger.Asset || of == ledger.Expense {
		return n
	}
	return n.Neg(n)
}

func (m *model) rule(a address.Address) *ledger.Rule { return naiveRule(m.chart.Rules, a) }

func (m *model) typeBy(rule *ledger.Rule) ledger.AccountType {
	if rule == nil {
		return ledger.Liability
	}
	return rule.Type
}

func (m *model) bounds(rule *ledger.Rule, own ledger.Limits) (minimum, maximum *big.Int) {
	pick := func(own, rules *money.Signed) *big.Int {
		if own == nil {
			own = rules
		}
		if own == nil {
			return nil
		}
		n, _ := new(big.Int).SetString(own.String(), 10)
		return n
	}
	var rules ledger.Limits
	if rule != nil {
		rules = rule.Limits
	}
	return pick(own.Min, rules.Min), pick(own.Max, rules.Max)
}
