// Package proxytest stands between clients and servers in tests, and breaks their connections, or lets them be silent.
package proxytest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy passes connections on to one server until it is told otherwise.
type Proxy struct {
	listener net.Listener
	server   string
	work     sync.WaitGroup

	mu      sync.Mutex
	away    bool
	silent  bool
	conns   map[net.Conn]bool
	changed *sync.Cond
}

// New makes a proxy of a server at host:port. It ends with the test.
func New(tb testing.TB, server string) *Proxy {
	tb.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	p := &Proxy{listener: listener, server: server, conns: map[net.Conn]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.work.Go(p.accept)
	tb.Cleanup(func() {
		_ = listener.Close()
		p.Hush(false)
		p.SetAway(true)
		p.work.Wait()
	})
	return p
}

// Address is where it listens, as host:port.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

func (p *Proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := new(net.Dialer).DialContext(context.Background(), "tcp", p.server)
		if err != nil || !p.keep(in, out) {
			_ = in.Close()
			if out != nil {
				_ = out.Close()
			}
			continue
		}
		p.work.Go(func() { p.pass(in, out) })
		p.work.Go(func() { p.pass(out, in) })
	}
}

func (p *Proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away {
		return false
	}
	for _, c := range conns {
		p.conns[c] = true
	}
	return true
}

func (p *Proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	_, _ = io.Copy(gated{to, p}, from)
}

// gated passes nothing on while the proxy is silent.
type gated struct {
	net.Conn

	proxy *Proxy
}

func (g gated) Write(b []byte) (int, error) {
	g.proxy.mu.Lock()
	for g.proxy.silent {
		g.proxy.changed.Wait()
	}
	g.proxy.mu.Unlock()
	return g.Conn.Write(b)
}

// ReadFrom keeps io.Copy from passing Write by.
func (g gated) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{g}, r) }

// Cut breaks all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// SetAway breaks all connections and takes no more, or takes them again.
func (p *Proxy) SetAway(away bool) {
	p.mu.Lock()
	p.away = away
	p.mu.Unlock()
	if away {
		p.Cut()
	}
}

// Hush keeps everything that is sent from arriving, without breaking a connection.
func (p *Proxy) Hush(silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = silent
	p.changed.Broadcast()
}
