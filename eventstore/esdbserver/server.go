package esdbserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Options tune a server. Zero fields take the defaults in brackets.
type Options struct {
	// Writable lets clients append. Otherwise appends are refused with PERMISSION_DENIED.
	Writable bool
	// MaxAppendBytes bounds an append [1 MiB]. An event counts as EventStoreDB counts it: data, metadata, and its type
	// twice.
	MaxAppendBytes int
	// RecordedAt tells when a record was written [what a version-7 UUID says; 1970 for any other id].
	RecordedAt func(eventstore.Record) time.Time
	// Grace is how long a call may go on when the server stops [5 s]. Subscriptions and reads end at once.
	Grace time.Duration
	// Logger takes what goes wrong [nowhere].
	Logger *slog.Logger
	// Registerer takes the server's metrics; nil is none.
	Registerer prometheus.Registerer
}

// An event that is appended must fit into one message, with what stands around it.
const messageMargin = 64 << 10

// streamsMax bounds the calls that one connection may have under way.
const streamsMax = 1000

// Server is a worker (see internal/run) that serves a log on a listener.
type Server struct {
	listener net.Listener
	grpc     *grpc.Server
	grace    time.Duration
	stopping context.CancelFunc
}

// New makes a server. It takes the listener, and leaves the store to its owner, who closes it after the server has ended.
func New(listener net.Listener, store eventstore.Store, o Options) *Server {
	if o.MaxAppendBytes <= 0 {
		o.MaxAppendBytes = 1 << 20
	}
	if o.RecordedAt == nil {
		o.RecordedAt = timeOfID
	}
	if o.Grace <= 0 {
		o.Grace = 5 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	life, stopping := context.WithCancel(context.Background())
	guard := guard{log: o.Logger}
	s := &Server{
		listener: listener, grace: o.Grace, stopping: stopping,
		grpc: grpc.NewServer(
			grpc.MaxRecvMsgSize(o.MaxAppendBytes+messageMargin),
			grpc.MaxConcurrentStreams(streamsMax),
			grpc.WaitForHandlers(true),
			grpc.UnaryInterceptor(guard.unary), grpc.StreamInterceptor(guard.stream),
			// Clients ping every ten seconds, subscribed or not.
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
			grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 20 * time.Second}),
		),
	}
	streams.RegisterStreamsServer(s.grpc, &service{store: store, options: o, life: life, metrics: newMetrics(o.Registerer)})
	gossip.RegisterGossipServer(s.grpc, &gossipService{instance: uuid.New()})
	serverfeatures.RegisterServerFeaturesServer(s.grpc, featuresService{})
	return s
}

// Name is "EventStoreDB endpoint".
func (s *Server) Name() string { return "EventStoreDB endpoint" }

// Address is where the server listens, as host:port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run serves until ctx ends, then ends subscriptions and reads, and waits for the calls under way.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.grpc.Serve(s.listener) }()
	select {
	case err := <-failed:
		s.stopping()
		s.grpc.Stop()
		return fmt.Errorf("serve EventStoreDB's protocol: %w", err)
	case <-ctx.Done():
	}
	s.stopping()
	// A client that does not read holds its call up; it does not hold the server up.
	timer := time.AfterFunc(s.grace, s.grpc.Stop)
	s.grpc.GracefulStop()
	timer.Stop()
	<-failed // nil after a stop
	return nil
}

// service answers calls about streams.
type service struct {
	streams.UnimplementedStreamsServer

	store   eventstore.Store
	options Options
	life    context.Context //nolint:containedctx // ends when the server stops, and with it what never ends by itself
	metrics *metrics
}

// alive is a context that ends with the call and with the server.
func (s *service) alive(call context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(call)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// guard turns a panic of a call into its failure.
type guard struct{ log *slog.Logger }

func (g guard) unary(
	ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (response any, err error) {
	defer g.recover(ctx, info.FullMethod, &err)
	return handle(ctx, request)
}

func (g guard) stream(server any, call grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
	defer g.recover(call.Context(), info.FullMethod, &err)
	return handle(server, call)
}

func (g guard) recover(ctx context.Context, method string, err *error) {
	if p := recover(); p != nil {
		g.log.ErrorContext(ctx, "a call of the EventStoreDB endpoint panicked", "method", method, "panic", p, "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "an error of the server")
	}
}
