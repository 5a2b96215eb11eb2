package ledger_test

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// modelState is the part of a model that is about more than what was moved. For assertions it keeps every transaction,
// and sums all of them up whenever it is asked.
type modelState struct {
	closed   map[address.Address]bool
	notes    map[string]ledger.Metadata // of accounts by address, of transactions by number
	closings []ledger.Day
	posted   []ledger.TransactionPosted
	declared []ledger.AssertionDeclared
	// evaluated tells of each assertion whether it was.
	evaluated []bool
}

func newModelState() modelState {
	return modelState{closed: map[address.Address]bool{}, notes: map[string]ledger.Metadata{}}
}

func (m *modelState) clone() modelState {
	return modelState{
		closed: maps.Clone(m.closed), notes: maps.Clone(m.notes), closings: slices.Clone(m.closings),
		posted: slices.Clone(m.posted), declared: slices.Clone(m.declared), evaluated: slices.Clone(m.evaluated),
	}
}

// change applies the commands that move nothing.
func (m *model) change(c ledger.Command) ledger.Code {
	switch c := c.(type) {
	case ledger.CloseAccount:
		return m.closeAccount(c.Address)
	case ledger.ReopenAccount:
		if _, exists := m.accounts[c.Address]; !exists {
			return ledger.AccountNotFound
		} else if !m.closed[c.Address] {
			return ledger.InvalidField
		}
		delete(m.closed, c.Address)
	case ledger.SetAccountMetadata:
		if _, exists := m.accounts[c.Address]; !exists {
			return ledger.AccountNotFound
		}
		m.merge(string(c.Address), c.Patch)
	case ledger.SetTransactionMetadata:
		if c.ID == 0 || c.ID > m.transactions {
			return ledger.TransactionNotFound
		}
		m.merge(fmt.Sprint(c.ID), c.Patch)
	case ledger.ClosePeriod:
		if slices.ContainsFunc(m.closings, func(d ledger.Day) bool { return d >= c.Through }) {
			return ledger.InvalidField
		}
		m.closings = append(m.closings, c.Through)
	case ledger.ReopenPeriod:
		if !slices.Contains(m.closings, c.Through) {
			return ledger.InvalidField
		}
		m.closings = slices.DeleteFunc(m.closings, func(d ledger.Day) bool { return d >= c.Through })
	case ledger.ReplaceChart:
		if m.conflicts(c.Chart) {
			return ledger.ChartConflict
		}
		m.chart = c.Chart
	case ledger.DeclareAssertion:
		m.declared = append(m.declared, ledger.AssertionDeclared{Pattern: c.Pattern, Asset: c.Asset, At: c.At, Bounds: c.Bounds})
		m.evaluated = append(m.evaluated, false)
	case ledger.EvaluateAssertion:
		if c.ID == 0 || c.ID > uint64(len(m.declared)) {
			return ledger.InvalidField
		}
		m.evaluated[c.ID-1] = true
	default:
		return ledger.LedgerExists
	}
	return ""
}

func (m *model) closeAccount(a address.Address) ledger.Code {
	account, exists := m.accounts[a]
	switch {
	case !exists:
		return ledger.AccountNotFound
	case m.closed[a]:
		return ledger.AccountIsClosed
	}
	for at := range m.places() {
		if at.account == a && (m.balance(at, account.of).Sign() != 0 || m.pends(at)) {
			return ledger.AccountNotEmpty
		}
	}
	m.closed[a] = true
	return ""
}

func (m *model) merge(of string, patch ledger.MetadataPatch) {
	after := ledger.Metadata{}
	maps.Copy(after, m.notes[of])
	for key, value := range patch {
		if value == nil {
			delete(after, key)
		} else {
			after[key] = *value
		}
	}
	m.notes[of] = after
}

