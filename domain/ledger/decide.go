package ledger

import (
	"fmt"
	"time"
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
		events, rejection = b.decidePost(&c, at)
	case PlaceHold:
		events, rejection = b.decidePlaceHold(&c, at)
	case CaptureHold:
		events, rejection = b.decideCaptureHold(&c, at)
	case VoidHold:
		events, rejection = b.decideVoidHold(c, at)
	case ExpireHold:
		events, rejection = b.decideExpireHold(c, at)
	case RevertTransaction:
		events, rejection = b.decideRevert(&c, at)
	case ReplaceChart:
		events, rejection = b.decideReplaceChart(c)
	case CloseAccount:
		events, rejection = b.decideCloseAccount(c)
	case ReopenAccount:
		events, rejection = b.decideReopenAccount(c)
	case SetAccountMetadata:
		events, rejection = b.decideSetAccountMetadata(c)
	case SetTransactionMetadata:
		events, rejection = b.decideSetTransactionMetadata(c)
	case ClosePeriod:
		events, rejection = b.decideClosePeriod(c)
	case ReopenPeriod:
		events, rejection = b.decideReopenPeriod(c)
	case DeclareAssertion:
		events, rejection = b.decideDeclareAssertion(c)
	case EvaluateAssertion:
		events, rejection = b.decideEvaluateAssertion(c)
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
