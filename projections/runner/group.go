package runner

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/projections/views"
)

// group is projections that are fed together: an event is decoded once for all, and all that a batch changes is committed
// at once, so that a query that joins read models sees one state of the ledger. Whoever uses it holds a lock.
type group struct {
	*Runner

	ids     *views.IDs
	members []*member
	// session is that in which was read, or written, what is known of the members.
	session uint64
	// belongs says that the read models are known to be the log's. As long as that has no event they are nobody's.
	belongs bool
	// building marks a group that fills generations beside the live ones. In such a one no member may fail.
	building bool
}

// span says that a batch is all there is in the log between two positions.
type span struct{ after, upTo eventstore.Position }

func newGroup(r *Runner) *group { return &group{Runner: r, ids: views.NewIDs()} }

const (
	attemptsMax  = 3
	overtakenMax = 100
)

// take applies the events among items that a member does not have yet, after those that the items leave out. The items
// come in any order. Where it fails, what was committed stays and the rest may be given again.
func (g *group) take(ctx context.Context, items []item, read *span) error {
	for overtaken := 0; ; overtaken++ {
		err := g.arrange(ctx, items, func(part []item, last bool) error {
			if last {
				return g.commit(ctx, part, read)
			}
			return g.commit(ctx, part, nil)
		})
		if !errors.Is(err, views.ErrOvertaken) || g.building || overtaken == overtakenMax {
			return err
		}
		g.Logger.InfoContext(ctx, "the read models are not as they were left, reading again how far they are", "reason", err)
		if err := g.load(ctx, false); err != nil {
			return err
		}
	}
}

// commit applies items, which are in order and without gaps. A member that fails repeatedly is stopped, and the others
// go on without it.
func (g *group) commit(ctx context.Context, items []item, read *span) error {
	events, undecodable := g.decode(ctx, items)
	if ctx.Err() != nil {
		return fmt.Errorf("apply events: %w", ctx.Err())
	}
	if undecodable != nil {
		read = nil
	}
	for attempt := 1; len(events) > 0 || read != nil; attempt++ {
		err := g.write(ctx, events, read)
		if err == nil {
			break
		}
		var failure *memberError
		if !errors.As(err, &failure) || g.building {
			return err
		}
		g.Logger.WarnContext(ctx, "a projection could not apply events",
			"projection", failure.member.name(), "attempt", attempt, "error", failure.err)
		if attempt < attemptsMax {
			run.Pause(ctx, g.RetryPause)
			continue
		}
		if err := g.stop(ctx, failure.member, failure.err); err != nil {
			return err
		}
		attempt = 0
	}
	if undecodable == nil {
		return nil
	}
	return g.stopAll(ctx, undecodable)
}

func (g *group) stopAll(ctx context.Context, cause error) error {
	if g.building {
		return cause
	}
	for _, m := range g.members {
		if m.active {
			if err := g.stop(ctx, m, cause); err != nil {
				return err
			}
		}
	}
	return nil
}

// stop takes a member out of the group until the program starts again or another generation is live.
func (g *group) stop(ctx context.Context, m *member, cause error) error {
	err := g.Views.Update(ctx, func(tx *views.Tx) error { return tx.SetState(m.generation, views.Stopped, cause.Error()) })
	if err != nil {
		return fmt.Errorf("note that projection %s stopped: %w", m.name(), err)
	}
	m.active = false
	g.metrics.stopped.WithLabelValues(m.name()).Set(1)
	g.tellLag(m)
	g.Logger.ErrorContext(ctx, "a projection has STOPPED at an event that it cannot apply; the others go on",
		"projection", m.name(), "generation", m.generation.Number, "error", cause)
	return nil
}

// position is up to where in the log every member has every event.
func (g *group) position() eventstore.Position {
	first := true
	var least eventstore.Position
	for _, m := range g.members {
		if m.active && (first || m.position.Compare(least) < 0) {
			first, least = false, m.position
		}
	}
	return least
}

// anyActive tells whether there is something to feed.
func (g *group) anyActive() bool {
	for _, m := range g.members {
		if m.active {
			return true
		}
	}
	return false
}
