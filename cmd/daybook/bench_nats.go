package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"

	"github.com/daybook-ledger/daybook/internal/stream"
)

// benchNATSCmd serves NATS for benchmarks of Daybooks that do not have it inside: several servers as one cluster, in a
// process of their own beside that of Daybook, with the settings that docs/operations.md recommends.
type benchNATSCmd struct {
	Dir     string `required:"" help:"Where the servers keep their streams."`
	Servers int    `default:"3" help:"How many there are."`
}

// natsPatience bounds the wait for a cluster to have a leader.
const natsPatience = 30 * time.Second

// Run serves on free ports until ctx ends.
func (c benchNATSCmd) Run(ctx context.Context, std *streams) error {
	clients, err := freeAddresses(ctx, c.Servers)
	if err != nil {
		return err
	}
	routes, err := freeAddresses(ctx, c.Servers)
	if err != nil {
		return err
	}
	servers := make([]*natsd.Server, c.Servers)
	for i := range servers {
		options, err := c.options(i, clients[i], routes)
		if err == nil {
			servers[i], err = natsd.NewServer(options)
		}
		if err != nil {
			return fmt.Errorf("configure a NATS server: %w", err)
		}
		servers[i].Start()
		defer func() {
			servers[i].Shutdown()
			servers[i].WaitForShutdown()
		}()
	}
	if err := awaitNATS(ctx, servers); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "daybook: listening on nats://%s\n", strings.Join(clients, ",nats://"))
	<-ctx.Done()
	return nil
}

// options are those of one server.
func (c benchNATSCmd) options(i int, client string, routes []string) (*natsd.Options, error) {
	name := "n" + strconv.Itoa(i+1)
	o := &natsd.Options{
		ServerName: name, JetStream: true, StoreDir: filepath.Join(c.Dir, name), JetStreamMaxStore: 1 << 40,
		MaxPayload: stream.MaxEventBytes, NoSigs: true, NoLog: true, DisableShortFirstPing: true,
	}
	var err error
	if o.Host, o.Port, err = hostAndPort(client); err != nil || c.Servers == 1 {
		return o, err
	}
	o.Cluster.Name = "bench"
	if o.Cluster.Host, o.Cluster.Port, err = hostAndPort(routes[i]); err != nil {
		return nil, err
	}
	for _, route := range routes {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: route})
	}
	return o, nil
}

// awaitNATS returns when the servers can be used. They do not say so by themselves.
func awaitNATS(ctx context.Context, servers []*natsd.Server) error {
	limited, cancel := context.WithTimeout(ctx, natsPatience)
	defer cancel()
	ready := func() bool {
		leads := len(servers) == 1
		for _, s := range servers {
			if !s.ReadyForConnections(time.Millisecond) {
				return false
			}
			leads = leads || s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(servers)
		}
		return leads
	}
	for !ready() {
		select {
		case <-limited.Done():
			return errors.Join(errors.New("the NATS servers did not become ready"), ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

func hostAndPort(address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(digits)
	}
	return host, port, err
}

// withNATS runs work beside so many NATS servers, which it is told the URLs of.
func (l *lab) withNATS(ctx context.Context, servers int, work func(urls string) error) error {
	return l.inNewDirectory(func(dir string) (err error) {
		process, err := startChild(ctx, l.log, "bench", "nats", "--dir", dir, "--servers", strconv.Itoa(servers))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, process.Stop()) }()
		return work(process.Address)
	})
}
