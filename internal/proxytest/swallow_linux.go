package proxytest

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// Swallow has everything be lost that is sent on the connections that there are, and nothing be acknowledged, as when the way
// to the other end is cut without a word. New connections work.
func (p *Proxy) Swallow(tb testing.TB) {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		err := deafen(c.(*net.TCPConn)) //nolint:forcetypeassert // it passes on no other
		if err != nil && !errors.Is(err, net.ErrClosed) {
			tb.Fatal(err)
		}
	}
}

// deafen has the system drop every packet that comes for a connection, before anything is made of it.
func deafen(c *net.TCPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return fmt.Errorf("reach the socket: %w", err)
	}
	nothing := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
			&unix.SockFprog{Len: uint16(len(nothing)), Filter: &nothing[0]})
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("attach a filter: %w", err)
	}
	return nil
}
