package runner

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// member is a projection in a group, with what the views database says of it.
type member struct {
	projection projector.Projection
	// active is false where the projection stopped, or its live tables are of another version than the code.
	active     bool
	generation views.Generation
	applier    projector.Applier
	// next has, for each ledger that it has events of, the revision that comes next.
	next     map[string]uint64
	position eventstore.Position
	// events is how many those are: the sum of next.
	events uint64
}

// memberError: a projection failed on events. Such an error is the projection's own, and the others can go on.
type memberError struct {
	member *member
	err    error
}

func (e *memberError) Error() string { return "projection " + e.member.name() + ": " + e.err.Error() }
func (e *memberError) Unwrap() error { return e.err }

func (m *member) name() string { return m.projection.Model.Name }

// write applies those of the events that the member does not have, and moves its checkpoints.
func (m *member) write(tx *views.Tx, events []projector.Event, read *span) (move, error) {
	one := move{member: m, steps: make(map[string]*step)}
	needed, err := m.choose(events, one.steps)
	if err != nil {
		return one, err
	}
	if one.events = len(needed); one.events > 0 {
		one.last = needed[len(needed)-1].RecordedAt
		if err := m.apply(tx, needed); err != nil {
			return one, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(one.steps)) {
		s := one.steps[name]
		if err := tx.Advance(m.generation, s.ledgerID, s.from, s.to); err != nil {
			return one, err
		}
	}
	if read != nil && m.position.Compare(read.after) >= 0 && m.position.Compare(read.upTo) < 0 {
		one.read = read
		return one, tx.SetPosition(m.generation, read.upTo.String())
	}
	return one, nil
}

// choose gives the events that the member needs, and notes the steps of its checkpoints. Usually it needs all.
func (m *member) choose(events []projector.Event, steps map[string]*step) ([]projector.Event, error) {
	var needed []projector.Event
	all := true
	var name string
	var current *step
	for i := range events {
		event := &events[i]
		if current == nil || event.Ledger != name {
			name = event.Ledger
			if current = steps[name]; current == nil {
				current = &step{ledgerID: event.LedgerID, from: m.next[name], to: m.next[name]}
				steps[name] = current
			}
		}
		switch {
		case event.Revision > current.to:
			return nil, fmt.Errorf("projection %s needs revision %d of ledger %q and got %d: %w",
				m.name(), current.to, name, event.Revision, views.ErrOvertaken)
		case event.Revision < current.to:
			if all {
				all = false
				needed = append(needed, events[:i]...)
			}
			continue
		}
		current.to++
		if !all {
			needed = append(needed, *event)
		}
	}
	maps.DeleteFunc(steps, func(_ string, s *step) bool { return s.from == s.to })
	if all {
		return events, nil
	}
	return needed, nil
}

// apply tells a projection's own failures from those of the database. A panic is a failure of its own.
func (m *member) apply(tx *views.Tx, events []projector.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &memberError{m, fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	err = m.applier.Apply(tx, events)
	if err == nil || views.IsFault(err) || errors.Is(err, views.ErrOvertaken) {
		return err
	}
	return &memberError{m, err}
}

// load reads which generations are live and how far they are. At the start projections that had stopped are tried again.
func (g *group) load(ctx context.Context, start bool) error {
	first := ""
	if !g.belongs {
		var err error
		if first, err = g.origin(ctx); err != nil {
			return err
		}
	}
	var session uint64
	err := g.Views.Update(ctx, func(tx *views.Tx) error {
		session = tx.Session()
		if !g.belongs {
			if err := tx.Belong(first); err != nil {
				return err
			}
		}
		all, err := tx.Generations()
		if err != nil {
			return err
		}
		for _, m := range g.members {
			i := slices.IndexFunc(all, func(one views.Generation) bool { return one.Projection == m.name() && one.Live })
			if i < 0 {
				return fmt.Errorf("projection %s has no live generation", m.name())
			}
			if err := m.load(tx, all[i], start); err != nil {
				return fmt.Errorf("read how far projection %s is: %w", m.name(), err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	g.forget()
	g.session, g.belongs = session, g.belongs || first != ""
	for _, m := range g.members {
		g.report(ctx, m)
	}
	return nil
}

func (m *member) load(tx *views.Tx, live views.Generation, start bool) error {
	changed := live.Number != m.generation.Number || m.applier == nil
	m.generation = live
	fits := live.Version == m.projection.Model.Version
	m.active = fits && (m.active || changed || start)
	if changed && fits {
		m.applier = m.projection.New(live.Number)
	}
	if m.active && live.State != views.Running {
		if err := tx.SetState(live, views.Running, ""); err != nil {
			return err
		}
	}
	var err error
	if m.next, err = tx.Checkpoints(live); err != nil {
		return err
	}
	m.events = 0
	for _, next := range m.next {
		m.events += next
	}
	m.position = eventstore.Start
	position, err := tx.Position(live)
	if err != nil || position == "" {
		return err
	}
	m.position, err = eventstore.ParsePosition(position)
	return err
}

func (g *group) report(ctx context.Context, m *member) {
	if g.Lag != nil && m.active {
		g.Lag.Log(m.next)
	}
	g.tellLag(m)
	stopped := 1.0
	if m.active {
		stopped = 0
		for name := range m.next {
			g.publish(m, name)
		}
	}
	g.metrics.stopped.WithLabelValues(m.name()).Set(stopped)
	if made, want := m.generation.Version, m.projection.Model.Version; made > want {
		g.Logger.ErrorContext(ctx, "the live tables were made by a newer program; this one leaves them alone",
			"projection", m.name(), "version", want, "live_version", made)
	}
}

// outdated are the projections whose live tables were made by older code.
func (g *group) outdated() []string {
	var names []string
	for _, m := range g.members {
		if m.generation.Version < m.projection.Model.Version {
			names = append(names, m.name())
		}
	}
	return names
}

// refresh reads again how far the members are if another generation has become live, or the database was away; a batch would
// notice as well, but where there is nothing to do there is none.
func (g *group) refresh(ctx context.Context) error {
	err := g.Views.Update(ctx, g.check)
	if errors.Is(err, views.ErrOvertaken) {
		return g.load(ctx, false)
	}
	return err
}
