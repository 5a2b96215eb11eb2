package journal

import (
	"sort"
	"strings"
	"time"
)

// step is a posting whose amount is known, or an entry with balance assignments, which is balanced when the balances
// before it are known. Balances run in order of date, and then of the text.
type step struct {
	date    time.Time
	posting *posting
	entry   *entry
}

// balanceAll infers amounts, checks that every entry balances, and checks balance assertions. Where entries are wrong
// assertions are not checked: they would only repeat it.
func balanceAll(entries []*entry, scales map[string]int, problems *problems) {
	var steps []step
	for _, e := range entries {
		if e.assigns() {
			steps = append(steps, step{date: e.date, entry: e})
			continue
		}
		problems.add(e.balance(scales))
		for _, p := range e.postings {
			steps = append(steps, step{date: p.countsOn(e), posting: p})
		}
	}
	if len(problems.list) > 0 {
		return
	}
	sort.SliceStable(steps, func(i, j int) bool { return steps[i].date.Before(steps[j].date) })
	balances := running{}
	for _, s := range steps {
		if s.posting != nil {
			problems.add(balances.take(s.posting))
		} else {
			problems.add(balances.assign(s.entry, scales))
		}
	}
}

func (e *entry) assigns() bool {
	for _, p := range e.postings {
		if p.assert != nil && p.amounts == nil {
			return true
		}
	}
	return false
}

// countsOn is the day on which a posting counts.
func (p *posting) countsOn(e *entry) time.Time {
	if p.date.IsZero() {
		return e.date
	}
	return p.date
}

// running has the balance of each account as far as the journal has been followed.
type running map[string]mixed

// take adds a posting to its account and checks its assertion.
func (r running) take(p *posting) *Error {
	r[p.account] = r[p.account].addAll(p.amounts)
	if p.assert == nil {
		return nil
	}
	balance := r[p.account]
	if p.assert.inclusive {
		balance = r.inclusive(p.account)
	}
	if actual := balance.of(p.assert.commodity); !actual.equal(p.assert.quantity) {
		return p.at.errorf("the balance of %s is asserted to be %s, and is %s", p.account, p.assert.amount,
			amount{p.assert.commodity, actual})
	}
	if !p.assert.sole {
		return nil
	}
	for _, a := range balance.nonZero() {
		if a.commodity != p.assert.commodity {
			return p.at.errorf("the balance of %s is asserted to be %s and nothing else, and there is %s", p.account,
				p.assert.amount, a)
		}
	}
	return nil
}

func (r running) inclusive(account string) mixed {
	var sum mixed
	for name, balance := range r {
		if name == account || strings.HasPrefix(name, account+":") {
			sum = sum.addAll(balance)
		}
	}
	return sum
}

// assign gives the postings with balance assignments the amounts that lead to those balances, then balances the entry.
func (r running) assign(e *entry, scales map[string]int) *Error {
	var elided []*posting
	for _, p := range e.postings {
		if p.amounts == nil && p.assert != nil {
			if p.assert.inclusive || !p.date.IsZero() {
				return p.at.errorf("a balance assignment with =* or with a date of its own is refused: write the amount")
			}
			p.amounts = r.difference(p)
		}
		if p.amounts == nil {
			elided = append(elided, p)
			continue
		}
		if err := r.take(p); err != nil {
			return err
		}
	}
	if err := e.balance(scales); err != nil {
		return err
	}
	for _, p := range elided {
		r[p.account] = r[p.account].addAll(p.amounts)
	}
	return nil
}

// difference is what leads from an account's balance to the one that a posting assigns.
func (r running) difference(p *posting) mixed {
	goal := p.assert.amount
	for _, a := range r[p.account] {
		if a.commodity == goal.commodity {
			goal.quantity = goal.quantity.sub(a.quantity)
		}
	}
	change := mixed{goal}
	if p.assert.sole {
		for _, a := range r[p.account] {
			if a.commodity != goal.commodity {
				change = change.addAll(mixed{a}.neg())
			}
		}
	}
	return change.nonZero()
}
