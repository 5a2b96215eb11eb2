package commands

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// upkeepActor issues Daybook's own commands.
const upkeepActor = "daybook"

// Upkeep issues the commands that nobody sends: it ends the holds whose time has come, and evaluates the assertions that
// were declared. It is safe for concurrent use, and whatever it is told twice it does once.
type Upkeep struct {
	ledgers Submitter
	history history
	summing chan struct{} // has as many as are summing up
}

// maxSumming is how many assertions are summed up at a time. Each reads a whole log, and keeps the accounts that it is
// about in memory: as many as there are requests would be too many.
const maxSumming = 2

// NewUpkeep makes the upkeep of ledgers that are decided by engines over a store.
func NewUpkeep(ledgers Submitter, store eventstore.Store) *Upkeep {
	return &Upkeep{ledgers: ledgers, history: history{store: store}, summing: make(chan struct{}, maxSumming)}
}

// Expire ends holds of a ledger, and tells how many. Those that are not open any more, or have time left after all, stay
// as they are. The error is why the others could not be ended; trying again later may help.
func (u *Upkeep) Expire(ctx context.Context, name string, holds []uint64) (expired int, err error) {
	unit := Unit{Commands: make([]command, len(holds)), Actor: upkeepActor}
	for i, id := range holds {
		unit.Commands[i].Command = ledger.ExpireHold{ID: id}
	}
	result, err := u.ledgers.Submit(ctx, ledgername.Stream(name), unit)
	if err != nil {
		return 0, fmt.Errorf("expire holds of ledger %q: %w", name, err)
	}
	for i := range result.Answers {
		var rejection *ledger.Rejection
		switch err := result.Answers[i].Err; {
		case err == nil:
			expired++
		case errors.As(err, &rejection) && rejection.Code == ledger.HoldNotOpen:
		default:
			return expired, fmt.Errorf("expire hold %d of ledger %q: %w", holds[i], name, err)
		}
	}
	return expired, nil
}

// Evaluate completes an assertion, which was declared at a revision, unless that was done already.
func (u *Upkeep) Evaluate(ctx context.Context, name string, id, revision uint64) error {
	declared, err := u.history.at(ctx, name, eventstore.Revision(revision))
	if err != nil {
		return err
	}
	if e, ok := declared.Event.(ledger.AssertionDeclared); !ok || e.ID != id {
		return fmt.Errorf("%w: event %d of ledger %q does not declare assertion %d", eventstore.ErrCorrupt, revision, name, id)
	}
	_, err = u.verdict(ctx, name, &declared)
	return err
}

// verdict gives the event of an assertion's first evaluation, which is made if there is none yet.
//
// What came before the declaration is summed up from the log, one event after another: that takes time with the length of
// the log, about two seconds for a million events, and memory with the number of accounts that the assertion is about. The
// ledger takes commands meanwhile, and counts what they do.
func (u *Upkeep) verdict(ctx context.Context, name string, declared *event) (event, error) {
	about, ok := declared.Event.(ledger.AssertionDeclared)
	if !ok {
		return event{}, fmt.Errorf("%w: a %T declares no assertion", eventstore.ErrCorrupt, declared.Event)
	}
	told, found, err := u.evaluated(ctx, name, about.ID, declared.Revision)
	if found || err != nil {
		return told, err
	}
	before, err := u.sum(ctx, name, &about, declared.Revision)
	if err != nil {
		return event{}, err
	}
	result, err := u.ledgers.Submit(ctx, ledgername.Stream(name), Unit{
		Commands: []engine.Command[ledger.Command]{{Command: ledger.EvaluateAssertion{ID: about.ID, Before: before}}},
		Actor:    upkeepActor, Correlation: declared.Envelope.Correlation, Causation: uuidText(declared.Envelope.ID),
	})
	if err != nil {
		return event{}, fmt.Errorf("evaluate assertion %d of ledger %q: %w", about.ID, name, err)
	}
	switch a := &result.Answers[0]; {
	case a.Err != nil:
		return event{}, fmt.Errorf("evaluate assertion %d of ledger %q: %w", about.ID, name, a.Err)
	case len(a.Events) > 0:
		return a.Events[0], nil
	}
	// Somebody else was faster, so it is there now.
	told, found, err = u.evaluated(ctx, name, about.ID, declared.Revision)
	if err == nil && !found {
		err = fmt.Errorf("%w: ledger %q has assertion %d evaluated, and no event tells it", eventstore.ErrCorrupt, name, about.ID)
	}
	return told, err
}

// sum sums up what an assertion is about, before its declaration.
func (u *Upkeep) sum(
	ctx context.Context, name string, about *ledger.AssertionDeclared, declared eventstore.Revision,
) (ledger.AssertionSums, error) {
	select {
	case u.summing <- struct{}{}:
		defer func() { <-u.summing }()
	case <-ctx.Done():
		return ledger.AssertionSums{}, fmt.Errorf("wait to sum up what came before assertion %d: %w", about.ID, ctx.Err())
	}
	tally := ledger.NewTally(*about)
	err := u.history.scan(ctx, name, 0, func(recorded *eventstore.Recorded) (bool, error) {
		if recorded.Revision >= declared {
			return false, nil
		}
		if recorded.Type != nameTransactionPosted && recorded.Type != nameAccountOpened {
			return true, nil
		}
		e, err := unseal(*recorded)
		if err == nil {
			tally.Count(e.Event)
		}
		return true, err
	})
	if err != nil {
		return ledger.AssertionSums{}, fmt.Errorf("sum up what came before assertion %d: %w", about.ID, err)
	}
	return tally.Sums(), nil
}

// evaluated finds the event of an assertion's first evaluation after its declaration. It is mostly near.
func (u *Upkeep) evaluated(
	ctx context.Context, name string, id uint64, declared eventstore.Revision,
) (told event, found bool, err error) {
	err = u.history.each(ctx, name, declared+1, func(e event) (bool, error) {
		var of, transaction uint64
		switch verdict := e.Event.(type) {
		case ledger.AssertionHeld:
			of, transaction = verdict.ID, verdict.Transaction
		case ledger.AssertionBroken:
			of, transaction = verdict.ID, verdict.Transaction
		}
		if of == id && transaction == 0 {
			told, found = e, true
		}
		return !found, nil
	}, nameAssertionHeld, nameAssertionBroken)
	return told, found, err
}

// uuidText is an event's id as clients are told it.
func uuidText(id [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// evaluationFailed is the problem of an assertion that was declared, and could not be evaluated at once.
func evaluationFailed(id uint64, err error) error {
	return httpx.NewProblem(httpx.CodeOverloaded, "Assertion %d was declared, but what came before it could not be summed up yet. "+
		"That will be tried again; ask for the assertion later, or send the request again with the same idempotency key.", id).Because(err)
}
