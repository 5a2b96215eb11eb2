package linear_test

import (
	"fmt"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
)

// The requests that move something.
type (
	posting struct{ move }
	holding struct{ move }
	capture struct {
		id, amount, reference int // amount 0: all that is left
		final                 bool
	}
	void   struct{ id int }
	revert struct {
		id             int
		force, reroute bool
	}
)

// move is one transfer, exact or of as much as there is.
type move struct {
	from      []int
	to        int
	amount    int
	sweep     sweep
	day       int // 0 is now
	reroute   bool
	reference int // 0 is none
	note      string
	demand    demand
}

type sweep int

const (
	exactly sweep = iota
	all
	upTo
)

const references = 12

// demand is a precondition, on what an account has or has available; none where it has no sign.
type demand struct {
	account   int
	sign      string
	amount    int
	available bool
}

func one(c ledger.Command) commands.Unit {
	return commands.Unit{Commands: []engine.Command[ledger.Command]{{Command: c}}}
}

func (p posting) unit(heard) commands.Unit {
	return one(ledger.PostTransaction{Movement: p.movement(), Preconditions: p.demand.domain()})
}

func (p holding) unit(heard) commands.Unit {
	return one(ledger.PlaceHold{Movement: p.movement(), Preconditions: p.demand.domain()})
}

func (c capture) unit(heard) commands.Unit {
	return one(ledger.CaptureHold{
		ID: uint64(c.id), Amount: money.NewAmount(uint64(c.amount)), Final: c.final,
		Movement: ledger.Movement{Reference: reference(c.reference)},
	})
}

func (v void) unit(heard) commands.Unit { return one(ledger.VoidHold{ID: uint64(v.id)}) }

func (r revert) unit(h heard) commands.Unit {
	c := ledger.RevertTransaction{Force: r.force, Late: late(r.reroute)}
	if h.of(r.id) {
		c.ID, c.Original = uint64(r.id), h[r.id-1].Entries
	}
	return one(c)
}

func (m move) movement() ledger.Movement {
	amount := money.NewAmount(uint64(m.amount))
	t := ledger.Transfer{Asset: usd, To: []ledger.Destination{{Account: purse(m.to)}}}
	for _, account := range m.from {
		t.From = append(t.From, ledger.Source{Account: purse(account)})
	}
	switch m.sweep {
	case exactly:
		t.Amount.Exactly = amount
	case all:
		t.Amount.All = true
	case upTo:
		t.Amount.UpTo = amount
	}
	out := ledger.Movement{Transfers: []ledger.Transfer{t}, Reference: reference(m.reference), Late: late(m.reroute)}
	if m.day != 0 {
		out.EffectiveAt = (today + ledger.Day(m.day)).Start()
	}
	if m.note != "" {
		out.Metadata = ledger.Metadata{noteKeys[0]: m.note}
	}
	return out
}

func late(reroute bool) ledger.Late {
	if reroute {
		return ledger.RerouteLate
	}
	return ledger.RefuseLate
}

func reference(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("reference %d", n)
}

func (d demand) domain() []ledger.Precondition {
	var b ledger.Bounds
	switch d.sign {
	case "":
		return nil
	case ">=":
		b.GTE = signed(&d.amount)
	case "<=":
		b.LTE = signed(&d.amount)
	case "=":
		b.EQ = signed(&d.amount)
	}
	p := ledger.Precondition{Account: purse(d.account), Asset: usd, Balance: b}
	if d.available {
		p.Balance, p.Available = ledger.Bounds{}, b
	}
	return []ledger.Precondition{p}
}

func (s *plain) meet(d demand) told {
	what, has := "balance", s.accounts[d.account].has
	if d.available {
		what, has = "available", s.accounts[d.account].available()
	}
	if d.sign == ">=" && has < d.amount || d.sign == "<=" && has > d.amount || d.sign == "=" && has != d.amount {
		return no("precondition_failed %s %s %d", purse(d.account), what, has)
	}
	return told{}
}

// draw says what a transfer does, or why it cannot be made, and then whom it is about.
func (s *plain) draw(m move) (lines []line, refused told) {
	if m.sweep == exactly && len(m.from) == 1 {
		return []line{{m.from[0], -m.amount}, {m.to, m.amount}}, told{}
	}
	total, about := 0, []line{}
	for _, account := range m.from {
		about = append(about, line{account: account})
		gives := s.toGive(account)
		if m.sweep != all {
			gives = min(gives, m.amount-total)
		}
		if gives > 0 {
			lines = append(lines, line{account, -gives})
			total += gives
		}
	}
	required := 1
	if m.sweep == exactly {
		required = m.amount
	}
	if total < required {
		return append(about, line{account: m.to}),
			no("insufficient_funds %s available %d required %d", purse(m.from[len(m.from)-1]), total, required)
	}
	return append(lines, line{m.to, total}), told{}
}