// conflicts tells whether a chart is broken by what accounts have.
func (m *model) conflicts(chart ledger.Chart) bool {
	for at := range m.places() {
		account := m.accounts[at.account]
		if m.balance(at, account.of).Sign() == 0 && !m.pends(at) {
			continue
		}
		rule := naiveRule(chart.Rules, at.account)
		if rule == nil && chart.Undeclared == ledger.Reject || rule != nil && len(rule.Assets) > 0 && !slices.Contains(rule.Assets, at.asset) {
			return true
		}
		minimum, maximum := m.bounds(rule, account.own)
		if minimum != nil && m.available(at, account.of).Cmp(minimum) < 0 || maximum != nil && m.highest(at, account.of).Cmp(maximum) > 0 {
			return true
		}
	}
	return false
}

// places are all that anything was ever moved in, or set aside.
func (m *model) places() map[place]bool {
	all := maps.Clone(m.held)
	for at := range m.debits {
		all[at] = true
	}
	for at := range m.credits {
		all[at] = true
	}
	return all
}

// late tells whether a transaction would be refused for when it is effective.
func (m *modelState) late(move *ledger.Movement) bool {
	return move.Late != ledger.RerouteLate && m.inClosed(wanted(move))
}

func (m *modelState) inClosed(t time.Time) bool {
	return slices.ContainsFunc(m.closings, func(d ledger.Day) bool { return !t.After(d.End()) })
}

// record keeps a transaction, at the time at which it is effective.
func (m *modelState) record(move *ledger.Movement, entries []ledger.Entry) {
	at := wanted(move)
	if m.inClosed(at) {
		at = slices.Max(m.closings).Start().AddDate(0, 0, 1)
	}
	m.posted = append(m.posted, ledger.TransactionPosted{Entries: entries, EffectiveAt: at})
}

func wanted(move *ledger.Movement) time.Time {
	if move.EffectiveAt.IsZero() {
		return noon
	}
	return move.EffectiveAt
}

// stands gives the balance that an assertion is about, of all transactions, and whether it is within the bounds.
func (m *model) stands(a ledger.AssertionDeclared) (balance *big.Int, holds bool) {
	debitNormal, creditNormal := new(big.Int), new(big.Int) // debits less credits
	ofDebit, ofCredit := false, false
	for _, posted := range m.posted {
		if !a.At.IsZero() && posted.EffectiveAt.After(a.At) {
			continue
		}
		for _, e := range posted.Entries {
			if e.Asset != a.Asset || !a.Pattern.Match(e.Account) {
				continue
			}
			amount := bigOf(e.Amount)
			if e.Side == ledger.Credit {
				amount.Neg(amount)
			}
			if m.accounts[e.Account].of.DebitNormal() {
				ofDebit = true
				debitNormal.Add(debitNormal, amount)
			} else {
				ofCredit = true
				creditNormal.Add(creditNormal, amount)
			}
		}
	}
	balance = debitNormal.Add(debitNormal, creditNormal)
	if ofCredit && !ofDebit {
		balance.Neg(balance)
	}
	return balance, within(balance, a.Bounds)
}

// checkState compares what a book has besides balances with the model.
func (h *history) checkState() {
	for a := range h.model.accounts {
		account, _ := h.book.Account(a)
		if account.Closed != h.model.closed[a] || !maps.Equal(h.book.AccountMetadata(a), h.model.notes[string(a)]) {
			h.t.Fatalf("%s is closed: %v; it has %v", a, account.Closed, h.book.AccountMetadata(a))
		}
	}
	for id := range h.model.transactions {
		if m, _ := h.book.TransactionMetadata(id + 1); !maps.Equal(m, h.model.notes[fmt.Sprint(id+1)]) {
			h.t.Fatalf("transaction %d has %v", id+1, m)
		}
	}
	through, closed := h.book.Closed()
	if closed != (len(h.model.closings) > 0) || closed && through != slices.Max(h.model.closings) {
		h.t.Fatalf("closed through %s: %v; the model has %v", through, closed, h.model.closings)
	}
	for i, declared := range h.model.declared {
		a, found := h.book.Assertion(uint64(i + 1))
		balance, holds := h.model.stands(declared)
		switch {
		case !found:
			h.t.Fatalf("there is no assertion %d", i+1)
		case !h.model.evaluated[i]:
			if a.Status != ledger.Evaluating {
				h.t.Fatalf("assertion %d is %s before it was evaluated", i+1, a.Status)
			}
		case a.Balance.Cmp(balance) != 0, a.Status != map[bool]ledger.AssertionStatus{true: ledger.Holds, false: ledger.Broken}[holds]:
			h.t.Fatalf("assertion %d %s at %s; the model says %v at %s", i+1, a.Status, a.Balance, holds, balance)
		}
	}
	if _, found := h.book.Assertion(uint64(len(h.model.declared) + 1)); found {
		h.t.Fatal("there is an assertion too many")
	}
}

