// Package natstest runs NATS servers for tests as they stand outside the process: on loopback ports, alone or as a cluster,
// each stopped and started again where it was.
package natstest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	patience = 30 * time.Second
	// poll is how often a server is asked whether it is ready; it does not say so by itself.
	poll = 10 * time.Millisecond
)

// Server is a NATS server with JetStream.
type Server struct {
	tb      testing.TB
	options server.Options
	running *server.Server
	saved   string
}

// New starts a server, whose options can be changed before. It ends with the test.
func New(tb testing.TB, change func(*server.Options)) *Server {
	tb.Helper()
	s := &Server{tb: tb, options: options(tb, "alone", ports(tb, 1)[0])}
	if change != nil {
		change(&s.options)
	}
	tb.Cleanup(s.Stop)
	s.Start()
	return s
}

// Cluster starts so many servers as one cluster, and returns when they have a leader.
func Cluster(tb testing.TB, n int) []*Server {
	tb.Helper()
	all := ports(tb, 2*n)
	routes := all[n:]
	servers := make([]*Server, n)
	for i, port := range all[:n] {
		o := options(tb, fmt.Sprintf("n%d", i), port)
		o.Cluster = server.ClusterOpts{Name: "test", Host: loopback, Port: routes[i]}
		for _, route := range routes {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: at(route)})
		}
		servers[i] = &Server{tb: tb, options: o}
		tb.Cleanup(servers[i].Stop)
		servers[i].launch()
	}
	for _, s := range servers {
		s.await(s.connectable)
	}
	servers[0].await(func() bool {
		for _, s := range servers {
			if s.running.JetStreamIsLeader() {
				return len(s.running.JetStreamClusterPeers()) == n
			}
		}
		return false
	})
	return servers
}

// URLs are those of servers, with commas between.
func URLs(servers ...*Server) string {
	all := make([]string, len(servers))
	for i, s := range servers {
		all[i] = "nats://" + at(s.options.Port)
	}
	return strings.Join(all, ",")
}

// Name is the server's.
func (s *Server) Name() string { return s.options.ServerName }

// Subscriptions is how many there are, of all clients and of the server's own.
func (s *Server) Subscriptions() uint32 { return s.running.NumSubscriptions() }

// Start starts a server that was stopped, with what it has stored.
func (s *Server) Start() {
	s.tb.Helper()
	s.launch()
	s.await(s.connectable)
}

// Stop cuts all connections and ends the server.
func (s *Server) Stop() {
	if s.running != nil {
		s.running.Shutdown()
		s.running.WaitForShutdown()
		s.running = nil
	}
}

// Forget loses what a stopped server has stored.
func (s *Server) Forget() {
	s.tb.Helper()
	if err := os.RemoveAll(s.options.StoreDir); err != nil {
		s.tb.Fatal(err)
	}
}

// Save keeps a copy of what a stopped server has stored.
func (s *Server) Save() {
	s.tb.Helper()
	s.saved = s.tb.TempDir()
	if err := os.CopyFS(s.saved, os.DirFS(s.options.StoreDir)); err != nil {
		s.tb.Fatal(err)
	}
}

// Restore has a stopped server store what it did at the last Save, and nothing since: as one that lost power before it had
// written, or whose operator took a backup.
func (s *Server) Restore() {
	s.tb.Helper()
	s.Forget()
	if err := os.CopyFS(s.options.StoreDir, os.DirFS(s.saved)); err != nil {
		s.tb.Fatal(err)
	}
}

func (s *Server) launch() {
	s.tb.Helper()
	o := s.options // the server changes its own
	running, err := server.NewServer(&o)
	if err != nil {
		s.tb.Fatalf("configure a NATS server: %v", err)
	}
	running.Start()
	s.running = running
}

func (s *Server) connectable() bool { return s.running.ReadyForConnections(poll) }

func (s *Server) await(condition func() bool) {
	s.tb.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(poll) {
		if time.Now().After(end) {
			s.tb.Fatal("the NATS servers did not become ready")
		}
	}
}

const loopback = "127.0.0.1"

func options(tb testing.TB, name string, port int) server.Options {
	tb.Helper()
	return server.Options{
		ServerName: name, Host: loopback, Port: port, JetStream: true, StoreDir: tb.TempDir(), JetStreamMaxStore: 4 << 30,
		NoSigs: true, NoLog: true, DisableShortFirstPing: true,
	}
}

// at is the address of a port.
func at(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// ports finds so many that are free.
func ports(tb testing.TB, n int) []int {
	tb.Helper()
	found := make([]int, n)
	for i := range found {
		l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", at(0))
		if err != nil {
			tb.Fatal(err)
		}
		defer func() { _ = l.Close() }() // not before all are found, so that they differ
		if address, ok := l.Addr().(*net.TCPAddr); ok {
			found[i] = address.Port
		}
	}
	return found
}
