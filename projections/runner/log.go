package runner

import (
	"context"
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/projections/projector"
)

// countSurely tells how many events the log has, so that what projections lack is known of ledgers too that nobody appends to. They
// are fed meanwhile: all of them have every event up to a position.
func (r *Runner) countSurely(ctx context.Context, after eventstore.Position) {
	for wait := r.RetryPause; ctx.Err() == nil; wait = min(wait*retryMultiplier, retryIntervalMax) {
		ledgers, err := r.count(ctx, after)
		if err == nil {
			r.Lag.Log(ledgers)
			r.Lag.Counted()
			return
		}
		if ctx.Err() == nil {
			r.Logger.ErrorContext(ctx, "count what the read models lack, trying again", "error", err)
			run.Pause(ctx, wait)
		}
	}
}

// count gives how many events ledgers have: all of them, or those that have any after the position.
func (r *Runner) count(ctx context.Context, after eventstore.Position) (map[string]uint64, error) {
	ledgers := make(map[string]uint64)
	if r.Heads != nil {
		for head, err := range r.Heads(ctx) {
			if err != nil {
				return nil, err
			}
			if name, ok := ledgername.Of(head.Stream); ok {
				ledgers[name] = uint64(head.Last) + 1
			}
		}
		return ledgers, nil
	}
	for record, err := range r.Store.ReadAllBackwards(ctx, eventstore.End) {
		if err != nil {
			return nil, fmt.Errorf("read the log backwards: %w", err)
		}
		if record.Position.Compare(after) <= 0 {
			break
		}
		if it, ok := itemOf(&record); ok && ledgers[it.ledger] == 0 {
			ledgers[it.ledger] = it.revision + 1 // the first that is met is the last that it has
		}
	}
	return ledgers, nil
}

// tellLog tells how far the log goes at least, because these events are in it.
func (g *group) tellLog(events []projector.Event) {
	if g.Lag == nil || g.building {
		return
	}
	ledgers := make(map[string]uint64)
	for i := range events {
		e := &events[i]
		if i+1 < len(events) && events[i+1].Ledger == e.Ledger { // those of a ledger are in order
			continue
		}
		ledgers[e.Ledger] = e.Revision + 1
	}
	if len(ledgers) > 0 {
		g.Lag.Log(ledgers)
	}
}

// tellLag tells how many events a member has, if it is being fed. All of them are known to be in the log.
func (g *group) tellLag(m *member) {
	switch {
	case g.Lag == nil || g.building:
	case m.active:
		g.Lag.Has(m.name(), m.events)
	default:
		g.Lag.Gone(m.name())
	}
}
