package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/telemetry"
)

// singleton is a worker whose work one node of a cluster does at a time.
//
// What the work fails with ends it, gives the lead up and is tried again after a while, here or on another node: a database
// that is away for a moment when the lead passes on must not end one node after the other.
type singleton struct {
	name   string
	member *cluster.Member
	work   func(context.Context) error
	logger *slog.Logger
	// failure is why the work ended last, until it begins again.
	failure atomic.Pointer[error]
}

// How long a node waits with work that failed, twice as long after each failure.
const (
	singletonPause    = time.Second
	singletonPauseMax = 30 * time.Second
)

// Name is for logs.
func (s *singleton) Name() string { return s.name }

// Run leads whenever it is this node's turn, until ctx ends.
func (s *singleton) Run(ctx context.Context) error {
	pause := singletonPause
	for ctx.Err() == nil {
		err := s.member.Lead(ctx, s.name, func(ctx context.Context) error {
			s.failure.Store(nil)
			began := time.Now()
			err := s.work(ctx)
			if time.Since(began) > singletonPauseMax {
				pause = singletonPause // it had worked
			}
			return err
		})
		if err == nil || ctx.Err() != nil {
			continue
		}
		s.failure.Store(&err)
		s.logger.ErrorContext(ctx, "work that one node does has failed here, trying again later", "singleton", s.name, "error", err, "pause", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, singletonPauseMax)
	}
	return nil
}

// ready tells why this node cannot do the work, or nil.
func (s *singleton) ready() error {
	if err := s.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// startSingleton has the cluster do some work on this node when it is its turn. The metrics of the work are there while it lasts.
func (s *server) startSingleton(ctx context.Context, name string, work func(context.Context, *telemetry.Scope) error) {
	one := &singleton{name: name, member: s.member, logger: s.logger, work: func(ctx context.Context) error {
		scope := telemetry.NewScope(s.registry)
		defer scope.Close()
		return work(ctx, scope)
	}}
	s.singletons = append(s.singletons, one)
	s.workers.Start(ctx, one)
}

// clusterReady tells why this node has no part in its cluster, or cannot do its share.
func (s *server) clusterReady(context.Context) error {
	errs := []error{s.member.Ready()}
	for _, one := range s.singletons {
		if err := one.ready(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", one.name, err))
		}
	}
	return errors.Join(errs...)
}
