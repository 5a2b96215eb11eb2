package esdb_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// proxy stands between a store and its server, and can break their connections.
type proxy struct {
	listener net.Listener
	server   string
	work     sync.WaitGroup

	mu      sync.Mutex
	away    bool
	silent  bool
	conns   map[net.Conn]bool
	changed *sync.Cond
}

func newProxy(t testing.TB, server string) *proxy {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, server: server, conns: map[net.Conn]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.work.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.hush(false)
		p.setAway(true)
		p.work.Wait()
	})
	return p
}

func (p *proxy) url() string { return "esdb://" + p.listener.Addr().String() + parameters }

func (p *proxy) accept() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.server)
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

func (p *proxy) keep(conns ...net.Conn) bool {
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

func (p *proxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	_, _ = io.Copy(gated{to, p}, from)
}

// gated passes nothing on while the proxy is silent.
type gated struct {
	net.Conn

	proxy *proxy
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

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// setAway breaks all connections and takes no more, or takes them again.
func (p *proxy) setAway(away bool) {
	p.mu.Lock()
	p.away = away
	p.mu.Unlock()
	if away {
		p.cut()
	}
}

// hush keeps everything that is sent from arriving, without breaking a connection.
func (p *proxy) hush(silent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = silent
	p.changed.Broadcast()
}
