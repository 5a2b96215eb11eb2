package main

import (
	"context"
	"errors"

	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
)

// startNATS connects to the NATS server in the process, which it starts, or to those that the settings name.
func (s *server) startNATS(ctx context.Context) (err error) {
	if s.settings.NATS == "" {
		err = s.startNATSHere(ctx)
	} else {
		s.conn, err = stream.Dial(stream.DialOptions{
			Servers: s.settings.NATS, Credentials: s.settings.NATSCredential,
			CA: s.settings.NATSCA, Cert: s.settings.NATSCert, Key: s.settings.NATSKey, Logger: s.logger,
		})
	}
	if err != nil {
		return err
	}
	s.workers.Start(ctx, run.OnStop("NATS connection", func() error { s.conn.Close(); return nil }))
	return nil
}

func (s *server) startNATSHere(ctx context.Context) error {
	broker, err := natsserver.Start(natsserver.Options{Dir: s.dir.NATS(), Listen: s.settings.NATSListen, Logger: s.logger})
	if err != nil {
		return err
	}
	s.workers.Start(ctx, run.OnStop("NATS server", broker.Close))
	if address := broker.Address(); address != "" {
		s.logger.InfoContext(ctx, "NATS listens for subscribers", "address", address)
	}
	s.conn, err = broker.Connect()
	return err
}

// startRelay refuses a stream that would lose events, where NATS can be asked: where it cannot, the relay finds out.
func (s *server) startRelay(ctx context.Context) error {
	broker, err := stream.NewBroker(s.conn, stream.Config{
		MaxAge: s.settings.NATSMaxAge, MaxBytes: s.settings.NATSBytes, Replicas: s.settings.NATSReplicas, Embedded: s.settings.NATS == "",
	})
	if err != nil {
		return err
	}
	if err := broker.Ensure(ctx); errors.Is(err, stream.ErrConflict) {
		return err
	}
	publisher, err := stream.NewPublisher(s.conn, stream.PublisherOptions{})
	if err != nil {
		return err
	}
	s.relay = relay.New(s.store, publisher, broker, relay.Options{Logger: s.logger, Registry: s.registry})
	s.workers.Start(ctx, s.relay)
	return nil
}
