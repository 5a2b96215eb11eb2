package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/commands"
	"github.com/daybook-ledger/daybook/commands/engine"
	"github.com/daybook-ledger/daybook/commands/timer"
	"github.com/daybook-ledger/daybook/eventstore/relay"
	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/cluster/forward"
	"github.com/daybook-ledger/daybook/internal/datadir"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/lag"
	"github.com/daybook-ledger/daybook/internal/openapi"
	"github.com/daybook-ledger/daybook/internal/progress"
	"github.com/daybook-ledger/daybook/internal/run"
	"github.com/daybook-ledger/daybook/internal/telemetry"
	"github.com/daybook-ledger/daybook/internal/trust"
	"github.com/daybook-ledger/daybook/internal/watermark"
	"github.com/daybook-ledger/daybook/projections/runner"
	"github.com/daybook-ledger/daybook/queries"
)

// closeTimeout bounds how long the engines may take to answer what they took and to save their snapshots.
const closeTimeout = 30 * time.Second

// server is a whole Daybook in this process. It is put together in the order in which events flow, and taken apart in
// the reverse order, so that nothing is cut off while something before it still produces.
type server struct {
	settings *serveCmd
	logger   *slog.Logger
	registry *prometheus.Registry
	refused  prometheus.Counter
	workers  *run.Group

	dir   *datadir.Dir
	store *openedLog
	conn  *nats.Conn
	// relay is the one that runs here; in a cluster it may run elsewhere.
	relay atomic.Pointer[relay.Relay]
	// runner knows the projections; in a cluster another one may run them. Nil where they are no role of this node.
	runner *runner.Runner
	upkeep *commands.Upkeep
	board  *watermark.Board
	lag    *lag.Bound
	// count is of a process alone: in a cluster whoever feeds the read models counts.
	count  *lag.Count
	echo   *echo.Echo
	listen net.Listener

	// Of a node of a cluster; nil for a process alone.
	member     *cluster.Member
	engines    atomic.Pointer[commands.Engines] // nil until it decides
	answering  *forward.Answering               // of other nodes' requests
	progress   *progress.Node
	singletons []*singleton
}

// start opens everything and begins to serve. When it returns an error nothing is left running.
func start(ctx context.Context, settings *serveCmd, logger *slog.Logger) (*server, error) {
	s := &server{
		settings: settings, logger: logger, registry: telemetry.NewRegistry(),
		workers: run.NewGroup(logger), board: watermark.New(),
	}
	s.refused = trust.NewRefused(s.registry)
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"open the data directory", s.openData},
		{"open the event store", s.openStore},
		{"start NATS", s.startNATS},
		{"join the cluster", s.joinCluster},
		{"start the relay", s.startRelay},
		{"start the projections", s.startProjections},
		{"start the EventStoreDB endpoint", s.startESDB},
		{"serve profiles", s.startPprof},
		{"start the HTTP server", s.startHTTP},
	} {
		if err := step.do(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", step.what, err), s.workers.Stop(), s.stopListening())
		}
	}
	return s, nil
}

// Address is where the server listens, as host:port.
func (s *server) Address() string { return s.listen.Addr().String() }

// Wait serves until ctx ends or a part fails, then stops everything.
func (s *server) Wait(ctx context.Context) error { return s.workers.Wait(ctx) }

func (s *server) openData(ctx context.Context) (err error) {
	s.dir, err = datadir.Open(s.settings.Data)
	if err != nil {
		return err
	}
	s.workers.Start(ctx, run.OnStop("data directory", s.dir.Close))
	return nil
}

func (s *server) openStore(ctx context.Context) error {
	store, err := s.settings.openLog(ctx, s.dir, s.logger, s.registry)
	if err != nil {
		return err
	}
	s.store = store
	s.logger.InfoContext(ctx, "the event store is open", "kind", store.kind, "identity", store.identity, "traits", store.Traits())
	s.workers.Start(ctx, run.OnStop("event store", store.Close))
	s.lag = lag.New(s.settings.MaxLag, s.registry)
	s.count = lag.NewCount(s.lag.Tell)
	return s.dir.MarkReady(store.identity)
}

