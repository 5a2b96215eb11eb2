package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/alecthomas/kong"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// benchLedgersCmd is `daybook bench ledgers`: what becomes of a load that goes to more and more ledgers, and of one that goes to
// more and more nodes.
type benchLedgersCmd struct {
	loadOptions    `embed:""`
	outsideOptions `embed:""`

	Connections int   `short:"c" default:"64" help:"Keep-alive connections for single postings; bulks have 8 (default: ${default})."`
	Ledgers     []int `default:"1,4,16,64" help:"Numbers of ledgers (default: ${default})."`
	Nodes       int   `default:"3" help:"Measure up to so many nodes, with the largest number of ledgers (default: ${default})."`
}

// Help says what is measured.
func (*benchLedgersCmd) Help() string {
	return `The same connections post to so many ledgers in turn, among which the accounts are divided: with everything inside, and with the event
store on PostgreSQL. Then the largest number of ledgers is divided among one, two and more nodes of a cluster, with event store
and read models on PostgreSQL and NATS outside, and each ledger's requests go to its owner, as a balancer sends them. All of that is on this
machine: nodes on machines of their own have processors of their own.

"post/s" is of a closed loop of single postings, "bulk/s" what 8 connections had accepted that send 100 transactions a request. "of the
first" is the ratio to the first row of the same kind.

Afterwards everything that was acknowledged must be there, once, and each ledger's debits must equal its credits.`
}

// Validate refuses what cannot be measured.
func (c *benchLedgersCmd) Validate() error {
	if len(c.Ledgers) == 0 || slices.Min(c.Ledgers) < 1 || 2*slices.Max(c.Ledgers) > c.Accounts {
		return errors.New("--ledgers must be above zero, and --accounts at least two for each of them")
	}
	if c.Nodes < 1 || c.Nodes > slices.Max(c.Ledgers) {
		return errors.New("--nodes must be at least 1, and no more than there are ledgers")
	}
	return cmp.Or(c.loadOptions.Validate(), c.outsideOptions.Validate(), atLeastOne(c.Connections))
}

// Run measures and reports.
func (c *benchLedgersCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchLedgersCmd) measure(ctx context.Context, all *lab) ([]row, error) {
	all.profileTo = c.CPUProfile
	return all.repeat(ctx, func(ctx context.Context) ([]row, error) {
		rows, err := c.growing(ctx, all, shape{name: "everything inside"})
		if err != nil || c.Postgres == "" {
			return rows, err
		}
		more, err := c.growing(ctx, all, shape{name: "event store on PostgreSQL", store: true})
		if err != nil {
			return nil, err
		}
		nodes, err := c.dividing(ctx, all)
		return slices.Concat(rows, more, nodes), err
	})
}

