package main

import (
	"context"
	"fmt"
	"strconv"
)

// outsideOptions are those of benchmarks of servers with parts outside of their process.
type outsideOptions struct {
	Postgres    string `placeholder:"URL" help:"PostgreSQL server for what needs one, and a user who may make databases: one for each measurement, which is removed again (default: what needs one is left out)."`
	NATSServers int    `name:"nats-servers" default:"3" help:"NATS servers of the cluster outside, each of which keeps every event (default: ${default})."`
}

// Validate refuses what cannot be had.
func (o *outsideOptions) Validate() error {
	if o.NATSServers < 1 || o.NATSServers > maxReplicas {
		return fmt.Errorf("--nats-servers must be 1 to %d", maxReplicas)
	}
	if o.Postgres == "" {
		return nil
	}
	_, err := parsePostgres(o.Postgres)
	return err
}

// shape is where a server's parts are.
type shape struct {
	name string
	// store and views are on PostgreSQL; the NATS servers are outside.
	store, views, nats bool
	// nodes: there are two, of which the one that does not own the ledger is asked where other is set.
	nodes, other bool
}

// inShape runs work in a lab whose servers have a shape.
func (o *outsideOptions) inShape(ctx context.Context, lab *lab, s shape, work func(*lab) error) error {
	if s.nats {
		s.nats = false
		return lab.withNATS(ctx, o.NATSServers, func(urls string) error {
			return o.inShape(ctx, lab.with("--nats", urls, "--nats-replicas", strconv.Itoa(o.NATSServers)), s, work)
		})
	}
	if s.store {
		s.store = false
		return lab.withDatabase(ctx, o.Postgres, func(database string) error {
			return o.inShape(ctx, lab.with("--store", database), s, work)
		})
	}
	if s.views {
		s.views = false
		return lab.withDatabase(ctx, o.Postgres, func(database string) error {
			return o.inShape(ctx, lab.with("--views", database), s, work)
		})
	}
	return work(lab)
}
