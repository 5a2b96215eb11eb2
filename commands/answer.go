package commands

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/domain/money"
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
			Chart: wireChart(&happened.Chart), Metadata: happened.Metadata,
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
		Limits:   wire.Limits{MinBalance: optional(inForce.Min), MaxBalance: optional(inForce.Max)},
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
	return tx.AppendJSONWith(b, func(b []byte) []byte { return appendEntries(b, posted.Entries) })
}

// appendEntries writes entries as [wire.Entry] has them, without a text for each amount.
func appendEntries(b []byte, entries []ledger.Entry) []byte {
	b = append(b, '[')
	for i := range entries {
		e := &entries[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"account":`...)
		b = wire.AppendString(b, string(e.Account))
		b = append(b, `,"asset":`...)
		b = wire.AppendString(b, string(e.Asset))
		if e.Side == ledger.Debit {
			b = append(b, `,"debit":"`...)
		} else {
			b = append(b, `,"credit":"`...)
		}
		b, _ = e.Amount.AppendText(b) // never fails
		b = append(b, `"}`...)
	}
	return append(b, ']')
}

func wireChart(c *ledger.Chart) wire.Chart {
	chart := wire.Chart{Undeclared: string(c.Undeclared), Rules: make([]wire.Rule, len(c.Rules))}
	for i := range c.Rules {
		r := &c.Rules[i]
		chart.Rules[i] = wire.Rule{
			Pattern: r.Pattern.String(), AnyCase: r.AnyCase, Type: string(r.Type),
			MinBalance: optional(r.Limits.Min), MaxBalance: optional(r.Limits.Max),
		}
		for _, asset := range r.Assets {
			chart.Rules[i].Assets = append(chart.Rules[i].Assets, string(asset))
		}
	}
	return chart
}

func optional(s *money.Signed) *string {
	if s == nil {
		return nil
	}
	text := s.String()
	return &text
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
