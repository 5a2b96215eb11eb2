package forward_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/daybook-ledger/daybook/internal/cluster"
	"github.com/daybook-ledger/daybook/internal/cluster/forward"
	"github.com/daybook-ledger/daybook/internal/httpx"
	"github.com/daybook-ledger/daybook/internal/stream/natstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 60 * time.Second
	// long is a lease that no test waits for the end of.
	long = 10 * time.Minute
)

// node is a process as far as forwarding goes: a member, a forwarder, and an HTTP server whose handler is the test's.
type node struct {
	*cluster.Member

	name   string
	conn   *nats.Conn
	url    string
	cutoff func() // of NATS: as if its process had died
	stop   func()
}

// start starts a node whose commands are answered by a handler.
func start(
	t testing.TB, servers, name string, lease time.Duration, handle echo.HandlerFunc, change ...func(*forward.Options),
) *node {
	t.Helper()
	n := &node{name: name}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	var err error
	n.conn, err = nats.Connect(servers, nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.conn.Close)
	n.Member, err = cluster.New(cluster.Options{
		Conn: n.conn, Lease: lease, Logger: log,
		Node: cluster.Node{Name: name, Home: name, Roles: []string{cluster.RoleCommands}},
	})
	if err != nil {
		t.Fatal(err)
	}
	options := forward.Options{
		Conn: n.conn, Member: n.Member, Logger: log, Silence: 3 * time.Second, BodyLimit: 8 << 20,
		SendOnce: func(c echo.Context) bool { return c.Request().Header.Get("Once") != "" },
	}
	for _, c := range change {
		c(&options)
	}
	f, err := forward.New(options)
	if err != nil {
		t.Fatal(err)
	}
	e := httpx.New(httpx.Options{})
	around := f.Middleware(func(c echo.Context) (string, bool) { return c.Param("ledger"), true })
	e.Any("/ledgers/:ledger/*", handle, around)
	e.Any("/ledgers/:ledger/accounts/:account/close", handle, around)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.url = "http://" + l.Addr().String()
	var stops []func()
	for _, w := range []interface {
		Run(ctx context.Context) error
	}{n.Member, f.Answering(e), httpx.NewServer(l, e, nil)} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }()
		stops = append(stops, func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("node %s: %v", name, err)
			}
		})
	}
	n.stop = sync.OnceFunc(func() {
		for i := range stops {
			stops[len(stops)-1-i]()
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	n.cutoff = n.conn.Close
	n.becomes(t, "it is in the cluster", func() bool { return n.Ready() == nil })
	return n
}

func (n *node) becomes(t testing.TB, what string, condition func() bool) {
	t.Helper()
	end := time.NewTimer(patience)
	defer end.Stop()
	for !condition() {
		select {
		case <-n.Changed():
		case <-time.After(10 * time.Millisecond):
		case <-end.C:
			t.Fatalf("%s: it never was so that %s", n.name, what)
		}
	}
}

// owns makes a node the owner of a ledger, and waits until the others know.
func owns(t testing.TB, owner *node, ledger string, others ...*node) {
	t.Helper()
	got, err := owner.Locate(t.Context(), ledger)
	if err != nil || !got.Here {
		t.Fatalf("it belongs to %+v, %v", got, err)
	}
	for _, n := range others {
		n.becomes(t, ledger+" is "+owner.name+"'s", func() bool { o, ok := n.Owner(ledger); return ok && o.Node == owner.name })
	}
}

func oneServer(t testing.TB, change func(*server.Options)) string {
	t.Helper()
	return natstest.URLs(natstest.New(t, change))
}

// client does not keep connections: they would outlive the test.
//
//nolint:gochecknoglobals // one is enough
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

type reply struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request, and reads its answer to the end.
func send(ctx context.Context, method, url string, header map[string]string, body io.Reader) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return reply{}, err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, got}, err
}

func post(t testing.TB, n *node, path string, header map[string]string, body []byte) reply {
	t.Helper()
	got, err := send(t.Context(), http.MethodPost, n.url+path, header, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("post to %s: %v", n.name, err)
	}
	return got
}

// raw posts to a path byte by byte as it is given, and gives the body of the answer.
func raw(t testing.TB, n *node, path string) string {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: ledgers\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", path)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
