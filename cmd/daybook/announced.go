package main

import (
	"context"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/ledgername"
)

// announced is the event store as commands write to it: whoever counts what the read models have to catch up with is told what is
// appended.
type announced struct {
	eventstore.Store

	to listener
}

// listener hears up to which revision a ledger has events.
type listener interface {
	Appended(ledger string, last uint64)
}

// Append implements [eventstore.Store].
func (a announced) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	appended, err := a.Store.Append(ctx, stream, expected, records)
	if name, ok := ledgername.Of(stream); ok && err == nil {
		a.to.Appended(name, uint64(appended.Last))
	}
	return appended, err
}

// told is the event store as commands write to it: in a cluster other nodes are told what is appended, by way of this one.
func (s *server) told() eventstore.Store {
	if s.member == nil {
		return announced{s.store, s.count}
	}
	return announced{s.store, s.progress}
}
