package storetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Fault is what becomes of one append of a [Faulty]: it calls do, which appends, or does not, and answers the caller.
type Fault func(ctx context.Context, f *Faulty, do Do) (eventstore.Appended, error)

// Do carries an append out on the store underneath.
type Do func(ctx context.Context) (eventstore.Appended, error)

// None is no fault: it lets an append through, so that the next fault meets a later one.
func None() Fault {
	return func(ctx context.Context, _ *Faulty, do Do) (eventstore.Appended, error) { return do(ctx) }
}

// Refused fails with err before anything is written. Use an error that promises just that, such as
// [eventstore.ErrUnavailable] or [eventstore.ErrOverloaded].
func Refused(err error) Fault {
	return func(context.Context, *Faulty, Do) (eventstore.Appended, error) {
		return eventstore.Appended{}, onPurpose(err)
	}
}

// Lost answers that the outcome is unknown, and writes nothing.
func Lost() Fault { return Refused(eventstore.ErrOutcomeUnknown) }

// Written appends, and answers that the outcome is unknown. Where the append itself fails, that is the answer.
func Written() Fault {
	return func(ctx context.Context, _ *Faulty, do Do) (eventstore.Appended, error) {
		if _, err := do(ctx); err != nil {
			return eventstore.Appended{}, err
		}
		return eventstore.Appended{}, onPurpose(eventstore.ErrOutcomeUnknown)
	}
}

// Behind runs intrude just before the append: a second writer, for one, that appends through [Faulty.Inner].
func Behind(intrude func()) Fault {
	return func(ctx context.Context, _ *Faulty, do Do) (eventstore.Appended, error) {
		intrude()
		return do(ctx)
	}
}

// Gate holds appends back until it is opened.
type Gate struct {
	arrived chan struct{}
	opened  chan struct{}
	enter   func()
	open    func()
}

// NewGate makes a closed gate.
func NewGate() *Gate {
	g := &Gate{arrived: make(chan struct{}), opened: make(chan struct{})}
	g.enter = sync.OnceFunc(func() { close(g.arrived) })
	g.open = sync.OnceFunc(func() { close(g.opened) })
	return g
}

// Arrived is closed when the first append stands before the gate.
func (g *Gate) Arrived() <-chan struct{} { return g.arrived }

// Open lets through what waits and all that comes. Opening again does nothing.
func (g *Gate) Open() { g.open() }

// Slow holds the append until the gate opens. Where the context ends before, the outcome is unknown, and nothing is
// written.
func (g *Gate) Slow() Fault {
	return func(ctx context.Context, _ *Faulty, do Do) (eventstore.Appended, error) {
		g.enter()
		select {
		case <-g.opened:
			return do(ctx)
		case <-ctx.Done():
			return eventstore.Appended{}, onPurpose(fmt.Errorf("%w: %w", eventstore.ErrOutcomeUnknown, ctx.Err()))
		}
	}
}

// Late answers at once that the outcome is unknown, and carries the append out when the gate opens: a message that was
// still on its way. Its own outcome, which nobody waits for, is then given to done, where that is not nil.
func (g *Gate) Late(done func(eventstore.Appended, error)) Fault {
	return func(ctx context.Context, f *Faulty, do Do) (eventstore.Appended, error) {
		g.enter()
		f.late.Go(func() {
			<-g.opened
			appended, err := do(context.WithoutCancel(ctx))
			if done != nil {
				done(appended, err)
			}
		})
		return eventstore.Appended{}, onPurpose(eventstore.ErrOutcomeUnknown)
	}
}

func onPurpose(err error) error { return fmt.Errorf("fault on purpose: %w", err) }
