package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/daybook-ledger/daybook/internal/stream"
)

// natsServerEnv names the program nats-server, where it is not in the PATH.
const natsServerEnv = "DAYBOOK_TEST_NATS_SERVER"

// natsCluster is three nats-server processes. Deployments share it, each with an account of its own, since the events of two
// logs do not go into one stream.
type natsCluster struct {
	program, folder string
	clients, routes []string
	running         []*exec.Cmd
	said            syncBuffer // by all of them
	accounts        atomic.Int64
	next, dead      int // the server that is killed next; the one that is dead, or -1
}

const (
	natsServers     = 3
	natsAccountsMax = 64
)

// natsShared is the cluster of this test binary.
var natsShared struct {
	once    sync.Once
	cluster *natsCluster
	err     error
}

// clusterOfNATS starts the cluster when it is first asked for. endNATS ends it.
func clusterOfNATS(t *testing.T) *natsCluster {
	t.Helper()
	natsShared.once.Do(func() { natsShared.cluster, natsShared.err = startNATSCluster() })
	if natsShared.err != nil {
		t.Fatalf("start the NATS servers: %v", natsShared.err)
	}
	return natsShared.cluster
}

func endNATS() {
	if c := natsShared.cluster; c != nil {
		for i := range c.running {
			c.kill(i)
		}
		_ = os.RemoveAll(c.folder)
	}
}

func startNATSCluster() (c *natsCluster, err error) {
	c = &natsCluster{program: os.Getenv(natsServerEnv), running: make([]*exec.Cmd, natsServers), dead: -1}
	if c.program == "" {
		if c.program, err = exec.LookPath("nats-server"); err != nil {
			return nil, fmt.Errorf("%w: name it in %s, or run make test-cluster", err, natsServerEnv)
		}
	}
	if c.folder, err = os.MkdirTemp("", "daybook-nats-"); err != nil {
		return nil, err
	}
	addresses, err := freeAddresses(context.Background(), 2*natsServers)
	if err != nil {
		return nil, err
	}
	c.clients, c.routes = addresses[:natsServers], addresses[natsServers:]
	natsShared.cluster = c // from now on there is something to end
	for i := range natsServers {
		if err := os.WriteFile(c.settings(i), []byte(c.configuration(i)), 0o600); err != nil {
			return nil, err
		}
		if err := c.start(i); err != nil {
			return nil, err
		}
	}
	return c, c.ready()
}

func (c *natsCluster) settings(i int) string {
	return filepath.Join(c.folder, fmt.Sprintf("n%d.conf", i))
}

// configuration is as docs/operations.md recommends it.
func (c *natsCluster) configuration(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: n%d\nlisten: %q\nmax_payload: %d\n", i, c.clients[i], stream.MaxEventBytes)
	fmt.Fprintf(&b, "jetstream: {store_dir: %q, max_file_store: 1TB}\n", filepath.Join(c.folder, fmt.Sprintf("n%d", i)))
	fmt.Fprintf(&b, "cluster: {name: test, listen: %q, routes: [\"nats://%s\"]}\n", c.routes[i], strings.Join(c.routes, `", "nats://`))
	fmt.Fprint(&b, "accounts: {\n  SYS: {users: [{user: sys, password: sys}]}\n")
	for n := range natsAccountsMax + 1 {
		fmt.Fprintf(&b, "  a%d: {jetstream: enabled, users: [{user: a%d, password: a}]}\n", n, n)
	}
	fmt.Fprint(&b, "}\nsystem_account: SYS\n")
	return b.String()
}

func (c *natsCluster) start(i int) error {
	command := exec.Command(c.program, "--config", c.settings(i))
	command.Stderr = &c.said
	if err := command.Start(); err != nil {
		return err
	}
	c.running[i] = command
	return nil
}

func (c *natsCluster) kill(i int) {
	if command := c.running[i]; command != nil {
		_ = command.Process.Kill() // it may be gone already
		_ = command.Wait()         // "killed" is what was asked for
		c.running[i] = nil
	}
}

// ready returns when all servers are up, and streams can be made that all of them keep. They do not say so by themselves.
func (c *natsCluster) ready() (err error) {
	const attempts = 50 // at least, on a machine that is busy with other things
	end := time.Now().Add(natsPatience)
	for attempt := 0; attempt < attempts || time.Now().Before(end); attempt++ {
		if err = c.tryStream(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("the NATS servers did not become ready: %w\n%s", err, &c.said)
}

// tryStream makes a stream on all servers, asked by way of each, in an account that nobody else uses.
func (c *natsCluster) tryStream() error {
	for i := range natsServers {
		err := func() error {
			conn, err := nats.Connect(c.url(natsAccountsMax, c.clients[i]), nats.Timeout(time.Second))
			if err != nil {
				return err
			}
			defer conn.Close()
			js, err := conn.JetStream(nats.MaxWait(2 * time.Second))
			if err != nil {
				return err
			}
			_, err = js.AddStream(&nats.StreamConfig{Name: "READY", Replicas: natsServers})
			return errors.Join(err, js.DeleteStream("READY"))
		}()
		if err != nil {
			return err
		}
	}
	return nil
}

// url is how an account reaches servers.
func (c *natsCluster) url(account int64, addresses ...string) string {
	urls := make([]string, len(addresses))
	for i, address := range addresses {
		urls[i] = fmt.Sprintf("nats://a%d:a@%s", account, address)
	}
	return strings.Join(urls, ",")
}

// account gives an account that no other deployment has.
func (c *natsCluster) account(t *testing.T) (urls string) {
	t.Helper()
	n := c.accounts.Add(1) - 1
	if n >= natsAccountsMax {
		t.Fatalf("more than %d deployments use NATS", natsAccountsMax)
	}
	return c.url(n, c.clients...)
}

// killNext starts the server that is dead again, and kills another.
func (c *natsCluster) killNext(t *testing.T) {
	t.Helper()
	c.heal(t)
	c.dead, c.next = c.next, (c.next+1)%natsServers
	c.kill(c.dead)
}

// heal starts the server that is dead, and returns when the cluster is whole.
func (c *natsCluster) heal(t *testing.T) {
	t.Helper()
	if c.dead < 0 {
		return
	}
	err := c.start(c.dead)
	if err == nil {
		err = c.ready()
	}
	if err != nil {
		t.Fatal(err)
	}
	c.dead = -1
}