// toGive is what a sweep may take: what is above the minimum, and never a credit line.
func (s *plain) toGive(account int) int {
	least := 0
	if bounds := s.limits(s.chart, account); bounds.min != nil {
		least = max(least, *bounds.min)
	}
	return max(s.accounts[account].available()-least, 0)
}

func (s *plain) referred(reference int) told {
	if of := s.references[reference]; reference != 0 && of != "" {
		return no("reference_exists %s", of)
	}
	return told{}
}

func (p posting) step(s *plain, _ heard) told {
	if r := s.referred(p.reference); r.isNo() {
		return r
	}
	lines, refused := s.draw(p.move)
	t, late := s.effective(transaction{lines: lines, day: p.day, notes: notes{p.note}}, p.reroute)
	if r := s.judge(deal{lines: lines, late: late, demand: p.demand, refused: refused}); r.isNo() {
		return r
	}
	return s.transact(t, p.reference)
}

func (p holding) step(s *plain, _ heard) told {
	if r := s.referred(p.reference); r.isNo() {
		return r
	}
	lines, refused := s.draw(p.move)
	if r := s.judge(deal{lines: lines, demand: p.demand, refused: refused}); r.isNo() {
		return r
	}
	texts := s.open(lines)
	s.holds = append(s.holds, plainHold{lines: lines, open: true, single: len(lines) == 2})
	s.setAside(lines, 1)
	s.references[p.reference] = fmt.Sprintf("hold %d", len(s.holds))
	return s.yes(append(texts, fmt.Sprintf("hold %d of %v", len(s.holds), lines))...)
}

// plainHold is a hold with what it still sets aside.
type plainHold struct {
	lines        []line
	open, single bool
}

// setAside counts what a hold would do (1), or no longer would (-1).
func (s *plain) setAside(lines []line, sign int) {
	for _, l := range lines {
		a := &s.accounts[l.account]
		if l.amount < 0 {
			a.taken -= sign * l.amount
		} else {
			a.given += sign * l.amount
		}
	}
}

func (s *plain) findHold(id int) told {
	switch {
	case id > len(s.holds):
		return no("hold_not_found hold %d", id)
	case !s.holds[id-1].open:
		return no("hold_not_open hold %d", id)
	}
	return told{}
}

func (v void) step(s *plain, _ heard) told {
	if r := s.findHold(v.id); r.isNo() {
		return r
	}
	s.setAside(s.holds[v.id-1].lines, -1)
	s.holds[v.id-1] = plainHold{}
	return s.yes(fmt.Sprintf("hold %d is void", v.id))
}

func (c capture) step(s *plain, _ heard) told {
	gone, used := s.findHold(c.id), s.referred(c.reference)
	switch {
	case c.id > len(s.holds):
		return gone
	case used.isNo():
		return used
	case gone.isNo():
		return gone
	}
	h := s.holds[c.id-1]
	if c.amount > 0 && !h.single {
		return no("invalid_field hold %d", c.id)
	}
	takes, rest, refused := c.take(h.lines)
	t, late := s.effective(transaction{lines: takes, hold: c.id}, false)
	if r := s.judge(deal{lines: takes, late: late, refused: refused, unbound: true}); r.isNo() {
		return r
	}
	if c.final {
		rest = nil
	}
	s.setAside(h.lines, -1)
	s.setAside(rest, 1)
	s.holds[c.id-1] = plainHold{lines: rest, open: len(rest) > 0, single: h.single}
	return s.transact(t, c.reference, fmt.Sprintf("hold %d leaves %v", c.id, rest))
}

// take divides what a hold sets aside.
func (c capture) take(lines []line) (takes, rest []line, refused told) {
	if c.amount == 0 || c.amount == lines[1].amount {
		return shared(c.amount, lines), nil, told{}
	}
	takes = shared(c.amount, lines)
	if c.amount > lines[1].amount {
		return takes, nil, no("capture_exceeds_hold %s hold %d", purse(lines[0].account), c.id)
	}
	return takes, shared(lines[1].amount-c.amount, lines), told{}
}

// shared is one transfer with another amount; 0 stands for its own.
func shared(amount int, lines []line) []line {
	if amount == 0 {
		return lines
	}
	return []line{{lines[0].account, -amount}, {lines[1].account, amount}}
}

func (r revert) step(s *plain, h heard) told {
	if !h.of(r.id) || r.id > len(s.transactions) {
		return no("transaction_not_found")
	}
	original := s.transactions[r.id-1]
	if original.revertedBy != 0 {
		return no("already_reverted transaction %d", original.revertedBy)
	}
	var lines []line
	for _, l := range original.lines {
		lines = append(lines, line{l.account, -l.amount})
	}
	t, late := s.effective(transaction{lines: lines, reverts: r.id, forced: r.force}, r.reroute)
	if r := s.judge(deal{lines: lines, late: late, forced: r.force}); r.isNo() {
		return r
	}
	original.revertedBy = len(s.transactions) + 1
	s.transactions[r.id-1] = original
	return s.transact(t, 0)
}
