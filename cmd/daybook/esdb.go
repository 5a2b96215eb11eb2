package main

import (
	"context"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/esdbserver"
	"github.com/daybook-ledger/daybook/internal/envelope"
)

// startESDB lets clients for EventStoreDB read the log, where that is asked for.
func (s *server) startESDB(ctx context.Context) error {
	if s.settings.ESDBListen == "" {
		return nil
	}
	listener, err := s.listenOn(ctx, "--esdb-listen", s.settings.ESDBListen)
	if err != nil {
		return err
	}
	endpoint := esdbserver.New(listener, s.store, esdbserver.Options{
		RecordedAt: recordedAt, Logger: s.logger, Registerer: s.registry,
	})
	s.logger.InfoContext(ctx, "clients for EventStoreDB may read the log", "address", endpoint.Address())
	s.workers.Start(ctx, endpoint)
	return nil
}

// recordedAt is when an event was recorded, as its envelope says.
func recordedAt(r eventstore.Record) time.Time {
	e, err := envelope.Parse(r.Metadata)
	if err != nil {
		return time.Unix(0, 0) // a client that verifies the event tells more of it than a time could
	}
	return e.RecordedAt
}
