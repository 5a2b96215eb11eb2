package commands

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/wire"
)

// subjectOf finds the event that the answer to a command is about. Those before it prepared it; those after it tell of
// assertions that it broke or made hold again.
func subjectOf(events []event) int {
	for i := len(events) - 1; i > 0; i-- {
		switch events[i].Event.(type) {
		case ledger.AssertionHeld, ledger.AssertionBroken:
		default:
			return i
		}
	}
	return 0
}

// statusOf is the status of the answer: 201 where something new can be asked for at [location].
func statusOf(e ledger.Event) int {
	switch e.(type) {
	case ledger.LedgerOpened, ledger.AccountOpened, accountOpened, ledger.TransactionPosted, ledger.HoldPlaced, ledger.AssertionDeclared:
		return http.StatusCreated
	default:
		return http.StatusOK
	}
}

// location is where queries have what a command made or changed.
func location(name string, e ledger.Event) string {
	path := "/v1/ledgers/" + name
	account := func(a string) string { return path + "/accounts/" + url.PathEscape(a) }
	numbered := func(kind string, id uint64) string { return path + kind + strconv.FormatUint(id, 10) }
	switch e := e.(type) {
	case ledger.LedgerOpened:
		return path
	case ledger.AccountOpened:
		return account(string(e.Address))
	case accountOpened:
		return account(string(e.Address))
	case ledger.TransactionPosted:
		return numbered("/transactions/", e.ID)
	case ledger.HoldPlaced:
		return numbered("/holds/", e.ID)
	case ledger.AssertionDeclared:
		return numbered("/assertions/", e.ID)
	default:
		return "" // it is where the request went
	}
}

// appendChange writes the member that says what is now, of events that change what was there.
func (h *Handlers) appendChange(ctx context.Context, b []byte, name string, events []event, at int) ([]byte, error) {
	switch e := events[at].Event.(type) {
	case ledger.HoldPlaced:
		return appendHold(append(b, `"hold":`...), name, &e, &events[at], &holdState{status: wire.HoldOpen, remaining: e.Entries}), nil
	case ledger.HoldVoided:
		return h.appendHoldNow(ctx, b, name, e.HoldOrigin, &holdState{status: wire.HoldVoided})
	case ledger.HoldExpired:
		return h.appendHoldNow(ctx, b, name, e.HoldOrigin, &holdState{status: wire.HoldExpired})
	case ledger.ChartReplaced:
		return wire.Append(append(b, `"chart":`...), render.Chart(&e.Chart))
	case ledger.AccountClosed:
		return appendStatus(b, string(e.Address), "closed"), nil
	case ledger.AccountReopened:
		return appendStatus(b, string(e.Address), "open"), nil
	case ledger.AccountMetadataSet:
		b = wire.AppendString(append(b, `"account":{"address":`...), string(e.Address))
		return appendNewMetadata(b, e.Metadata), nil
	case ledger.TransactionMetadataSet:
		b = strconv.AppendUint(append(b, `"transaction":{"id":`...), e.ID, 10)
		return appendNewMetadata(b, e.Metadata), nil
	case ledger.PeriodClosed:
		return appendPeriod(b, &e.Through), nil
	case ledger.PeriodReopened:
		return appendPeriod(b, e.Closed), nil
	default:
		return b, fmt.Errorf("no answer is known for a %T", e)
	}
}

// appendCaptured writes the hold that a transaction captured, as the event before the transaction left it.
func (h *Handlers) appendCaptured(ctx context.Context, b []byte, name string, before []event) ([]byte, error) {
	for i := range before {
		e, ok := before[i].Event.(ledger.HoldCaptured)
		if !ok {
			continue
		}
		state := &holdState{status: wire.HoldOpen, remaining: e.Remaining}
		if e.Final {
			state.status = wire.HoldCaptured
		}
		return h.appendHoldNow(ctx, b, name, e.HoldOrigin, state)
	}
	return b, fmt.Errorf("%w: a transaction of ledger %q captures a hold, and no event before it does", eventstore.ErrCorrupt, name)
}

func appendStatus(b []byte, address, status string) []byte {
	b = wire.AppendString(append(b, `"account":{"address":`...), address)
	b = wire.AppendString(append(b, `,"status":`...), status)
	return append(b, '}')
}

func appendNewMetadata(b []byte, m ledger.Metadata) []byte {
	return append(wire.AppendMetadata(append(b, `,"metadata":`...), m), '}')
}

func appendPeriod(b []byte, closed *ledger.Day) []byte {
	if closed == nil {
		return append(b, `"period":{"closed_through":null,"first_open_day":null}`...)
	}
	b = wire.AppendString(append(b, `"period":{"closed_through":`...), closed.String())
	b = wire.AppendString(append(b, `,"first_open_day":`...), (*closed + 1).String())
	return append(b, '}')
}

// holdState is what becomes of a hold as time goes by; all else is as it was placed.
type holdState struct {
	status       string
	remaining    []ledger.Entry
	transactions []uint64
}

// appendHoldNow writes a hold as an event left it. The event tells where the hold was placed.
func (h *Handlers) appendHoldNow(
	ctx context.Context, b []byte, name string, origin ledger.HoldOrigin, state *holdState,
) ([]byte, error) {
	e, err := h.history.at(ctx, name, eventstore.Revision(origin.Placed))
	if err != nil {
		return b, unanswerable(err)
	}
	placed, ok := e.Event.(ledger.HoldPlaced)
	if !ok {
		return b, fmt.Errorf("%w: event %d of ledger %q is a %T, and was to place a hold", eventstore.ErrCorrupt, e.Revision, name, e.Event)
	}
	state.transactions = origin.Captures
	return appendHold(append(b, `"hold":`...), name, &placed, &e, state), nil
}

// unanswerable is the problem of a command that was accepted, of which no more can be told at present.
func unanswerable(err error) error {
	return httpx.NewProblem(httpx.CodeOverloaded, "The command was accepted, but what it led to cannot be read for the answer. "+
		"Send it again with the same idempotency key, or look it up.").Because(err)
}

func appendHold(b []byte, name string, placed *ledger.HoldPlaced, e *event, now *holdState) []byte {
	hold := wire.Hold{
		ID: placed.ID, Ledger: name, Status: now.status, Entries: wireEntries(placed.Entries), Remaining: wireEntries(now.remaining),
		EffectiveAt: placed.EffectiveAt, RecordedAt: e.Envelope.RecordedAt, Description: placed.Description,
		Metadata: placed.Metadata, Transactions: now.transactions, Actor: e.Envelope.Actor, Revision: uint64(e.Revision),
	}
	if !placed.ExpiresAt.IsZero() {
		hold.ExpiresAt = &placed.ExpiresAt
	}
	if placed.Reference != "" {
		hold.Reference = &placed.Reference
	}
	return hold.AppendJSON(b)
}

func wireEntries(entries []ledger.Entry) []wire.Entry {
	list := make([]wire.Entry, len(entries))
	for i := range entries {
		e := &entries[i]
		list[i] = wire.Entry{Account: string(e.Account), Asset: string(e.Asset)}
		if e.Side == ledger.Debit {
			list[i].Debit = e.Amount.String()
		} else {
			list[i].Credit = e.Amount.String()
		}
	}
	return list
}
