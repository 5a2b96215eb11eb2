package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// submit has a unit decided in a ledger, unless the read models are too far behind for any to come in. Where it fails, the
// result has the answers to the commands before that.
//
// Some commands are about a transaction of which the log has more than the book. They are given what the log says before
// the unit is submitted, which holds whatever happens in between: a transaction's event never changes. One that is not
// there yet may be posted by a command before it in the same unit. Where commands are decided each by itself, the unit is
// then divided: what comes before is submitted, and the log is asked again. So is one that comes to more than the store takes
// in one piece. An atomic unit is one piece and reverts
// only what was posted before it; its commands on others are rejected as about transactions that do not exist.
func (h *Handlers) submit(ctx context.Context, name string, unit Unit) (Result, error) {
	if !unit.DryRun {
		if err := h.lag.Admit(len(unit.Commands)); err != nil {
			return Result{}, err
		}
	}
	return h.submitBy(ctx, name, unit, h.ledgers.Submit)
}

// sender is [Submitter.Submit], or something that tries it again.
type sender func(ctx context.Context, stream string, unit Unit) (Result, error)

func (h *Handlers) submitBy(ctx context.Context, name string, unit Unit, send sender) (Result, error) {
	if !slices.ContainsFunc(unit.Commands, func(c command) bool { _, wants := transactionOf(c.Command); return wants }) {
		result, err := send(ctx, ledgername.Stream(name), unit)
		fit := decided(unit, result.Answers)
		if err != nil || fit == len(result.Answers) {
			return result, err
		}
		d := division{send: send, unit: unit, lookup: lookup{name: name}, result: result, sent: fit}
		d.result.Answers = result.Answers[:fit]
		err = d.flush(ctx, len(unit.Commands))
		return d.result, err
	}
	d := division{send: send, unit: unit, lookup: lookup{history: h.history, name: name}}
	d.unit.Commands = slices.Clone(unit.Commands)
	for i := range d.unit.Commands {
		if err := d.complete(ctx, i); err != nil {
			return d.result, err
		}
	}
	err := d.flush(ctx, len(d.unit.Commands))
	return d.result, err
}

// transactionOf tells whether a command needs to know what a transaction was posted with, and which one.
func transactionOf(cmd ledger.Command) (id uint64, wants bool) {
	switch cmd := cmd.(type) {
	case ledger.RevertTransaction:
		return cmd.ID, true
	case ledger.SetTransactionMetadata:
		return cmd.ID, true
	default:
		return 0, false
	}
}

// division is a unit that is submitted in as many pieces as its look-ups call for.
type division struct {
	send    sender
	unit    Unit
	lookup  lookup
	sent    int            // commands that were submitted
	missing map[int]uint64 // commands about transactions that are not there, and which
	result  Result
}

// complete gives a command what the log has of its transaction.
func (d *division) complete(ctx context.Context, i int) error {
	cmd := &d.unit.Commands[i].Command
	id, wants := transactionOf(*cmd)
	if !wants {
		return nil
	}
	posted, found, err := d.lookup.find(ctx, id)
	if err == nil && !found && !d.unit.Atomic && i > d.sent && id > d.lookup.most && id-d.lookup.most <= uint64(i-d.sent) {
		if err := d.flush(ctx, i); err != nil {
			return err
		}
		posted, found, err = d.lookup.find(ctx, id)
	}
	switch {
	case err != nil:
		return d.partly(err)
	case !found:
		if d.missing == nil {
			d.missing = map[int]uint64{}
		}
		d.missing[i] = id
		id = 0 // which no transaction has: one that is posted meanwhile was not looked at
	}
	switch c := (*cmd).(type) {
	case ledger.RevertTransaction:
		c.ID, c.Original = id, posted.Entries
		*cmd = c
	case ledger.SetTransactionMetadata:
		c.ID, c.Original = id, posted.Metadata
		*cmd = c
	}
	return nil
}

// flush submits the commands before end that were not submitted yet, in as many pieces as the store makes of them.
func (d *division) flush(ctx context.Context, end int) error {
	for d.sent < end {
		piece := d.unit
		piece.Commands = d.unit.Commands[d.sent:end]
		result, err := d.send(ctx, ledgername.Stream(d.lookup.name), piece)
		if refused := (*engine.RefusedError)(nil); errors.As(err, &refused) {
			return &engine.RefusedError{Index: refused.Index, Err: d.reworded(refused.Index, refused.Err)}
		}
		if err != nil {
			return d.partly(err)
		}
		answers := result.Answers[:decided(piece, result.Answers)]
		for i := range answers {
			answers[i].Err = d.reworded(d.sent+i, answers[i].Err)
		}
		d.result.Answers = append(d.result.Answers, answers...)
		d.result.Exists, d.result.Revision = result.Exists, result.Revision
		d.sent += len(answers)
	}
	return nil
}

// decided is how many of a unit's commands have their answer. Those for which there was no room left in the unit have not;
// the first alone is too large for any.
func decided(unit Unit, answers []answer) int {
	if unit.Atomic || unit.DryRun {
		return len(answers)
	}
	for i := range answers {
		if answers[i].Err != nil && errors.Is(answers[i].Err, engine.ErrTooLarge) {
			return max(i, 1)
		}
	}
	return len(answers)
}

// reworded tells of a transaction that was not found by the number that was asked for.
func (d *division) reworded(i int, err error) error {
	id, missing := d.missing[i]
	var rejection *ledger.Rejection
	if !missing || !errors.As(err, &rejection) || rejection.Code != ledger.TransactionNotFound {
		return err
	}
	detail := fmt.Sprintf("the ledger has no transaction %d", id)
	if d.unit.Atomic {
		detail = fmt.Sprintf("the ledger had no transaction %d before this bulk; an atomic bulk is only about transactions that were posted before it", id)
	}
	return &ledger.Rejection{Code: ledger.TransactionNotFound, Detail: detail}
}

// partly tells that something was written before the rest failed. The error that it failed with would tell that nothing was.
func (d *division) partly(err error) error {
	if d.sent == 0 || errors.Is(err, engine.ErrKeyReused) || errors.Is(err, eventstore.ErrCorrupt) || errors.Is(err, context.Canceled) {
		return err
	}
	what := "could not be taken"
	if errors.Is(err, engine.ErrOutcomeUnknown) {
		what = "may have been taken, which is not known"
	}
	return httpx.NewProblem(httpx.CodeOverloaded, "Command %d of the bulk and those after it %s, those before it were. "+
		"Send it again later: with the same idempotency key nothing is done twice.", d.sent, what)
}