// changes draws the commands that move nothing. What an assertion had before it is summed up from the log.
func (h *history) changes() *rapid.Generator[ledger.Command] {
	accounts := rapid.SampledFrom([]address.Address{"w", "a:a", "A:b", "u:a", "u:b", "z"})
	days := rapid.Custom(func(t *rapid.T) ledger.Day {
		return ledger.DayOf(noon) + ledger.Day(rapid.IntRange(-3, 1).Draw(t, "day"))
	})
	amounts := rapid.SampledFrom([]*money.Signed{nil, nil, limits("0", "0").Min, limits("-20", "0").Min, limits("30", "30").Max})
	return rapid.Custom(func(t *rapid.T) ledger.Command {
		switch rapid.IntRange(0, 9).Draw(t, "change") {
		case 0:
			return ledger.CloseAccount{Address: accounts.Draw(t, "account")}
		case 1:
			return ledger.ReopenAccount{Address: accounts.Draw(t, "account")}
		case 2:
			return ledger.SetAccountMetadata{Address: accounts.Draw(t, "account"), Patch: patches().Draw(t, "patch")}
		case 3:
			return ledger.SetTransactionMetadata{ID: rapid.Uint64Range(0, 6).Draw(t, "id"), Patch: patches().Draw(t, "patch")}
		case 4:
			return ledger.ClosePeriod{Through: days.Draw(t, "through")}
		case 5:
			return ledger.ReopenPeriod{Through: days.Draw(t, "through")}
		case 6:
			return ledger.ReplaceChart{Chart: charts().Draw(t, "chart")}
		case 7, 8:
			c := ledger.DeclareAssertion{
				Pattern: rapid.SampledFrom([]address.Pattern{"u:a", "u:*", "a:**", "*:b", "**", "w"}).Draw(t, "pattern"), Asset: "X",
				Bounds: ledger.Bounds{GTE: amounts.Draw(t, "gte"), LTE: amounts.Draw(t, "lte")},
			}
			if rapid.IntRange(0, 2).Draw(t, "at") == 0 {
				c.At = days.Draw(t, "day").End()
			}
			if c.Bounds == (ledger.Bounds{}) {
				c.Bounds.EQ = new(money.Signed)
			}
			return c
		default:
			id := rapid.Uint64Range(0, 5).Draw(t, "id")
			return ledger.EvaluateAssertion{ID: id, Before: sumsBefore(h.log, id)}
		}
	})
}

func patches() *rapid.Generator[ledger.MetadataPatch] {
	return rapid.Custom(func(t *rapid.T) ledger.MetadataPatch {
		p := ledger.MetadataPatch{}
		for range rapid.IntRange(0, 3).Draw(t, "keys") {
			key := rapid.SampledFrom([]string{"k", "l", "ü"}).Draw(t, "key")
			p[key] = rapid.SampledFrom([]*string{nil, new(""), new("1"), new("a\x00b")}).Draw(t, "value")
		}
		return p
	})
}

// sumsBefore is what the handler sums up from the log: all before an assertion's declaration.
func sumsBefore(log []ledger.Event, id uint64) ledger.AssertionSums {
	for i, e := range log {
		if declared, is := e.(ledger.AssertionDeclared); is && declared.ID == id {
			tally := ledger.NewTally(declared)
			for _, before := range log[:i] {
				tally.Count(before)
			}
			return tally.Sums()
		}
	}
	return ledger.AssertionSums{}
}
