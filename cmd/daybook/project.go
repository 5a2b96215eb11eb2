package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/postgres"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/internal/stream"
	"github.com/daybook-ledger/daybook/internal/telemetry"
	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/projections/views"
)

// How much the read models take into one transaction. The more it is the fewer times a page is written that many events
// change; it bounds what waits in memory, which is twice as much.
const (
	projectedEventsMax = 10_000
	projectedBytesMax  = 16 << 20
)

// startProjections keeps the read models up to date, from here or, in a cluster, from whichever node has its turn.
func (s *server) startProjections(ctx context.Context) error {
	if !s.settings.has(cluster.RoleProjections) {
		return nil
	}
	db, err := s.openViews(ctx)
	if err != nil {
		return err
	}
	if s.member == nil {
		s.runner, err = s.newRunner(db, s.registry, s.board, s.count)
		if err != nil {
			return err
		}
		s.workers.Start(ctx, s.runner)
		return nil
	}
	s.runner = runner.New(runner.Config{Views: db, Store: s.store, Projections: projections.All(), Logger: s.logger})
	s.startSingleton(ctx, cluster.RoleProjections, func(ctx context.Context, scope *telemetry.Scope) error {
		feed, err := s.progress.Feed()
		if err != nil {
			return err
		}
		defer feed.Close()
		r, err := s.newRunner(db, scope, feed, feed)
		if err != nil {
			return err
		}
		return r.Run(ctx)
	})
	return nil
}

// openViews opens the read models. Where their database is elsewhere and cannot be reached, the server starts all the same, as it
// would go on if that went away later: whoever runs the projections tries again, and makes the tables then.
func (s *server) openViews(ctx context.Context) (*views.DB, error) {
	place := s.settings.views(s.dir)
	db, err := views.Open(ctx, place)
	if err != nil {
		return nil, err
	}
	s.workers.Start(ctx, run.OnStop("read models", db.Close))
	if err = projections.MakeTables(ctx, db); views.IsFault(err) {
		s.logger.WarnContext(ctx, "the database of the read models cannot be reached: until it can, queries are answered 503",
			"database", postgres.Redacted(place), "error", err)
		return db, nil
	}
	return db, err
}

func (s *server) newRunner(
	db *views.DB, registerer prometheus.Registerer, board runner.Board, lag runner.Lag,
) (*runner.Runner, error) {
	subscriber, err := stream.NewSubscriber(s.conn, stream.SubscriberOptions{
		Start: stream.StartNew(), Logger: s.logger, Metrics: stream.NewMetrics(registerer),
		MaxEvents: projectedEventsMax, MaxBytes: projectedBytesMax,
	})
	if err != nil {
		return nil, err
	}
	return runner.New(runner.Config{
		Views: db, Store: s.store, Projections: projections.All(), Logger: s.logger,
		Subscriber: subscriber, Topic: stream.All, Board: board, Lag: lag, Heads: s.store.heads, Metrics: registerer,
	}), nil
}

// projectionsReady tells which read models are stopped.
func (s *server) projectionsReady(ctx context.Context) error {
	stopped, err := s.runner.Stopped(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range stopped {
		errs = append(errs, fmt.Errorf("%s stopped: %s", p.Projection, p.Detail))
	}
	return errors.Join(errs...)
}
