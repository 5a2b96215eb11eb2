package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// Options are what a server needs. The zero value of each has a meaning.
type Options struct {
	// Logger takes faults (error), and each request (debug). Nil discards them.
	Logger *slog.Logger
	// Registerer takes the request metrics. Nil keeps none.
	Registerer prometheus.Registerer
	// NewRequestID makes the id of a request that brings none. Nil makes random ones.
	NewRequestID func() string
}

// New makes an Echo with everything that all of Daybook's handlers want: errors as problems, the problems explained,
// request ids, recovery from panics, metrics and a log of requests. It trusts no forwarding header.
func New(o Options) *echo.Echo {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NewRequestID == nil {
		o.NewRequestID = randomID
	}
	e := echo.New()
	e.HideBanner = true
	e.HidePort = true
	e.IPExtractor = echo.ExtractIPDirect()
	e.Logger.SetOutput(io.Discard)
	e.JSONSerializer = serializer{}
	e.HTTPErrorHandler = ErrorHandler(o.Logger)
	e.Use(observe(o, newMetrics(o.Registerer)))
	e.GET("/problems", listProblems)
	e.GET("/problems/:code", explainProblem)
	return e
}

// Bounds on how long a peer may take. Handlers of streams lift those on bodies with [Unbounded]. The one on reading
// also ends the context of a request that is still being handled then, so that it must be longer than ?wait= may be.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = MaxWait + 30*time.Second
	answerTimeout   = 180 * time.Second
	idleTimeout     = 120 * time.Second
	maxHeaderBytes  = 64 << 10
	drainingTimeout = 20 * time.Second
)

// Server serves a handler on a listener that is open already. It is a worker: see package run.
type Server struct {
	listener net.Listener
	server   *http.Server
	drain    time.Duration
}

// NewServer makes a server. It takes the listener over: Run closes it.
func NewServer(l net.Listener, h http.Handler, log *slog.Logger) *Server {
	return &Server{listener: l, drain: drainingTimeout, server: &http.Server{
		Handler:           headAsGet(h),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          quiet(log),
	}}
}

func quiet(log *slog.Logger) *stdlog.Logger {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return slog.NewLogLogger(log.Handler(), slog.LevelDebug)
}

// Name is for logs and metrics.
func (s *Server) Name() string { return "http" }

// Run serves until ctx ends. Then it takes no more connections and lets the requests under way end; those that have
// not after a while are cut off. Streams that never end by themselves should watch [Stopping].
func (s *Server) Run(ctx context.Context) error { //nolint:contextcheck // requests outlive ctx, to end in peace
	stopping, stop := context.WithCancel(context.Background())
	defer stop()
	s.server.BaseContext = func(net.Listener) context.Context {
		return WithStopping(context.Background(), stopping.Done())
	}
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving HTTP on %s: %w", s.listener.Addr(), err)
	case <-ctx.Done():
	}
	stop()
	grace, cancel := context.WithTimeout(context.Background(), s.drain)
	defer cancel()
	err := s.server.Shutdown(grace) //nolint:contextcheck // as above
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.server.Close()
	}
	<-served
	if err != nil {
		return fmt.Errorf("stopping HTTP on %s: %w", s.listener.Addr(), err)
	}
	return nil
}

type stoppingKey struct{}

// Stopping is closed when the server that runs the request begins to stop. Streams without an end of their own end
// then, so that they do not hold the server up.
func Stopping(ctx context.Context) <-chan struct{} {
	ch, _ := ctx.Value(stoppingKey{}).(<-chan struct{})
	return ch
}

// WithStopping gives the context of requests whose server begins to stop when stopping is closed.
func WithStopping(ctx context.Context, stopping <-chan struct{}) context.Context {
	return context.WithValue(ctx, stoppingKey{}, stopping)
}

// Unbounded lifts the server's bounds on how long the request's body may take to come and its answer to go. Handlers
// of streams call it, and bound each single read or write instead (http.ResponseController).
func Unbounded(c echo.Context) {
	rc := http.NewResponseController(c.Response())
	// A writer that has no deadlines, such as a recorder in a test, needs none lifted.
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Time{})
}

// BoundAnswer bounds how long the answer may take to go, from now on as for any other request, where that was lifted for a body that
// was read as it came.
func BoundAnswer(c echo.Context) {
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(answerTimeout))
}
