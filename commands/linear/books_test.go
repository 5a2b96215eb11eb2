package linear_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/domain/ledger"
)

// transaction is what is told of one.
type transaction struct {
	lines                     []line
	day                       int
	late                      bool // it was to count on another day
	intended                  int
	hold, reverts, revertedBy int
	forced                    bool
	notes                     notes
	id                        int
}

func transactionOf(e *ledger.TransactionPosted) transaction {
	t := transaction{
		id: int(e.ID), lines: linesOf(e.Entries), day: int(ledger.DayOf(e.EffectiveAt) - today),
		hold: int(e.Hold), reverts: int(e.Reverts), forced: e.Forced, notes: notesOf(e.Metadata), late: !e.IntendedAt.IsZero(),
	}
	if t.late {
		t.intended = int(ledger.DayOf(e.IntendedAt) - today)
	}
	return t
}

func (t transaction) String() string {
	text := fmt.Sprintf("transaction %d on day %d of %v", t.id, t.day, t.lines)
	if t.late {
		text += fmt.Sprintf(" intending day %d", t.intended)
	}
	return text + fmt.Sprintf(" for hold %d, reverting %d, forced %t, with %v", t.hold, t.reverts, t.forced, t.notes)
}

// transact is the one way to a transaction. What comes before it in the log is told before it.
func (s *plain) transact(t transaction, reference int, before ...string) told {
	t.id = len(s.transactions) + 1
	texts := append(s.open(t.lines), before...)
	was := s.verdicts()
	for _, l := range t.lines {
		s.accounts[l.account].has += l.amount
	}
	s.transactions = append(s.transactions, t)
	s.references[reference] = fmt.Sprintf("transaction %d", t.id)
	texts = append(texts, t.String())
	for i, holds := range s.verdicts() {
		if s.assertions[i].evaluated && holds != was[i] {
			texts = append(texts, verdict(i+1, holds, strconv.Itoa(s.balance(s.assertions[i]))))
		}
	}
	return s.yes(texts...)
}

// Periods.
type (
	closePeriod  struct{ through int }
	reopenPeriod struct{ through int }
)

func (p closePeriod) unit(heard) commands.Unit {
	return one(ledger.ClosePeriod{Through: today + ledger.Day(p.through)})
}

func (p reopenPeriod) unit(heard) commands.Unit {
	return one(ledger.ReopenPeriod{Through: today + ledger.Day(p.through)})
}

func (p closePeriod) step(s *plain, _ heard) told {
	if len(s.closings) > 0 && p.through <= s.closings[len(s.closings)-1] {
		return no("invalid_field")
	}
	s.closings = append(s.closings, p.through)
	return s.yes(closedThrough(s.closings))
}

func (p reopenPeriod) step(s *plain, _ heard) told {
	at := slices.Index(s.closings, p.through)
	if at < 0 {
		return no("invalid_field")
	}
	s.closings = s.closings[:at]
	return s.yes(closedThrough(s.closings))
}

func closedThrough(closings []int) string {
	if len(closings) == 0 {
		return "all is open"
	}
	return fmt.Sprintf("closed through day %d", closings[len(closings)-1])
}

// effective moves a transaction out of a closed period, or refuses it.
func (s *plain) effective(t transaction, reroute bool) (transaction, told) {
	if len(s.closings) == 0 || t.day > s.closings[len(s.closings)-1] {
		return t, told{}
	}
	open := s.closings[len(s.closings)-1] + 1
	if !reroute {
		return t, no("period_closed open from %d", open)
	}
	t.late, t.intended, t.day = true, t.day, open
	return t, told{}
}

// Assertions, of a pattern and up to a day.
type (
	declare struct {
		pattern  string // an account, or users:*
		until    int    // a day, or never
		sign     string
		amount   int
		accounts []int // those that match
	}
	evaluate struct {
		id       int
		revision uint64
	}
	plainAssertion struct {
		declare

		evaluated bool
	}
)

const never = 1000

func (d declare) unit(heard) commands.Unit {
	c := ledger.DeclareAssertion{Pattern: address.Pattern(d.pattern), Asset: usd}
	if d.until != never {
		c.At = (today + ledger.Day(d.until)).End()
	}
	switch d.sign {
	case ">=":
		c.Bounds.GTE = signed(&d.amount)
	case "<=":
		c.Bounds.LTE = signed(&d.amount)
	default:
		c.Bounds.EQ = signed(&d.amount)
	}
	return one(c)
}

func (d declare) step(s *plain, _ heard) told {
	s.assertions = append(s.assertions, plainAssertion{declare: d})
	return s.yes(fmt.Sprintf("assertion %d", len(s.assertions)))
}

// balance is that of the transactions that an assertion is about, all of them added up.
func (s *plain) balance(a plainAssertion) int {
	balance := 0
	for _, t := range s.transactions {
		for _, l := range t.lines {
			if t.day <= a.until && slices.Contains(a.accounts, l.account) {
				balance += l.amount
			}
		}
	}
	return balance
}

// verdicts tells of each assertion whether it would hold.
func (s *plain) verdicts() []bool {
	var verdicts []bool
	for _, a := range s.assertions {
		balance := s.balance(a)
		holds := map[string]bool{">=": balance >= a.amount, "<=": balance <= a.amount, "=": balance == a.amount}[a.sign]
		verdicts = append(verdicts, holds)
	}
	return verdicts
}

func verdict(id int, holds bool, balance string) string {
	if holds {
		return fmt.Sprintf("assertion %d holds at %s", id, balance)
	}
	return fmt.Sprintf("assertion %d is broken at %s", id, balance)
}

const evaluatedBefore = "evaluated before"

func (evaluate) unit(heard) commands.Unit { panic("upkeep makes it") }

func (e evaluate) step(s *plain, _ heard) told {
	if e.id > len(s.assertions) {
		return no("there is no assertion %d", e.id)
	}
	a := &s.assertions[e.id-1]
	if a.evaluated {
		return told{text: evaluatedBefore}
	}
	a.evaluated = true
	return s.yes(verdict(e.id, s.verdicts()[e.id-1], strconv.Itoa(s.balance(*a))))
}

// overheard is what upkeep submits to, and remembers what it was answered.
type overheard struct {
	commands.Submitter

	result commands.Result
}

func (o *overheard) Submit(ctx context.Context, stream string, u commands.Unit) (commands.Result, error) {
	var err error
	o.result, err = o.Submitter.Submit(ctx, stream, u)
	return o.result, err
}

// evaluate has an assertion evaluated as a handler or the timer would, from the log.
func (l *trial) evaluate(engines int, e evaluate) (told, []event) {
	by := &overheard{Submitter: l.engines[engines]}
	err := commands.NewUpkeep(by, l.store).Evaluate(context.Background(), "books", uint64(e.id), e.revision)
	if err == nil && (len(by.result.Answers) == 0 || len(by.result.Answers[0].Events) == 0) {
		return told{text: evaluatedBefore}, nil
	}
	return answered(l.t, commands.Unit{}, &by.result, err), nil
}
