package main

import (
	"context"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/ledgername"
	"github.com/daybook-ledger/daybook/internal/progress"
)

// counted is the event store as commands write to it: what they append is what the read models have to catch up with.
type counted struct {
	eventstore.Store

	bound *lag.Bound
}

// Append implements [eventstore.Store].
func (c counted) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	if _, ok := ledgername.Of(stream); !ok {
		return c.Store.Append(ctx, stream, expected, records)
	}
	c.bound.Append(len(records))
	appended, err := c.Store.Append(ctx, stream, expected, records)
	if err != nil {
		c.bound.Failed(len(records))
	}
	return appended, err
}

// announced is the event store as the commands of a node write to it: whoever feeds the read models of the cluster is told what
// they have to catch up with.
type announced struct {
	eventstore.Store

	progress *progress.Node
}

// Append implements [eventstore.Store].
func (a announced) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	appended, err := a.Store.Append(ctx, stream, expected, records)
	if name, ok := ledgername.Of(stream); ok && err == nil {
		a.progress.Appended(name, uint64(appended.Last))
	}
	return appended, err
}

// told is the event store as commands write to it.
func (s *server) told() eventstore.Store {
	if s.member == nil {
		return counted{s.store, s.lag}
	}
	return announced{s.store, s.progress}
}

// eventsOf counts the events of all ledgers; 0 where the store cannot tell how many there are.
func eventsOf(ctx context.Context, log *openedLog) (events uint64, err error) {
	if log.heads == nil {
		return 0, nil
	}
	for head, err := range log.heads(ctx) {
		if err != nil {
			return 0, err
		}
		if _, ok := ledgername.Of(head.Stream); ok {
			events += uint64(head.Last) + 1
		}
	}
	return events, nil
}
