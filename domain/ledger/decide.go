package ledger

import (
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/domain/money"
)

// Decide says what happens when a command meets a book at a time: events to evolve the book by, in order, or a
// [*Rejection], which is the only error it gives. The book is as before, whichever it is.
//
// The command must be one that [Validate] accepts. The events share its memory: whoever issued it no longer changes it.
func Decide(b *Book, c Command, at time.Time) ([]Event, error) {
	var events []Event
	var rejection *Rejection
	switch c := c.(type) {
	case OpenLedger:
		events, rejection = b.decideOpenLedger(c)
	case OpenAccount:
		events, rejection = b.decideOpenAccount(c)
	case PostTransaction:
		events, rejection = b.decidePost(c, at)
	default:
		panic(fmt.Sprintf("ledger: Decide of a %T", c)) // the set is closed
	}
	if rejection != nil {
		return nil, rejection
	}
	return events, nil
}

func (b *Book) decideOpenLedger(c OpenLedger) ([]Event, *Rejection) {
	if b.opened != nil {
		return nil, &Rejection{
			Code:   LedgerExists,
			Detail: fmt.Sprintf("ledger %q was opened before; choose another name or use it as it is", b.opened.Name),
		}
	}
	event := LedgerOpened{Name: c.Name, Template: c.Template, Metadata: c.Metadata}
	if c.Chart != nil {
		event.Chart = *c.Chart
		return []Event{event}, nil
	}
	if event.Template == "" {
		event.Template = General
	}
	event.Chart, _ = event.Template.Chart()
	return []Event{event}, nil
}

func (b *Book) decideOpenAccount(c OpenAccount) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	number := b.matcher.find(c.Address)
	rule := b.matcher.rule(number)
	if c.Limits.Over(rule.Limits).contradictory() {
		return nil, contradictsRule(c, rule)
	}
	if _, exists := b.findAccount(c.Address); exists {
		return nil, &Rejection{
			Code:    AccountExists,
			Account: c.Address,
			Detail:  fmt.Sprintf("account %q was opened before", c.Address),
		}
	}
	if number == noRule && b.matcher.undeclared != Allow {
		return nil, notDeclared(c.Address)
	}
	event := AccountOpened{Address: c.Address, Type: c.Type, Limits: c.Limits, Metadata: c.Metadata}
	if event.Type == "" {
		event.Type = rule.Type
	}
	return []Event{event}, nil
}

func (b *Book) decidePost(c PostTransaction, at time.Time) ([]Event, *Rejection) {
	if b.opened == nil {
		return nil, ledgerNotFound()
	}
	if c.Reference != "" {
		if transaction, exists := b.Reference(c.Reference); exists {
			return nil, referenceExists(c.Reference, transaction)
		}
	}
	s := b.gather(c.Entries)
	if rejection := b.judge(s); rejection != nil {
		return nil, rejection
	}

	events := make([]Event, 0, len(s.newAccounts)+1)
	for _, a := range s.newAccounts {
		events = append(events, AccountOpened{Address: a.address, Type: b.matcher.rule(a.rule).Type, Implicit: true})
	}
	posted := TransactionPosted{
		ID:          b.transactions + 1,
		Entries:     c.Entries,
		EffectiveAt: c.EffectiveAt,
		Reference:   c.Reference,
		Description: c.Description,
		Metadata:    c.Metadata,
	}
	if posted.EffectiveAt.IsZero() {
		posted.EffectiveAt = at
	}
	posted.EffectiveAt = posted.EffectiveAt.Round(0).UTC() // Round takes a monotonic reading off
	return append(events, posted), nil
}

// judge tests what a transaction does, reason by reason in the order of the codes, so that where several apply, be it
// to different accounts, the first one is given.
func (b *Book) judge(s *scratch) *Rejection {
	if b.matcher.undeclared != Allow {
		for i := range s.newAccounts {
			if s.newAccounts[i].rule == noRule {
				return notDeclared(s.newAccounts[i].address)
			}
		}
	}
	for i := range s.touches {
		t := &s.touches[i]
		if !b.ruleOf(t).allows(b.assetOf(t)) {
			return b.assetNotAllowed(t)
		}
	}
	for i := range s.touches {
		if _, _, ok := b.totals(&s.touches[i]); !ok {
			return b.outOfRange(&s.touches[i])
		}
	}
	return b.judgeLimits(s)
}

// judgeLimits refuses only what makes things worse: where an account is beyond a limit already, a transaction that
// brings it nearer is welcome. All minimums are tested before all maximums.
func (b *Book) judgeLimits(s *scratch) *Rejection {
	var exceeded *Rejection
	for i := range s.touches {
		t := &s.touches[i]
		of, limits := b.termsOf(t)
		if limits.Min == nil && limits.Max == nil {
			continue
		}
		totalsBefore, totalsAfter, _ := b.totals(t)
		before, after := totalsBefore.Balance(of), totalsAfter.Balance(of)
		switch {
		case after.Cmp(before) < 0 && limits.Min != nil && after.Cmp(*limits.Min) < 0:
			return b.insufficientFunds(t, before, after, *limits.Min)
		case after.Cmp(before) > 0 && limits.Max != nil && after.Cmp(*limits.Max) > 0 && exceeded == nil:
			exceeded = b.limitExceeded(t, after, *limits.Max)
		}
	}
	return exceeded
}

// insufficientFunds tells what the account could give before it breaks its minimum, and what it would have to.
func (b *Book) insufficientFunds(t *touch, before, after, minimum money.Signed) *Rejection {
	var available money.Signed
	if left, ok := before.Sub(minimum); ok && !left.IsNegative() {
		available = left
	}
	net, _ := before.Sub(after) // at most the transaction's sum on one side, which fits
	required := net.Abs()
	return &Rejection{
		Code:      InsufficientFunds,
		Account:   b.addressOf(t),
		Asset:     b.assetOf(t),
		Available: &available,
		Required:  &required,
		Detail: fmt.Sprintf("account %q has %s of %s available, and the transaction takes %s",
			b.addressOf(t), available, b.assetOf(t), required),
	}
}
