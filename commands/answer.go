package commands

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/domain/ledger"
	"github.com/daybook-ledger/daybook/internal/render"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/wire"
)

type event = engine.Event[ledger.Event]

// appendAccepted writes the members of the answer to an accepted command: what it made, and the revision of its last
// event. It is the same for a single command and in the results of a bulk, and for a replay.
func (h *Handlers) appendAccepted(ctx context.Context, b []byte, name string, a *answer) ([]byte, error) {
	last := &a.Events[len(a.Events)-1]
	var inForce ledger.Limits
	if opened, ok := last.Event.(ledger.AccountOpened); ok {
		chart, err := h.charts.of(ctx, name)
		if err != nil {
			return b, httpx.NewProblem(httpx.CodeOverloaded, "The command was accepted, but the account's limits cannot be read for "+
				"the answer. Send it again with the same idempotency key, or look the account up.").Because(err)
		}
		rule, _ := chart.Match(opened.Address)
		inForce = opened.Limits.Over(rule.Limits)
	}
	b, err := appendSubject(b, name, last, inForce)
	if err != nil {
		return b, err
	}
	b = append(b, `,"revision":`...)
	return strconv.AppendUint(b, uint64(last.Revision), 10), nil
}

// appendSubject writes the member that says what came about: the command's last event is about it, those before only
// prepared it. The limits are those in force on the account, where it is an account.
func appendSubject(b []byte, name string, e *event, inForce ledger.Limits) ([]byte, error) {
	switch happened := e.Event.(type) {
	case ledger.TransactionPosted:
		return appendTransaction(append(b, `"transaction":`...), name, &happened, e), nil
	case ledger.AccountOpened:
		account := wire.Account{
			Address: string(happened.Address), Type: string(happened.Type), Status: "open",
			Limits:   render.Limits(inForce),
			Metadata: happened.Metadata, OpenedAt: e.Envelope.RecordedAt,
		}
		return account.AppendJSON(append(b, `"account":`...)), nil
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
		return b, fmt.Errorf("no answer is known for a %T", happened)
	}
}

func appendTransaction(b []byte, name string, posted *ledger.TransactionPosted, e *event) []byte {
	tx := wire.Transaction{
		ID: posted.ID, Ledger: name, Status: "posted",
		EffectiveAt: posted.EffectiveAt, RecordedAt: e.Envelope.RecordedAt,
		Description: posted.Description, Metadata: posted.Metadata,
		Actor: e.Envelope.Actor, Revision: uint64(e.Revision),
	}
	if posted.Reference != "" {
		tx.Reference = &posted.Reference
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