// growing measures a shape with each of the numbers of ledgers.
func (c *benchLedgersCmd) growing(ctx context.Context, all *lab, s shape) (rows []row, err error) {
	for _, ledgers := range c.Ledgers {
		r := row{name: fmt.Sprintf("%s, ledgers: %d", s.name, ledgers)}
		all.sayf("%s", r.name)
		err := c.inShape(ctx, all, s, func(lab *lab) error {
			return lab.withNodes(ctx, []string{""}, func(nodes []*benchServer) error { return c.gauge(ctx, nodes, ledgers, &r) })
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		rows = append(rows, r)
	}
	return ofFirst(rows), nil
}

// dividing measures the largest number of ledgers with more and more nodes.
func (c *benchLedgersCmd) dividing(ctx context.Context, all *lab) (rows []row, err error) {
	ledgers := slices.Max(c.Ledgers)
	var names []string
	for i := range c.Nodes {
		names = append(names, fmt.Sprintf("node-%d", i+1))
		r := row{name: fmt.Sprintf("all outside, ledgers: %d, nodes: %d", ledgers, len(names))}
		all.sayf("%s", r.name)
		err := c.inShape(ctx, all, shape{store: true, views: true, nats: true}, func(lab *lab) error {
			return lab.withNodes(ctx, names, func(nodes []*benchServer) error { return c.gauge(ctx, nodes, ledgers, &r) })
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		rows = append(rows, r)
	}
	return ofFirst(rows), nil
}

func ofFirst(rows []row) []row {
	for i := range rows {
		rows[i].set(colPostOfFirst, ratio(rows[i].get(colPostRate), rows[0].get(colPostRate)))
	}
	return rows
}

// withNodes runs work against servers of these names, or one that is alone where the name is empty.
func (l *lab) withNodes(ctx context.Context, names []string, work func([]*benchServer) error) error {
	return l.withMore(ctx, names, nil, work)
}

func (l *lab) withMore(ctx context.Context, names []string, running []*benchServer, work func([]*benchServer) error) error {
	if len(names) == 0 {
		return work(running)
	}
	return l.inNewDirectory(func(dir string) (err error) {
		var flags []string
		if names[0] != "" {
			flags = []string{"--node", names[0]}
		}
		s, err := l.startProfiled(ctx, dir, flags...)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Stop()) }()
		return l.withMore(ctx, names[1:], append(running, s), work)
	})
}

// gauge divides ledgers among nodes, and puts the loads on them.
func (c *benchLedgersCmd) gauge(ctx context.Context, nodes []*benchServer, ledgers int, r *row) error {
	parts := make([]part, len(nodes))
	accounts := c.Accounts / ledgers
	for i := range ledgers {
		at := nodes[i%len(nodes)]
		s := *at
		s.ledger = fmt.Sprintf("%s-%03d", benchLedgerName, i)
		if err := errors.Join(s.open(ctx), s.fund(ctx, 0, accounts, nobody)); err != nil {
			return err
		}
		parts[i%len(nodes)].ledgers = append(parts[i%len(nodes)].ledgers, &s)
	}
	if err := settleAll(ctx, parts); err != nil {
		return err
	}
	posts, err := sendAll(ctx, parts, func(p *part, host string) loadgen.Load {
		load := loadgen.Load{Address: host, Status: http.StatusCreated, Duration: c.Duration}
		return over(load, max(1, c.Connections/len(parts)), func(host string, seed uint64) loadgen.Source {
			return postSource(host, p.names(), seed, pairs(accounts, false, seed))
		})
	})
	if err != nil {
		return err
	}
	r.set(colPostRate, posts)
	if err := settleAll(ctx, parts); err != nil {
		return err
	}
	bulks, err := sendAll(ctx, parts, func(p *part, host string) loadgen.Load {
		load := loadgen.Load{Address: host, Status: http.StatusOK, Duration: c.Duration, Accepted: acceptedOf(bulkSize)}
		return over(load, max(1, bulkConnections/len(parts)), func(host string, seed uint64) loadgen.Source {
			return bulkSource(host, p.names(), seed, bulkSize, pairs(accounts, false, seed))
		})
	})
	if err != nil {
		return err
	}
	r.set(colBulkRate, bulks)
	return verifyAll(ctx, parts)
}

// part is what one node has of the ledgers.
type part struct {
	ledgers []*benchServer
	posted  int // besides the funding
}

func (p *part) names() (names []string) {
	for _, s := range p.ledgers {
		names = append(names, s.ledger)
	}
	return names
}

// sendAll puts a load on all nodes at once, and tells how much a second they accepted together.
func sendAll(ctx context.Context, parts []part, load func(*part, string) loadgen.Load) (perSecond float64, err error) {
	results := make([]*loadgen.Result, len(parts))
	errs := make([]error, len(parts))
	var group sync.WaitGroup
	for i := range parts {
		group.Go(func() {
			s := parts[i].ledgers[0]
			results[i], errs[i] = s.read(ctx, load(&parts[i], s.Address))
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	for i, r := range results {
		parts[i].posted += r.Accepted
		perSecond += r.PerSecond()
	}
	return perSecond, nil
}

func settleAll(ctx context.Context, parts []part) error {
	for i := range parts {
		for _, s := range parts[i].ledgers {
			if _, err := s.settle(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyAll makes sure that what was acknowledged is there. The loads tell only what a node's ledgers were posted together.
func verifyAll(ctx context.Context, parts []part) error {
	for i := range parts {
		want, got := parts[i].posted, 0
		for _, s := range parts[i].ledgers {
			want += s.posted
			there, err := s.transactions(ctx)
			if err != nil {
				return err
			}
			got += there
			if err := s.balance(ctx); err != nil {
				return err
			}
		}
		if got != want {
			return fmt.Errorf("%d transactions were acknowledged, but the ledgers have %d", want, got)
		}
	}
	return nil
}
