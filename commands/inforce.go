package commands

import (
	"time"

	"github.com/daybook-ledger/daybook/domain/ledger"
)

// What the answers need to know of a book beyond events. A book belongs to its engine, so that it can only be asked while
// something is decided: these are commands and events that never leave this package, and never reach the log as they are.

// accountOpened is an account's opening with the limits that are in force on it. A replay does not have them: they are
// found by the chart of its time then.
type accountOpened struct {
	ledger.AccountOpened

	inForce ledger.Limits
}

// chartQuestion asks, in a dry run, whether the ledger's chart was ever replaced. The answer is a chartAnswer.
type (
	chartQuestion struct{ ledger.ExpireHold }
	chartAnswer   struct {
		ledger.HoldExpired

		replaced bool
	}
)

func decide(b *ledger.Book, cmd ledger.Command, at time.Time) ([]ledger.Event, error) {
	if _, ok := cmd.(chartQuestion); ok {
		return []ledger.Event{chartAnswer{replaced: b.HasNewChart()}}, nil
	}
	events, err := ledger.Decide(b, cmd, at)
	if err != nil {
		return nil, err
	}
	if _, ok := cmd.(ledger.OpenAccount); ok {
		opened, ok := events[len(events)-1].(ledger.AccountOpened)
		if ok {
			events[len(events)-1] = accountOpened{AccountOpened: opened, inForce: b.InForce(opened.Address, opened.Limits)}
		}
	}
	return events, nil
}

func evolve(b *ledger.Book, e ledger.Event) error {
	switch e := e.(type) {
	case chartAnswer:
		return nil
	case accountOpened:
		return ledger.Evolve(b, e.AccountOpened)
	default:
		return ledger.Evolve(b, e)
	}
}

// plainEvent is an event as the domain knows it.
func plainEvent(e ledger.Event) ledger.Event {
	if opened, ok := e.(accountOpened); ok {
		return opened.AccountOpened
	}
	return e
}
