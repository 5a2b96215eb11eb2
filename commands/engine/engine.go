// Package engine runs a decider over streams of events: it loads a stream's state, decides commands against it, appends
// what happened, and answers when that is durable.
package engine

import (
	"context"

	"github.com/daybook-ledger/daybook/eventstore"
)

// span is a range of revisions, both ends included.
type span struct{ first, last eventstore.Revision }

// Engines has one engine for each stream that is in use.
type Engines[S, C, E any] struct {
	store   eventstore.Store
	decider Decider[S, C, E]
	options Options
}

// New makes engines over a store. Close them before the store.
func New[S, C, E any](store eventstore.Store, decider Decider[S, C, E], options Options) *Engines[S, C, E] {
	return &Engines[S, C, E]{store: store, decider: decider, options: options.withDefaults()}
}

// Submit has a unit decided against the stream's state, and returns when all that it rests on is durable.
//
// Where ctx ends first, it returns the context's error, and the unit may still be accepted.
func (e *Engines[S, C, E]) Submit(ctx context.Context, stream string, unit Unit[C]) (Result[E], error) {
	return Result[E]{}, ErrUnavailable
}

// Close lets no more units in, has those that are in decided, appended and answered, saves snapshots, and waits for all
// that. Where ctx ends first, what is left is broken off: its callers get an error.
func (e *Engines[S, C, E]) Close(ctx context.Context) error { return nil }
