package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/alecthomas/kong"
)

// benchShapesCmd is `daybook bench shapes`: what it costs to have less inside. Every shape gets the same loads in turn, in
// each run.
type benchShapesCmd struct {
	loadOptions `embed:""`

	Postgres    string `placeholder:"URL" help:"PostgreSQL server for the shapes that need one, and a user who may make databases: one for each measurement, which is removed again (default: these shapes are left out)."`
	NATSServers int    `name:"nats-servers" default:"3" help:"NATS servers of the cluster outside, each of which keeps every event (default: ${default})."`
	Connections int    `short:"c" default:"64" help:"Keep-alive connections for single postings; bulks have 8 (default: ${default})."`
}

// Help says what is measured.
func (*benchShapesCmd) Help() string {
	return `Each shape is a server on a new data directory with what it needs beside it, all on this machine: NATS servers in a process of
their own, new databases on the PostgreSQL server. Where machines are many the network comes on top, and each part has processors of
its own.

"post/s" is of a closed loop of single postings between random pairs of accounts; "p50 ms" and "p99 ms" are of an open loop at half
of that (or --rate), from when a request was due; "seen" is how long it took, at the same rate, from the acknowledgement until a reader
who waits had an answer that reflects it. "bulk/s" is what 8 connections had accepted that send 100 transactions a request, and
"in read models/s" the same over the time until every read model had them.

Afterwards everything that was acknowledged must be there, once, and debits must equal credits.`
}

// Validate refuses what cannot be measured.
func (c *benchShapesCmd) Validate() error {
	if c.NATSServers < 1 || c.NATSServers > maxReplicas {
		return fmt.Errorf("--nats-servers must be 1 to %d", maxReplicas)
	}
	if c.Postgres != "" {
		if _, err := parsePostgres(c.Postgres); err != nil {
			return err
		}
	}
	return cmp.Or(c.loadOptions.Validate(), atLeastOne(c.Connections))
}

// Run measures and reports.
func (c *benchShapesCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

// shape is where a server's parts are.
type shape struct {
	name string
	// store and views are on PostgreSQL; the NATS servers are outside.
	store, views, nats bool
}

func (c *benchShapesCmd) shapes() []shape {
	cluster := fmt.Sprintf("NATS outside, %d servers", c.NATSServers)
	shapes := []shape{{name: "everything inside"}, {name: cluster, nats: true}}
	if c.Postgres != "" {
		shapes = append(shapes,
			shape{name: "event store on PostgreSQL", store: true},
			shape{name: "read models on PostgreSQL", views: true},
			shape{name: "event store on PostgreSQL, " + cluster, store: true, nats: true},
			shape{name: "both on PostgreSQL, " + cluster, store: true, views: true, nats: true})
	}
	return shapes
}

func (c *benchShapesCmd) measure(ctx context.Context, all *lab) ([]row, error) {
	all.profileTo = c.CPUProfile
	return all.repeat(ctx, func(ctx context.Context) (rows []row, err error) {
		for _, s := range c.shapes() {
			all.sayf("%s", s.name)
			err := c.inShape(ctx, all, s, func(shaped *lab) error {
				r, err := c.gaugeShape(ctx, shaped, s.name)
				rows = append(rows, r)
				return err
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
		}
		for i := range rows {
			rows[i].set(colPostOfFirst, ratio(rows[i].get(colPostRate), rows[0].get(colPostRate)))
		}
		return rows, nil
	})
}

// inShape runs work in a lab whose servers have a shape.
func (c *benchShapesCmd) inShape(ctx context.Context, lab *lab, s shape, work func(*lab) error) error {
	if s.nats {
		s.nats = false
		return lab.withNATS(ctx, c.NATSServers, func(urls string) error {
			return c.inShape(ctx, lab.with("--nats", urls, "--nats-replicas", strconv.Itoa(c.NATSServers)), s, work)
		})
	}
	if s.store {
		s.store = false
		return lab.withDatabase(ctx, c.Postgres, func(database string) error {
			return c.inShape(ctx, lab.with("--store", database), s, work)
		})
	}
	if s.views {
		s.views = false
		return lab.withDatabase(ctx, c.Postgres, func(database string) error {
			return c.inShape(ctx, lab.with("--views", database), s, work)
		})
	}
	return work(lab)
}

// gaugeShape puts all loads on one server.
func (c *benchShapesCmd) gaugeShape(ctx context.Context, lab *lab, name string) (row, error) {
	r := row{name: name}
	err := lab.withLedger(ctx, c.Accounts, func(s *benchServer) error {
		load := postLoad(s.Address, c.Connections, c.Accounts, false)
		posted, err := s.gauge(ctx, &gauge{loadOptions: c.loadOptions, load: load}, name)
		if err != nil {
			return err
		}
		r.set(colPostRate, posted.get(colPerSecond))
		for _, column := range []column{colOpenP50, colOpenP99} {
			r.set(column, posted.get(column))
		}
		load.Duration, load.Rate = c.Duration, posted.get(colOpenRate)
		seen, err := (&benchLagCmd{}).lag(ctx, s, load, "seen by a reader who waits", s.follow)
		if err != nil {
			return err
		}
		r.set(colSeenP50, seen.get(colOpenP50))
		r.set(colSeenP99, seen.get(colOpenP99))
		bulk := benchBulkCmd{loadOptions: c.loadOptions, Connections: bulkConnections, Size: bulkSize}
		bulk.Rate = 0
		bulks, err := bulk.daybook(ctx, s)
		if err != nil {
			return err
		}
		r.set(colBulkRate, bulks[0].get(colPerSecond))
		r.set(colBulkThrough, bulks[1].get(colPerSecond))
		return nil
	})
	return r, err
}

// What bulks are made of where nothing else is said.
const (
	bulkConnections = 8
	bulkSize        = 100
)
