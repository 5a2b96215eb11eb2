package main

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/stream/natsserver"
	"github.com/daybook-ledger/daybook/internal/telemetry"
)

// startNATS connects to the NATS server in the process, which it starts, or to those that the settings name.
func (s *server) startNATS(ctx context.Context) (err error) {
	if s.settings.NATS == "" {
		err = s.startNATSHere(ctx)
	} else {
		s.conn, err = stream.Dial(s.settings.dialOptions(s.logger))
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
	if !s.settings.has(cluster.RoleRelay) {
		return nil
	}
	broker, err := stream.NewBroker(s.conn, stream.Config{
		MaxAge: s.settings.NATSMaxAge, MaxBytes: s.settings.NATSBytes, Replicas: s.settings.NATSReplicas, Embedded: s.settings.NATS == "",
	})
	if err != nil {
		return err
	}
	if err := broker.Ensure(ctx); errors.Is(err, stream.ErrConflict) {
		return err
	}
	if s.member != nil {
		s.startSingleton(ctx, cluster.RoleRelay, func(ctx context.Context, scope *telemetry.Scope) error {
			return s.relayWhile(ctx, broker, scope)
		})
		return nil
	}
	publisher, err := stream.NewPublisher(s.conn, stream.PublisherOptions{})
	if err != nil {
		return err
	}
	s.workers.Start(ctx, run.OnStop("publisher", publisher.Close))
	s.workers.Start(ctx, s.newRelay(broker, publisher, s.registry))
	return nil
}

// relayWhile relays for as long as it is this node's turn. The next turn has nothing of this one.
func (s *server) relayWhile(ctx context.Context, broker *stream.Broker, scope *telemetry.Scope) error {
	publisher, err := stream.NewPublisher(s.conn, stream.PublisherOptions{})
	if err != nil {
		return err
	}
	r := s.newRelay(broker, publisher, scope)
	defer s.relay.Store(nil)
	return errors.Join(r.Run(ctx), publisher.Close())
}

func (s *server) newRelay(broker *stream.Broker, publisher *stream.Publisher, registerer prometheus.Registerer) *relay.Relay {
	r := relay.New(s.store, publisher, broker, relay.Options{Logger: s.logger, Registry: registerer})
	s.relay.Store(r)
	return r
}

// natsReady tells why what happens is not heard of outside.
func (s *server) natsReady(ctx context.Context) error {
	if !s.conn.IsConnected() {
		return errors.New("not connected: events wait in the event store")
	}
	if r := s.relay.Load(); r != nil {
		return r.Ready(ctx)
	}
	return nil // another node relays
}
