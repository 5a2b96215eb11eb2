package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/envelope"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// history reads from the log what books do not keep: the entries of a transaction that is to be reverted, how a hold was
// placed, what came before an assertion. All of it is behind what was decided on, and never changes again.
type history struct{ store eventstore.Store }

// The names of events that are looked for, as the log has them.
//
//nolint:gochecknoglobals // constants that are computed
var (
	nameTransactionPosted = eventName(ledger.TransactionPosted{})
	nameAccountOpened     = eventName(ledger.AccountOpened{})
	nameChartReplaced     = eventName(ledger.ChartReplaced{})
	nameAssertionHeld     = eventName(ledger.AssertionHeld{})
	nameAssertionBroken   = eventName(ledger.AssertionBroken{})
)

func eventName(e ledger.Event) string {
	name, _ := ledger.TypeOf(e)
	return name
}

// at reads the event with a revision, which there has to be.
func (h history) at(ctx context.Context, name string, revision eventstore.Revision) (event, error) {
	for recorded, err := range h.store.ReadStream(ctx, ledgername.Stream(name), revision) {
		if err != nil {
			return event{}, fmt.Errorf("read event %d of ledger %q: %w", revision, name, err)
		}
		return unseal(recorded)
	}
	return event{}, fmt.Errorf("%w: ledger %q has no event %d", eventstore.ErrCorrupt, name, revision)
}

// each gives the events from a revision on that have one of the names, as long as visit returns true.
func (h history) each(
	ctx context.Context, name string, from eventstore.Revision, visit func(event) (bool, error), names ...string,
) error {
	return h.scan(ctx, name, from, func(recorded *eventstore.Recorded) (bool, error) {
		for _, n := range names {
			if recorded.Type == n {
				e, err := unseal(*recorded)
				if err != nil {
					return false, err
				}
				return visit(e)
			}
		}
		return true, nil
	})
}

// scan gives what is recorded from a revision on, as long as visit returns true. A ledger that does not exist has nothing.
func (h history) scan(
	ctx context.Context, name string, from eventstore.Revision, visit func(*eventstore.Recorded) (bool, error),
) error {
	for recorded, err := range h.store.ReadStream(ctx, ledgername.Stream(name), from) {
		if errors.Is(err, eventstore.ErrStreamNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read ledger %q from event %d: %w", name, from, err)
		}
		if more, err := visit(&recorded); err != nil || !more {
			return err
		}
	}
	return nil
}

// unseal reads an event as it is recorded. That it is the one that was sealed is the engine's to check, and the audit's.
func unseal(recorded eventstore.Recorded) (event, error) {
	sealed, err := envelope.Parse(recorded.Metadata)
	if err != nil {
		return event{}, corrupt(&recorded, err)
	}
	e, err := ledger.Decode(recorded.Type, sealed.Schema, recorded.Data)
	if err != nil {
		return event{}, corrupt(&recorded, err)
	}
	return event{Event: e, Envelope: sealed, Revision: recorded.Revision}, nil
}

func corrupt(recorded *eventstore.Recorded, err error) error {
	return fmt.Errorf("%w: event %d of stream %q: %w", eventstore.ErrCorrupt, recorded.Revision, recorded.Stream, err)
}
