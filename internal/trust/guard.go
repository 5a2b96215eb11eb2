package trust

import (
	"log/slog"
	"net"
	"net/netip"

	"github.com/prometheus/client_golang/prometheus"
)

// Guard closes the connections that come to a listener from elsewhere than loopback and the networks, before a byte is read
// of them or written. Without networks there is nothing to guard, and it gives the listener itself. What was refused is
// counted, and logged for those who look for it (debug): whoever is refused should not fill the log.
func (n Networks) Guard(l net.Listener, refused prometheus.Counter, logger *slog.Logger) net.Listener {
	if len(n) == 0 {
		return l
	}
	return &guarded{Listener: l, networks: n, refused: refused, logger: logger}
}

// NewRefused makes the count of connections that guards refuse, for all listeners of a process.
func NewRefused(registerer prometheus.Registerer) prometheus.Counter {
	refused := prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "daybook", Subsystem: "trust", Name: "refused_connections_total",
		Help: "Connections that were closed because they came from outside the trusted networks.",
	})
	registerer.MustRegister(refused)
	return refused
}

type guarded struct {
	net.Listener

	networks Networks
	refused  prometheus.Counter
	logger   *slog.Logger
}

// Accept gives the next connection of a peer that is trusted.
func (g *guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		if err == nil && g.networks.Trusts(peer.Addr()) {
			return conn, nil
		}
		g.refused.Inc()
		g.logger.Debug("refused a connection from outside the trusted networks", "peer", conn.RemoteAddr().String())
		_ = conn.Close() // the peer hears nothing more either way
	}
}