// startPprof serves profiles on an address of their own, where that is asked for.
func (s *server) startPprof(ctx context.Context) error {
	if s.settings.PprofListen == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	l, err := listen(ctx, "--pprof-listen", s.settings.PprofListen)
	if err != nil {
		return err
	}
	s.logger.InfoContext(ctx, "profiles are served", "address", l.Addr().String())
	s.workers.Start(ctx, httpx.NewServer(l, mux, s.logger))
	return nil
}

func (s *server) startHTTP(ctx context.Context) (err error) {
	s.echo = httpx.New(httpx.Options{Logger: s.logger, Registerer: s.registry})
	telemetry.NewProbes(s.registry, s.checks()...).Register(s.echo)
	openapi.Register(s.echo)
	api := s.echo.Group("/v1")
	around, err := s.startForwarding(ctx)
	if err != nil {
		return err
	}
	if s.settings.has(cluster.RoleCommands) {
		if err := s.serveCommands(ctx, api, around); err != nil {
			return err
		}
	} else {
		s.forwardAll(api, around)
	}
	s.refuseQueries(api)
	if err := s.serveQueries(ctx, api); err != nil {
		return err
	}
	s.serveCluster(api)
	if s.listen == nil {
		if s.listen, err = s.listenOn(ctx, "--listen", s.settings.Listen); err != nil {
			return err
		}
	}
	s.startAnswering(ctx)
	s.workers.Start(ctx, httpx.NewServer(s.listen, s.echo, s.logger))
	return nil
}

func (s *server) serveCommands(ctx context.Context, api *echo.Group, around echo.MiddlewareFunc) error {
	kept, err := s.keepSnapshots(ctx)
	if err != nil {
		return err
	}
	engines := commands.NewEngines(s.told(), engine.Options{
		Logger: s.logger, Registerer: s.registry,
		Snapshots:     kept,
		QueueLength:   s.settings.QueueLength,
		SnapshotEvery: s.settings.SnapshotEvery,
		KeyRetention:  s.settings.KeyRetention,
	})
	s.workers.Start(ctx, run.OnStop("engines", func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		return engines.Close(ctx)
	}))
	s.engines.Store(engines)
	s.upkeep = commands.NewUpkeep(engines, s.store)
	commands.New(commands.Options{
		Ledgers: engines, Store: s.store, Logger: s.logger, BulkLimit: s.settings.BulkLimit, Lag: s.lag,
		Around: around,
	}).Register(api)
	return nil
}

// serveQueries serves the read models, and has the timer look at what is due in them.
func (s *server) serveQueries(ctx context.Context, api *echo.Group) error {
	serves, decides := s.settings.has(cluster.RoleQueries), s.settings.has(cluster.RoleCommands)
	if !serves && !decides {
		return nil
	}
	reader, err := queries.OpenViews(s.settings.views(s.dir))
	if err != nil {
		return err
	}
	s.workers.Start(ctx, run.OnStop("read models' readers", reader.Close))
	if serves {
		q := queries.New(queries.Options{Views: reader, History: s.store, Board: s.board, Log: s.logger})
		s.workers.Start(ctx, run.OnStop("queries", q.Close))
		q.Register(api)
	}
	if decides {
		var what timer.Due = due{views: reader}
		if s.member != nil {
			what = mine{what, s.member}
		}
		s.workers.Start(ctx, timer.New(what, s.upkeep, timer.Options{Logger: s.logger, Registerer: s.registry}))
	}
	return nil
}

// checks are what /readyz asks.
func (s *server) checks() []telemetry.Check {
	checks := []telemetry.Check{
		{Name: "event store", Ready: s.storeReady},
		{Name: "nats", Ready: s.natsReady},
	}
	if s.runner != nil {
		checks = append(checks, telemetry.Check{Name: "projections", Ready: s.projectionsReady})
	}
	if s.member != nil {
		checks = append(checks, telemetry.Check{Name: "cluster", Ready: s.clusterReady})
	}
	return checks
}

// storeReady asks an event store that is elsewhere whether it is there.
func (s *server) storeReady(ctx context.Context) error {
	if s.store.ready == nil {
		return nil
	}
	return s.store.ready(ctx)
}
