package commands

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/wire"
)

type event = engine.Event[ledger.Event]

// appendAccepted writes the members of the answer to an accepted command: what it made or changed, and the revision of its
// last event. It is the same for a single command and in the results of a bulk, and for a replay.
func (h *Handlers) appendAccepted(ctx context.Context, b []byte, name string, a *answer) ([]byte, error) {
	b, err := h.appendSubject(ctx, b, name, a.Events)
	if err != nil {
		return b, err
	}
	b = append(b, `,"revision":`...)
	return strconv.AppendUint(b, uint64(a.Events[len(a.Events)-1].Revision), 10), nil
}

// appendSubject writes the members that say what came about.
func (h *Handlers) appendSubject(ctx context.Context, b []byte, name string, events []event) ([]byte, error) {
	at := subjectOf(events)
	e := &events[at]
	switch happened := e.Event.(type) {
	case ledger.TransactionPosted:
		b = appendTransaction(append(b, `"transaction":`...), name, &happened, e)
		if happened.Hold == 0 {
			return b, nil
		}
		return h.appendCaptured(ctx, append(b, ','), name, events[:at])
	case accountOpened:
		return appendAccount(b, &happened.AccountOpened, happened.inForce, e), nil
	case ledger.AccountOpened:
		chart, err := h.charts.at(ctx, name, e.Revision)
		if err != nil {
			return b, unanswerable(err)
		}
		rule, _ := chart.Match(happened.Address)
		return appendAccount(b, &happened, happened.Limits.Over(rule.Limits), e), nil
	case ledger.LedgerOpened:
		opened := wire.Ledger{
			Name: happened.Name, CreatedAt: e.Envelope.RecordedAt.UTC(), Revision: uint64(e.Revision),
			Chart: render.Chart(&happened.Chart), Metadata: happened.Metadata,
		}
		b, err := wire.Append(append(b, `"ledger":`...), opened)
		if err != nil {
			return b, fmt.Errorf("write the answer about ledger %q: %w", name, err)
		}
		return b, nil
	default:
		return h.appendChange(ctx, b, name, events, at)
	}
}

// appendAccount writes an account that was just opened, with the limits in force on it.
func appendAccount(b []byte, opened *ledger.AccountOpened, inForce ledger.Limits, e *event) []byte {
	account := wire.Account{
		Address: string(opened.Address), Type: string(opened.Type), Status: "open",
		Limits:   render.Limits(inForce),
		Metadata: opened.Metadata, OpenedAt: e.Envelope.RecordedAt,
	}
	return account.AppendJSON(append(b, `"account":`...))
}

func appendTransaction(b []byte, name string, posted *ledger.TransactionPosted, e *event) []byte {
	tx := wire.Transaction{
		ID: posted.ID, Ledger: name, Status: "posted",
		EffectiveAt: posted.EffectiveAt, RecordedAt: e.Envelope.RecordedAt,
		Description: posted.Description, Metadata: posted.Metadata, Forced: posted.Forced, Reason: posted.Reason,
		Actor: e.Envelope.Actor, Revision: uint64(e.Revision),
	}
	if posted.Reverts != 0 {
		tx.Reverts = &posted.Reverts
	}
	if posted.Hold != 0 {
		tx.Hold = &posted.Hold
	}
	if posted.Reference != "" {
		tx.Reference = &posted.Reference
	}
	if !posted.IntendedAt.IsZero() {
		tx.IntendedAt = &posted.IntendedAt
	}
	return tx.AppendJSONWith(b, func(b []byte) []byte { return render.AppendEntries(b, posted.Entries) })
}

// bufferPool keeps the memory of answers. A long one is left to the garbage collector.
type bufferPool struct{ pool sync.Pool }

//nolint:gochecknoglobals // a pool
var buffers bufferPool

const (
	usualAnswer = 1 << 10
	keptAnswer  = 1 << 20
)

func (p *bufferPool) get() *[]byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		*b = (*b)[:0]
		return b
	}
	b := make([]byte, 0, usualAnswer)
	return &b
}

func (p *bufferPool) put(b *[]byte) {
	if cap(*b) <= keptAnswer {
		p.pool.Put(b)
	}
}
