package runner

import (
	"context"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/projections/projector"
	"github.com/daybook-ledger/daybook/projections/views"
)

// write applies events in one transaction. Where it fails nothing has changed.
func (g *group) write(ctx context.Context, events []projector.Event, read *span) error {
	first := ""
	if !g.belongs {
		first, _ = g.origin(ctx) // a store that is away must not hold up what has come from it; the next batch asks again
	}
	began := time.Now()
	var moved []move
	err := g.Views.Update(ctx, func(tx *views.Tx) (err error) {
		if first != "" {
			if err := tx.Belong(first); err != nil {
				return err
			}
		}
		moved, err = g.writeIn(tx, events, read)
		return err
	})
	if err != nil {
		g.forget()
		return err
	}
	g.belongs = g.belongs || first != ""
	g.tellLog(events)
	g.settle(moved)
	g.metrics.commit.Observe(time.Since(began).Seconds())
	if len(events) > 0 {
		g.metrics.batch.Observe(float64(len(events)))
	}
	return nil
}

// forget drops all that is remembered of rows, because the transaction that it was taken from did not commit.
func (g *group) forget() {
	g.ids.Reset()
	for _, m := range g.members {
		if m.applier != nil {
			m.applier.Reset()
		}
	}
}

// move is what a transaction changes in what is known of a member, once it is committed.
type move struct {
	member *member
	steps  map[string]*step
	read   *span
	last   time.Time
	events int
}

// step is the way of a checkpoint.
type step struct {
	ledgerID int64
	from, to uint64
}

func (g *group) writeIn(tx *views.Tx, events []projector.Event, read *span) ([]move, error) {
	if err := g.check(tx); err != nil {
		return nil, err
	}
	if err := g.number(tx, events); err != nil {
		return nil, err
	}
	var moved []move
	for _, m := range g.members {
		if !m.active {
			continue
		}
		one, err := m.write(tx, events, read)
		if err != nil {
			return nil, err
		}
		moved = append(moved, one)
	}
	return moved, nil
}

// check makes sure that the members' generations are still what they were, and that no commit was lost with the database.
func (g *group) check(tx *views.Tx) error {
	if tx.Session() != g.session {
		return fmt.Errorf("the connection to the database is another one: %w", views.ErrOvertaken)
	}
	all, err := tx.Generations()
	if err != nil {
		return err
	}
	for _, m := range g.members {
		found := false
		for _, one := range all {
			found = found || one.Projection == m.name() && one.Number == m.generation.Number && one.Live != g.building
		}
		if !found {
			return fmt.Errorf("generation %d of projection %s: %w", m.generation.Number, m.name(), views.ErrOvertaken)
		}
	}
	return nil
}

// number gives the events the short numbers of their ledgers and accounts.
func (g *group) number(tx *views.Tx, events []projector.Event) error {
	g.ids.Turn()
	keys := make([]views.AccountKey, 0, 2*len(events)) //nolint:mnd // most transactions have two entries
	for i := range events {
		id, err := g.ids.Ledger(tx, events[i].Ledger)
		if err != nil {
			return err
		}
		events[i].LedgerID = id
		one, entries := projector.Addresses(events[i].Body)
		if one != "" {
			keys = append(keys, views.AccountKey{LedgerID: id, Address: string(one)})
		}
		for j := range entries {
			keys = append(keys, views.AccountKey{LedgerID: id, Address: string(entries[j].Account)})
		}
	}
	numbers := make([]int64, len(keys))
	if err := g.ids.Accounts(tx, keys, numbers); err != nil {
		return err
	}
	for i := range events {
		one, entries := projector.Addresses(events[i].Body)
		n := len(entries)
		if one != "" {
			n = 1
		}
		events[i].Accounts, numbers = numbers[:n:n], numbers[n:]
	}
	return nil
}

// settle takes over what a committed transaction has changed, and tells the board.
func (g *group) settle(moved []move) {
	for _, one := range moved {
		m := one.member
		for name, step := range one.steps {
			m.next[name] = step.to
			m.events += step.to - step.from
		}
		g.tellLag(m) // before those are woken who see what commands see
		for name := range one.steps {
			g.publish(m, name)
		}
		if one.read != nil {
			m.position = one.read.upTo
		}
		if one.events > 0 && !g.building {
			g.metrics.applied.WithLabelValues(m.name()).Add(float64(one.events))
			g.metrics.lag.WithLabelValues(m.name()).Set(max(0, g.Now().Sub(one.last).Seconds()))
		}
	}
}

func (g *group) publish(m *member, ledgerName string) {
	if g.Board != nil && !g.building {
		g.Board.Publish(m.name(), ledgerName, m.next[ledgerName]-1)
	}
}
