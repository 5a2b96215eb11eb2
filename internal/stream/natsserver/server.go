// Package natsserver is the NATS server with JetStream that lives inside the process in the embedded shape.
//
// It knows nothing of ledgers. It keeps its streams in one directory, takes connections from this process without a
// socket, and, only if told, from others over TCP. What it stores is transport: losing it loses nothing that the event
// store does not have.
package natsserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/stream"
)

const (
	// startTimeout bounds the wait for recovery of what the directory holds.
	startTimeout = 30 * time.Second
	// readyPoll is how soon a failed start is noticed. A good one is noticed at once.
	readyPoll = 50 * time.Millisecond
	// maxStore is the sum that streams may reserve. Each stream has its own limit, so this one must only not be in
	// the way: the server's own guess, made from free disk space, would refuse to start on a small disk.
	maxStore = 1 << 40
)

// Options say where the server keeps its streams and whom it serves.
type Options struct {
	// Dir is where JetStream stores; it is made if it is missing.
	Dir string
	// Listen is host:port for clients outside this process (port 0 picks a free one), or empty for none.
	Listen string
	// Token is what every client must show; it is required where Listen is not a loopback address.
	Token string
	// Logger takes what the server logs; nil discards it.
	Logger *slog.Logger
}

// Server is a running NATS server.
type Server struct {
	nats   *server.Server
	token  string
	listen bool
	close  sync.Once
}

// Start starts the server and returns when it takes connections.
func Start(o Options) (*Server, error) {
	options, err := serverOptions(o)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return nil, fmt.Errorf("configure the embedded NATS server: %w", err)
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	keeper := &logger{log: log}
	s.SetLoggerV2(keeper, false, false, false)
	s.Start()
	if !ready(s, keeper) || !s.JetStreamEnabled() {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, fmt.Errorf("start the embedded NATS server in %s: %w", o.Dir, keeper.fatalOr(errNotReady))
	}
	return &Server{nats: s, token: o.Token, listen: o.Listen != ""}, nil
}

// ready waits until the server takes connections, or has said that it never will.
func ready(s *server.Server, keeper *logger) bool {
	for end := time.Now().Add(startTimeout); time.Now().Before(end); {
		if s.ReadyForConnections(readyPoll) {
			return true
		}
		if keeper.fatalOr(nil) != nil {
			return false
		}
	}
	return false
}

var (
	errNotReady = errors.New("it did not become ready")
	errNoDir    = errors.New("the embedded NATS server needs a directory")
	errExposed  = errors.New("a NATS listener that others than this machine can reach needs a token")
)

func serverOptions(o Options) (*server.Options, error) {
	if o.Dir == "" {
		return nil, errNoDir
	}
	options := &server.Options{
		ServerName:            "daybook",
		DontListen:            o.Listen == "",
		JetStream:             true,
		StoreDir:              o.Dir,
		JetStreamMaxStore:     maxStore,
		MaxPayload:            stream.MaxEventBytes,
		NoSigs:                true,
		Authorization:         o.Token,
		DisableShortFirstPing: true,
	}
	if o.Listen == "" {
		return options, nil
	}
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("NATS listen address %q: %w", o.Listen, err)
	}
	if o.Token == "" && !loopback(host) {
		return nil, fmt.Errorf("NATS listen address %q: %w", o.Listen, errExposed)
	}
	options.Host = host
	if options.Port, err = strconv.Atoi(port); err != nil || options.Port < 0 || options.Port > 65535 {
		return nil, fmt.Errorf("NATS listen address %q: the port must be a number up to 65535", o.Listen)
	}
	if options.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	return options, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Address is the host:port that outside clients reach, or empty where there is no listener.
func (s *Server) Address() string {
	if !s.listen {
		return ""
	}
	if addr := s.nats.Addr(); addr != nil {
		return addr.String()
	}
	return ""
}

// Connect makes a connection inside the process, which goes through no socket. It belongs to the caller, who closes
// it before the server.
func (s *Server) Connect(options ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{nats.InProcessServer(s.nats), nats.MaxReconnects(-1), nats.Name("daybook")}
	if s.token != "" {
		all = append(all, nats.Token(s.token))
	}
	conn, err := nats.Connect("", append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	return conn, nil
}

// Close ends the server and waits until it has: streams are flushed, connections cut.
func (s *Server) Close() error {
	s.close.Do(func() {
		s.nats.Shutdown()
		s.nats.WaitForShutdown()
	})
	return nil
}
