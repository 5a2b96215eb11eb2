package natstest

import (
	"net"
	"sync"
)

// Link makes connections to servers that can be frozen, as those of a process that is paused or of a network that is cut: nothing
// comes or goes, and neither side is told. What is written meanwhile goes when the link thaws, as what a kernel has kept. It is a
// dialer for nats.SetCustomDialer. The zero Link is not frozen.
type Link struct {
	mu     sync.Mutex
	frozen chan struct{} // closed when it is no more; nil where it is not
}

// Freeze holds everything up.
func (l *Link) Freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen == nil {
		l.frozen = make(chan struct{})
	}
}

// Thaw lets everything go on.
func (l *Link) Thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen != nil {
		close(l.frozen)
		l.frozen = nil
	}
}

// Wait waits while the link is frozen.
func (l *Link) Wait() {
	if frozen := l.frost(); frozen != nil {
		<-frozen
	}
}

// frost is closed when the link thaws; it is nil where it is not frozen.
func (l *Link) frost() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.frozen
}

// Dial connects. It waits while the link is frozen.
func (l *Link) Dial(network, address string) (net.Conn, error) {
	l.Wait()
	conn, err := net.Dial(network, address) //nolint:noctx // as the interface of the client has it
	if err != nil {
		return nil, err
	}
	return &linked{Conn: conn, link: l}, nil
}

type linked struct {
	net.Conn

	link *Link

	mu   sync.Mutex
	kept []byte // written while the link was frozen, in order
}

func (c *linked) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.link.Wait()
	return n, err
}

func (c *linked) Write(p []byte) (int, error) {
	frozen := c.link.frost()
	c.mu.Lock()
	defer c.mu.Unlock()
	if frozen == nil && len(c.kept) == 0 {
		return c.Conn.Write(p)
	}
	if len(c.kept) == 0 {
		go c.writeKept(frozen)
	}
	c.kept = append(c.kept, p...)
	return len(p), nil
}

// writeKept writes what was kept when the link thaws. A connection that broke meanwhile tells its next writer.
func (c *linked) writeKept(thawed <-chan struct{}) {
	<-thawed
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.Conn.Write(c.kept)
	c.kept = nil
}
