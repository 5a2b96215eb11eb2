package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alecthomas/kong"

	"github.com/daybook-ledger/daybook/internal/client"
)

// benchShapesCmd is `daybook bench shapes`: what it costs to have less inside. Every shape gets the same loads in turn, in
// each run.
type benchShapesCmd struct {
	loadOptions    `embed:""`
	outsideOptions `embed:""`

	Connections int `short:"c" default:"64" help:"Keep-alive connections for single postings; bulks have 8 (default: ${default})."`
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

Of two nodes the first owns the ledger; in the last shape everything is asked of the other one, which passes commands on. "hand-over"
is the time from the end of the owner to the other node's answer to a posting, with the default lease: after a stop, and after
kill -9.

Afterwards everything that was acknowledged must be there, once, and debits must equal credits.`
}

// Validate refuses what cannot be measured.
func (c *benchShapesCmd) Validate() error {
	return cmp.Or(c.loadOptions.Validate(), c.outsideOptions.Validate(), atLeastOne(c.Connections))
}

// Run measures and reports.
func (c *benchShapesCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchShapesCmd) shapes() []shape {
	cluster := fmt.Sprintf("NATS outside, %d servers", c.NATSServers)
	shapes := []shape{{name: "everything inside"}, {name: cluster, nats: true}}
	if c.Postgres != "" {
		shapes = append(shapes,
			shape{name: "event store on PostgreSQL", store: true},
			shape{name: "read models on PostgreSQL", views: true},
			shape{name: "event store on PostgreSQL, " + cluster, store: true, nats: true},
			shape{name: "both on PostgreSQL, " + cluster, store: true, views: true, nats: true},
			shape{name: "two nodes, the owner asked", store: true, views: true, nats: true, nodes: true},
			shape{name: "two nodes, the other asked", store: true, views: true, nats: true, nodes: true, other: true})
	}
	return shapes
}

func (c *benchShapesCmd) measure(ctx context.Context, all *lab) ([]row, error) {
	all.profileTo = c.CPUProfile
	return all.repeat(ctx, func(ctx context.Context) (rows []row, err error) {
		for _, s := range c.shapes() {
			all.sayf("%s", s.name)
			err := c.inShape(ctx, all, s, func(shaped *lab) error {
				r, err := c.gaugeShape(ctx, shaped, s)
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
		over, err := c.handOvers(ctx, all)
		return append(rows, over...), err
	})
}

// gaugeShape puts all loads on one server.
func (c *benchShapesCmd) gaugeShape(ctx context.Context, lab *lab, sh shape) (r row, err error) {
	first := lab
	if sh.nodes {
		lab = lab.with("--follow", "0s") // the ledger is to stay
		first = lab.with("--node", "a")
	}
	err = first.withLedger(ctx, c.Accounts, func(s *benchServer) error {
		if !sh.nodes {
			r, err = c.gaugeServer(ctx, s, sh.name)
			return err
		}
		return lab.withSecond(ctx, s, func(second *benchServer) error {
			asked := s
			if sh.other {
				asked = second
			}
			r, err = c.gaugeServer(ctx, asked, sh.name)
			s.posted = asked.posted
			return err
		})
	})
	return r, err
}

// withSecond runs work beside a second node of the cluster that a server is the first node of.
func (l *lab) withSecond(ctx context.Context, first *benchServer, work func(*benchServer) error) error {
	return l.inNewDirectory(func(dir string) error {
		second, err := l.startServer(ctx, dir, "--node", "b")
		if err != nil {
			return err
		}
		second.posted = first.posted
		return errors.Join(work(second), second.Stop())
	})
}

func (c *benchShapesCmd) gaugeServer(ctx context.Context, s *benchServer, name string) (row, error) {
	r := row{name: name}
	load := postLoad(s.Address, c.Connections, c.Accounts, false)
	posted, err := s.gauge(ctx, &gauge{loadOptions: c.loadOptions, load: load}, name)
	if err != nil {
		return r, err
	}
	r.set(colPostRate, posted.get(colPerSecond))
	for _, column := range []column{colOpenP50, colOpenP99} {
		r.set(column, posted.get(column))
	}
	load.Duration, load.Rate = c.Duration, posted.get(colOpenRate)
	seen, err := (&benchLagCmd{}).lag(ctx, s, load, "seen by a reader who waits", s.follow)
	if err != nil {
		return r, err
	}
	r.set(colSeenP50, seen.get(colOpenP50))
	r.set(colSeenP99, seen.get(colOpenP99))
	bulk := benchBulkCmd{loadOptions: c.loadOptions, Connections: bulkConnections, Size: bulkSize}
	bulk.Rate = 0
	bulks, err := bulk.daybook(ctx, s)
	if err != nil {
		return r, err
	}
	r.set(colBulkRate, bulks[0].get(colPerSecond))
	r.set(colBulkThrough, bulks[1].get(colPerSecond))
	return r, nil
}

// handOvers tells how long nobody decides for a ledger when the node ends that owned it.
func (c *benchShapesCmd) handOvers(ctx context.Context, all *lab) (rows []row, err error) {
	if c.Postgres == "" {
		return nil, nil
	}
	for _, end := range []struct {
		name string
		end  func(*benchServer) error
	}{
		{"hand-over after a stop", (*benchServer).Stop},
		{"hand-over after kill -9", func(s *benchServer) error { s.Kill(); return nil }},
	} {
		all.sayf("%s", end.name)
		err := c.inShape(ctx, all, shape{store: true, views: true, nats: true}, func(lab *lab) error {
			took, err := lab.handOver(ctx, end.end)
			r := row{name: end.name}
			r.set(colHandOver, milliseconds(took))
			rows = append(rows, r)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", end.name, err)
		}
	}
	return rows, nil
}

// handOver ends the first of two nodes and has the other one post to its ledger.
func (l *lab) handOver(ctx context.Context, end func(*benchServer) error) (took time.Duration, err error) {
	err = l.inNewDirectory(func(dir string) error {
		first, err := l.startServer(ctx, dir, "--node", "a")
		if err != nil {
			return err
		}
		defer first.Kill() // unless it has ended already
		if err := errors.Join(first.open(ctx), first.fund(ctx, 0, 2, nobody)); err != nil {
			return err
		}
		return l.withSecond(ctx, first, func(second *benchServer) error {
			post := client.NewTransaction{Transfers: []client.Transfer{{From: benchAccount(0), To: benchAccount(1), Asset: benchAsset, Amount: "1"}}}
			if _, err := second.Post(ctx, second.ledger, post, "before"); err != nil { // which the first one answers
				return err
			}
			began := time.Now()
			if err := end(first); err != nil {
				return err
			}
			if _, err := second.Post(ctx, second.ledger, post, "after"); err != nil {
				return err
			}
			took = time.Since(began)
			second.posted += 2
			return second.verify(ctx)
		})
	})
	return took, err
}

// What bulks are made of where nothing else is said.
const (
	bulkConnections = 8
	bulkSize        = 100
)
