package trust_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/daybook-ledger/daybook/internal/trust"
)

func TestOnlyPrivateNetworksCanBeTrusted(t *testing.T) {
	for _, good := range []string{
		"", "10.0.0.0/8", "172.16.0.0/12", "172.28.1.0/24,192.168.7.0/24", "172.28.1.0/24, fd00:1::/64", "100.64.0.0/10", "10.1.2.3/32",
	} {
		if _, err := trust.Parse(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for bad, want := range map[string]string{
		"0.0.0.0/0":                  "not private",
		"::/0":                       "not private",
		"8.8.8.0/24":                 "not private",
		"172.0.0.0/8":                "not private", // holds a private network, and others
		"10.0.0.0/7":                 "not private",
		"2001:db8::/32":              "not private",
		"172.28.1.5/24":              "name that",
		"10.0.0.1":                   "want a CIDR",
		"everybody":                  "want a CIDR",
		"10.0.0.0/8,":                "want a CIDR",
		"10.0.0.0/8,0.0.0.0/0":       "not private",
		"::ffff:10.0.0.0/104":        "not private",
		"fe80::%eth0/64":             "want a CIDR",
		"10.0.0.0/33":                "want a CIDR",
		"192.168.0.0/16;10.0.0.0/8":  "want a CIDR",
		"10.0.0.0/8 192.168.0.0/16":  "want a CIDR",
		"169.254.0.0/16":             "not private",
		"224.0.0.0/4,172.28.1.0/24 ": "not private",
	} {
		networks, err := trust.Parse(bad)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want an error with %q", bad, networks, err, want)
		}
	}
}

func TestListenersStandInATrustedNetwork(t *testing.T) {
	networks, err := trust.Parse("172.28.1.0/24,fd00:1::/64")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]struct{ alone, trusting error }{
		"127.0.0.1:0":        {nil, nil},
		"127.8.8.8:80":       {nil, nil},
		"[::1]:80":           {nil, nil},
		"localhost:80":       {nil, nil},
		"172.28.1.11:8080":   {trust.ErrUntrusted, nil},
		"[fd00:1::7]:8080":   {trust.ErrUntrusted, nil},
		"172.28.2.11:8080":   {trust.ErrUntrusted, trust.ErrUntrusted},
		"[fd00:2::7]:8080":   {trust.ErrUntrusted, trust.ErrUntrusted},
		"0.0.0.0:8080":       {trust.ErrUntrusted, trust.ErrUntrusted},
		"[::]:8080":          {trust.ErrUntrusted, trust.ErrUntrusted},
		":8080":              {trust.ErrUntrusted, trust.ErrUntrusted},
		"daybook-1:8080":     {trust.ErrUntrusted, trust.ErrUntrusted},
		"172.28.1.0/24:8080": {trust.ErrUntrusted, trust.ErrUntrusted},
	} {
		if err := (trust.Networks)(nil).CheckListener(address); !errors.Is(err, want.alone) {
			t.Errorf("%s, with loopback alone: %v", address, err)
		}
		if err := networks.CheckListener(address); !errors.Is(err, want.trusting) {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, bad := range []string{"172.28.1.11", "172.28.1.11:", "172.28.1.11:http", "172.28.1.11:65536", "127.0.0.1:-1"} {
		if err := networks.CheckListener(bad); err == nil || !strings.Contains(err.Error(), "want host:port") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestGuardLetsInWhomItTrusts(t *testing.T) {
	networks, err := trust.Parse("172.28.1.0/24")
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	refused := trust.NewRefused(registry)
	come := &arrivals{}
	for _, peer := range []string{
		"172.28.2.1:1", "127.0.0.1:2", "192.0.2.7:3", "[::ffff:172.28.1.9]:4", "[::ffff:172.28.2.9]:5", "172.28.1.255:6",
	} {
		come.conns = append(come.conns, &arrival{from: address(peer)})
	}
	all := slices.Clone(come.conns)
	guard := networks.Guard(come, refused, slog.New(slog.DiscardHandler))
	var in []string
	for {
		conn, err := guard.Accept()
		if err != nil {
			break
		}
		in = append(in, conn.RemoteAddr().String())
	}
	want := []string{"127.0.0.1:2", "[::ffff:172.28.1.9]:4", "172.28.1.255:6"}
	if !slices.Equal(in, want) {
		t.Errorf("let in %v, want %v", in, want)
	}
	for _, conn := range all {
		if let := slices.Contains(want, conn.RemoteAddr().String()); conn.closed == let {
			t.Errorf("%s: closed is %t", conn.from, conn.closed)
		}
	}
	metrics, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if n := metrics[0].GetMetric()[0].GetCounter().GetValue(); n != 3 {
		t.Errorf("%v counted as refused, want 3", n)
	}
}

func TestNothingIsGuardedWithoutNetworks(t *testing.T) {
	come := &arrivals{}
	if got := (trust.Networks)(nil).Guard(come, nil, nil); got != net.Listener(come) {
		t.Errorf("a listener on loopback is wrapped: %T", got)
	}
}

// arrivals is a listener to whom given connections come.
type arrivals struct {
	net.Listener

	conns []*arrival
}

func (a *arrivals) Accept() (net.Conn, error) {
	if len(a.conns) == 0 {
		return nil, io.EOF
	}
	next := a.conns[0]
	a.conns = a.conns[1:]
	return next, nil
}

type arrival struct {
	net.Conn

	from   address
	closed bool
}

func (a *arrival) RemoteAddr() net.Addr { return a.from }
func (a *arrival) Close() error         { a.closed = true; return nil }

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }
