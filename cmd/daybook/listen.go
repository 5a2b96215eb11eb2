package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/daybook-ledger/daybook/internal/trust"
)

// validateListeners refuses to offer the ledgers, for want of authentication, to anything but this machine and the networks
// that the operator trusts. The NATS server in the process and the profiles stay on loopback: the one cannot be guarded
// from here, and the others are nobody's business.
func (s *serveCmd) validateListeners() error {
	networks, err := trust.Parse(s.TrustedNetwork)
	if err != nil {
		return fmt.Errorf("--trusted-network: %w", err)
	}
	if s.Dev && len(networks) > 0 {
		return errors.New("--dev is for loopback only: leave it or --trusted-network out")
	}
	for _, listener := range []struct {
		flag, address string
		networks      trust.Networks
		remedy        string
	}{
		{"--listen", s.Listen, networks, listenerRemedy},
		{"--esdb-listen", s.ESDBListen, networks, listenerRemedy},
		{"--nats-listen", s.NATSListen, nil, "listen on 127.0.0.1 or [::1], or use NATS servers outside (--nats), which can authenticate"},
		{"--pprof-listen", s.PprofListen, nil, "listen on 127.0.0.1 or [::1]"},
	} {
		if listener.address == "" {
			continue
		}
		err := listener.networks.CheckListener(listener.address)
		if errors.Is(err, trust.ErrUntrusted) {
			return fmt.Errorf("%s %s would offer the ledgers to the network, and there is no authentication: %s",
				listener.flag, listener.address, listener.remedy)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", listener.flag, listener.address, err)
		}
	}
	return nil
}

const listenerRemedy = "listen on 127.0.0.1 or [::1] and put a proxy that authenticates in front, or on an address in a private network " +
	"where everybody may do everything, and name that network with --trusted-network"

// listenOn opens a listener that lets in whom the settings trust. The flag is the one that gave the address.
func (s *server) listenOn(ctx context.Context, flag, address string) (net.Listener, error) {
	networks, err := trust.Parse(s.settings.TrustedNetwork)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, flag, address)
	if err != nil {
		return nil, err
	}
	return networks.Guard(listener, s.refused, s.logger), nil
}

// listen opens a listener. Its error says what can be done about it.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%w: perhaps another daybook runs; stop what listens there, or choose another address with %s", err, flag)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%w: this machine does not have it; choose another one with %s", err, flag)
	default:
		return listener, err
	}
}

// stopListening closes the listener of a server that does not get to serve on it.
func (s *server) stopListening() error {
	if s.listen == nil {
		return nil
	}
	if err := s.listen.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
