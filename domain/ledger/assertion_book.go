package ledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/daybook-ledger/daybook/domain/money"
)

// assertions are those of a book. A transaction that meets none costs the test of a length.
type assertions struct {
	all     []assertion // by number, from 1
	byAsset map[money.Asset]*sameAsset

	// What follows is memory to work in.
	round uint64 // of looking through assertions
	due   []int
	lines []line
	after tally
}

type assertion struct {
	AssertionDeclared

	status AssertionStatus
	// tally has all matching entries; until the first evaluation, those after the declaration.
	tally tally
	// prefix is what all matching addresses start with, and all of the pattern where exact.
	prefix string
	exact  bool
	known  *known
}

// sameAsset are the places in all of the assertions about one asset.
type sameAsset struct {
	places []int
	round  uint64 // the one in which they were noted as due
}

// line is an entry with what assertions need to know of its account.
type line struct {
	*Entry

	account uint32 // noAccount where it would be opened by the transaction
	normal  Side
}

const noAccount = ^uint32(0)

var (
	errSums    = errors.New("its sums are not those of the transactions before")
	errVerdict = errors.New("it is not what was to be told of it next")
)

func (b *Book) evolveAssertionDeclared(e AssertionDeclared) error {
	switch {
	case b.opened == nil:
		return fmt.Errorf("declare assertion %d: %w", e.ID, errNotOpen)
	case e.ID != uint64(len(b.assertions.all))+1:
		return fmt.Errorf("declare assertion %d: the one before has number %d", e.ID, len(b.assertions.all))
	}
	b.addAssertion(assertion{AssertionDeclared: e, status: Evaluating})
	return nil
}

func (b *Book) addAssertion(added assertion) {
	s := &b.assertions
	if s.byAsset == nil {
		s.byAsset = map[money.Asset]*sameAsset{}
	}
	same := s.byAsset[added.Asset]
	if same == nil {
		same = new(sameAsset)
		s.byAsset[added.Asset] = same
	}
	same.places = append(same.places, len(s.all))
	added.prefix, added.exact = added.Pattern.Literal()
	s.all = append(s.all, added)
	b.onRollback(func() {
		s.all = s.all[:len(s.all)-1]
		same.places = same.places[:len(same.places)-1]
	})
}

func (b *Book) evolveAssertionHeld(e AssertionHeld, status AssertionStatus) error {
	if e.ID == 0 || e.ID > uint64(len(b.assertions.all)) {
		return fmt.Errorf("evaluate assertion %d: the last one is %d", e.ID, len(b.assertions.all))
	}
	a := &b.assertions.all[e.ID-1]
	sums, ok := tallyOf(e.Sums)
	switch {
	case !ok || e.Balance == nil || sums.balance().big().Cmp(e.Balance) != 0,
		e.Transaction != 0 && sums != a.tally:
		return fmt.Errorf("evaluate assertion %d: %w", e.ID, errSums)
	case (e.Transaction == 0) != (a.status == Evaluating), a.status == status,
		e.Transaction != 0 && e.Transaction != b.transactions:
		return fmt.Errorf("evaluate assertion %d: %w", e.ID, errVerdict)
	}
	b.keepAssertion(int(e.ID - 1))
	a.status, a.tally = status, sums
	return nil
}

// keepAssertion notes how an assertion stands before that changes.
func (b *Book) keepAssertion(place int) {
	if len(b.journal.marks) == 0 {
		return
	}
	status, sums := b.assertions.all[place].status, b.assertions.all[place].tally
	b.onRollback(func() {
		b.assertions.all[place].status, b.assertions.all[place].tally = status, sums
	})
}

// countAssertions adds a transaction's entries to the sums that they belong to.
func (b *Book) countAssertions(posted *TransactionPosted) {
	b.eachAssertion(posted, func(place int, after *tally) {
		b.keepAssertion(place)
		b.assertions.all[place].tally = *after
	})
}

// assertionsAfter appends, for each evaluated assertion that a transaction makes hold or breaks, the event that tells it.
func (b *Book) assertionsAfter(events []Event, posted *TransactionPosted) []Event {
	if len(b.assertions.all) == 0 {
		return events
	}
	b.eachAssertion(posted, func(place int, after *tally) {
		a := &b.assertions.all[place]
		if a.status != Evaluating && a.Bounds.within(after.balance()) != (a.status == Holds) {
			events = append(events, a.verdict(after, posted.ID))
		}
	})
	return events
}

// eachAssertion calls visit, in the order of their numbers, for the assertions that a transaction counts in, with the
// sums that they then have; visit keeps no pointer to them.
func (b *Book) eachAssertion(posted *TransactionPosted, visit func(place int, after *tally)) {
	s := &b.assertions
	s.round++
	s.due, s.lines = s.due[:0], s.lines[:0]
	for i := range posted.Entries {
		entry := &posted.Entries[i]
		same := s.byAsset[entry.Asset]
		if same == nil {
			continue
		}
		s.lines = append(s.lines, b.line(entry))
		if same.round != s.round {
			same.round = s.round
			s.due = append(s.due, same.places...)
		}
	}
	slices.Sort(s.due)
	for _, place := range s.due {
		a := &s.all[place]
		if !countsBy(a.At, posted) {
			continue
		}
		counted := false
		for i := range s.lines {
			l := &s.lines[i]
			if l.Asset != a.Asset || !a.standsFor(l) {
				continue
			}
			if !counted {
				s.after, counted = a.tally, true
			}
			s.after.add(l.normal, l.Side, l.Amount)
		}
		if counted {
			visit(place, &s.after)
		}
	}
	clear(s.lines) // so that the entries are not kept
}

func (b *Book) line(entry *Entry) line {
	if number, found := b.findAccount(entry.Account); found {
		return line{Entry: entry, account: number, normal: b.accounts.at(number).kind.accountType().normalSide()}
	}
	rule := b.matcher.rule(b.matcher.find(entry.Account))
	return line{Entry: entry, account: noAccount, normal: rule.Type.normalSide()}
}

// known remembers of the accounts seen last whether an assertion's pattern stands for them: in the slot that an
// account's number falls in, the number counted from 1, and a bit for the answer.
type known [64]uint64

func (a *assertion) standsFor(l *line) bool {
	if a.exact {
		return a.prefix == string(l.Account)
	}
	if !strings.HasPrefix(string(l.Account), a.prefix) {
		return false
	}
	if l.account == noAccount {
		return a.Pattern.Match(l.Account)
	}
	if a.known == nil {
		a.known = new(known)
	}
	slot := &a.known[l.account%uint32(len(a.known))]
	key := (uint64(l.account) + 1) << 1
	if *slot&^1 != key {
		*slot = key
		if a.Pattern.Match(l.Account) {
			*slot |= 1
		}
	}
	return *slot&1 != 0
}

// forgetAccounts is for when numbers of accounts are given out anew.
func (s *assertions) forgetAccounts() {
	for i := range s.all {
		s.all[i].known = nil
	}
}
