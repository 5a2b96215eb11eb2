package ledger_test

import (
	"maps"
	"math/big"
	"slices"
	"time"

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
	reverted     map[uint64]uint64 // by which
	holds        []modelHold
	held         map[place]bool // where there ever was a hold
	aside        []ledger.Entry // what a hold that is being written out would set aside
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
		reverted:   map[uint64]uint64{},
		held:       map[place]bool{},
		modelState: newModelState(),
	}
}

// clone is a model whose numbers are shared: they are replaced, never changed.
func (m *model) clone() *model {
	c := *m
	c.modelState = m.modelState.clone()
	c.accounts, c.references = maps.Clone(m.accounts), maps.Clone(m.references)
	c.debits, c.credits = maps.Clone(m.debits), maps.Clone(m.credits)
	c.holds, c.reverted, c.held = slices.Clone(m.holds), maps.Clone(m.reverted), maps.Clone(m.held)
	return &c
}

// do applies a command, or gives the code for which it is rejected.
func (m *model) do(c ledger.Command, now time.Time) ledger.Code {
	switch c := c.(type) {
	case ledger.OpenAccount:
		return m.openAccount(c)
	case ledger.PostTransaction:
		return m.transact(c)
	case ledger.PlaceHold:
		return m.place(c, now)
	case ledger.CaptureHold:
		return m.capture(c, now)
	case ledger.VoidHold:
		return m.end(c.ID, "voided", now)
	case ledger.ExpireHold:
		return m.end(c.ID, "expired", now)
	case ledger.RevertTransaction:
		return m.revert(c)
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

func (m *model) transact(c ledger.PostTransaction) ledger.Code {
	entries, refused := m.writeOut(&c.Movement, false)
	if refused == ledger.InvalidField {
		return refused
	}
	after := m.clone()
	after.open(entries)
	after.post(&c.Movement, entries)
	after.refer(c.Reference)
	return m.become(after, modelDeal{
		entries: entries, reference: c.Reference, preconditions: c.Preconditions, refused: refused, when: &c.Movement,
	})
}

// modelDeal is what there is to say of a change besides the books before and after it.
type modelDeal struct {
	entries       []ledger.Entry // all that may have an effect
	reference     string
	preconditions []ledger.Precondition
	refused       ledger.Code
	forced        bool
	when          *ledger.Movement // nil where it posts nothing
}

// become makes the model what it would be after a command, unless that is refused.
func (m *model) become(after *model, d modelDeal) ledger.Code {
	if code := m.judge(after, d); code != "" {
		return code
	}
	*m = *after
	return ""
}

// judge compares the books before and after, one reason after the other.
func (m *model) judge(after *model, d modelDeal) ledger.Code {
	if d.reference != "" && m.references[d.reference] {
		return ledger.ReferenceExists
	}
	reasons := map[ledger.Code]bool{
		d.refused: true, ledger.PreconditionFailed: !m.meets(d.preconditions), ledger.PeriodIsClosed: d.when != nil && m.late(d.when),
	}
	for _, e := range d.entries {
		rule, at := m.rule(e.Account), place{e.Account, e.Asset}
		if rule == nil && m.chart.Undeclared == ledger.Reject {
			reasons[ledger.AccountNotDeclared] = true
		}
		if m.closed[e.Account] && !d.forced {
			reasons[ledger.AccountIsClosed] = true
		}
		if rule != nil && len(rule.Assets) > 0 && !slices.Contains(rule.Assets, e.Asset) {
			reasons[ledger.AssetNotAllowed] = true
		}
		if !after.inRange(at) {
			reasons[ledger.AmountOutOfRange] = true
		}
		if d.forced {
			continue
		}
		account := after.accounts[e.Account]
		minimum, maximum := m.bounds(rule, account.own)
		was, is := m.available(at, account.of), after.available(at, account.of)
		if minimum != nil && is.Cmp(minimum) < 0 && is.Cmp(was) < 0 {
			reasons[ledger.InsufficientFunds] = true
		}
		was, is = m.highest(at, account.of), after.highest(at, account.of)
		if maximum != nil && is.Cmp(maximum) > 0 && is.Cmp(was) > 0 {
			reasons[ledger.BalanceLimitExceeded] = true
		}
	}
	for _, code := range []ledger.Code{
		ledger.AccountNotDeclared, ledger.PeriodIsClosed, ledger.AccountIsClosed, ledger.AssetNotAllowed, ledger.PreconditionFailed,
		ledger.CaptureExceedsHold, ledger.AmountOutOfRange, ledger.InsufficientFunds, ledger.BalanceLimitExceeded,
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
