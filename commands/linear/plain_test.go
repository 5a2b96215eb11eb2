package linear_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

const (
	purses = 4 // accounts that clients use; world, the number after them, is where money comes from
	usd    = money.Asset("USD/2")
)

// clock stands still, on the day from which days are counted.
func clock() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

var today = ledger.DayOf(clock())

func purse(n int) address.Address {
	if n == purses {
		return "world"
	}
	return address.Address(fmt.Sprintf("users:%d", n))
}

func purseOf(a address.Address) int {
	for n := range purses {
		if purse(n) == a {
			return n
		}
	}
	return purses
}

// plain is a ledger as a person would describe it, and what the model comes to: it looks into no book.
type plain struct {
	events       int // in the log
	chart        int
	accounts     [purses + 1]plainAccount
	holds        []plainHold
	transactions []transaction
	references   [references + 1]string // what has each: a transaction or a hold
	closings     []int                  // the last days of the closings in force, in order
	assertions   []plainAssertion
	keys         [keys + 1]plainKey
}

type plainAccount struct {
	open, closed bool
	own          limits
	notes        notes
	has          int
	taken, given int // what holds would take and give
}

// limits bound an account; nil is no bound. The numbers stand in tables, and are never changed.
type limits struct{ min, max *int }

func newPlain() plain { return plain{events: 1} }

// clone is a plain ledger of its own. What stands in a slice's item is never changed, but replaced.
func (s *plain) clone() plain {
	c := *s
	c.holds, c.transactions = slices.Clone(s.holds), slices.Clone(s.transactions)
	c.closings, c.assertions = slices.Clone(s.closings), slices.Clone(s.assertions)
	return c
}

func no(format string, args ...any) told {
	return told{refused, fmt.Sprintf(format, args...)}
}

// yes tells what happened, each of it an event.
func (s *plain) yes(texts ...string) told {
	s.events += len(texts)
	return told{text: happened(texts, s.events-1)}
}

// line is what a transaction or a hold does to one account: credits it or, below zero, debits it.
type line struct{ account, amount int }

func linesOf(entries []ledger.Entry) []line {
	var lines []line
	for i := range entries {
		_, units := entries[i].Amount.Words()
		amount := int(units)
		if entries[i].Side == ledger.Debit {
			amount = -amount
		}
		lines = append(lines, line{purseOf(entries[i].Account), amount})
	}
	return lines
}

func (l line) String() string { return fmt.Sprintf("%s%+d", purse(l.account), l.amount) }

// plainChart says which purses may be used, in which asset, and within which limits.
type plainChart struct {
	users   limits
	refuses int // a purse that it does not declare, or none
	foreign int // a purse that may have another asset only, or none
}

const none = -1

var charts = []plainChart{
	{users: limits{min: new(0)}, refuses: none, foreign: none},
	{users: limits{min: new(-25)}, refuses: none, foreign: none},
	{users: limits{min: new(0), max: new(70)}, refuses: none, foreign: none},
	{users: limits{min: new(0)}, refuses: 3, foreign: none},
	{users: limits{min: new(0)}, refuses: none, foreign: 2},
}

// chart writes a plain chart out.
func (c plainChart) chart() ledger.Chart {
	chart := ledger.Chart{Undeclared: ledger.Allow}
	if c.refuses != none {
		chart.Undeclared = ledger.Reject
	}
	for n := range purses + 1 {
		rule := ledger.Rule{Pattern: address.Pattern(purse(n)), Type: ledger.Liability}
		if n != purses {
			rule.Limits = c.users.domain()
		}
		if n == c.foreign {
			rule.Assets = []money.Asset{"EUR/2"}
		}
		if n != c.refuses {
			chart.Rules = append(chart.Rules, rule)
		}
	}
	return chart
}

func (l limits) domain() ledger.Limits { return ledger.Limits{Min: signed(l.min), Max: signed(l.max)} }

func signed(n *int) *money.Signed {
	if n == nil {
		return nil
	}
	return new(money.NewSigned(*n < 0, money.NewAmount(uint64(max(*n, -*n)))))
}

// limits are those that an account has by a chart, or by itself.
func (s *plain) limits(chart, account int) limits {
	l := s.accounts[account].own
	by := charts[chart].users
	if account == purses || account == charts[chart].refuses {
		by = limits{}
	}
	if l.min == nil {
		l.min = by.min
	}
	if l.max == nil {
		l.max = by.max
	}
	return l
}

func (a *plainAccount) available() int { return a.has - a.taken }
func (a *plainAccount) highest() int   { return a.has + a.given }
func (a *plainAccount) empty() bool    { return a.has == 0 && a.taken == 0 && a.given == 0 }

// deal is what is to be judged before anything moves.
type deal struct {
	lines   []line
	late    told // that it would fall into a closed period
	demand  demand
	refused told // why it cannot be made, found before
	forced  bool // closed accounts and limits do not matter
	unbound bool // limits do not matter: what is captured was within them when it was set aside
}

// judge gives the first reason against a deal.
func (s *plain) judge(d deal) told {
	chart := charts[s.chart]
	for _, l := range d.lines {
		if l.account == chart.refuses {
			return no("account_not_declared %s", purse(l.account))
		}
	}
	if d.late.isNo() {
		return d.late
	}
	for _, l := range d.lines {
		if s.accounts[l.account].closed && !d.forced {
			return no("account_closed %s", purse(l.account))
		}
	}
	for _, l := range d.lines {
		if l.account == chart.foreign {
			return no("asset_not_allowed %s", purse(l.account))
		}
	}
	if unmet := s.meet(d.demand); unmet.isNo() {
		return unmet
	}
	if d.refused.isNo() || d.forced || d.unbound {
		return d.refused
	}
	return s.judgeLimits(d.lines)
}

func (s *plain) judgeLimits(lines []line) told {
	for _, l := range lines {
		a, bounds := &s.accounts[l.account], s.limits(s.chart, l.account)
		if l.amount < 0 && bounds.min != nil && a.available()+l.amount < *bounds.min {
			return no("insufficient_funds %s available %d required %d", purse(l.account), max(a.available()-*bounds.min, 0), -l.amount)
		}
	}
	for _, l := range lines {
		a, bounds := &s.accounts[l.account], s.limits(s.chart, l.account)
		if l.amount > 0 && bounds.max != nil && a.highest()+l.amount > *bounds.max {
			return no("balance_limit_exceeded %s", purse(l.account))
		}
	}
	return told{}
}

// open opens the accounts that are new, and says so.
func (s *plain) open(lines []line) []string {
	var texts []string
	for _, l := range lines {
		if a := &s.accounts[l.account]; !a.open {
			a.open = true
			texts = append(texts, "opens "+string(purse(l.account)))
		}
	}
	return texts
}
