package main

import (
	"context"
	"errors"
	"time"

	"github.com/alecthomas/kong"
)

// benchGrowthCmd is `daybook bench growth`: what becomes of speed, memory and disk while a ledger grows.
type benchGrowthCmd struct {
	benchOptions `embed:""`

	Accounts     int           `default:"1000000" help:"Accounts in the end, each opened by one of the transactions (default: ${default})."`
	Transactions int           `default:"10000000" help:"Transactions in the end (default: ${default})."`
	Steps        int           `default:"10" help:"How many times it is measured on the way (default: ${default})."`
	Duration     time.Duration `default:"5s" help:"How long each load lasts (default: ${default})."`
	CPUProfile   string        `name:"cpu-profile" placeholder:"FILE" help:"Write a CPU profile of the server during the last load of bulks."`
}

// Help says what is measured.
func (*benchGrowthCmd) Help() string {
	return `One ledger grows to --accounts and --transactions, which are spread over the days of a year. When it is nearly empty and
after each step, once the read models have everything, these are measured: the rates of bulks (100 a request, 8 connections)
and of single postings (64 connections) between random ones of the accounts there are; the memory of the server, what is in
use of it by Go code, and what of that was allocated by the engine, for each account (from Go's heap profile, a sample,
which is only right for many accounts); the size of the data directory.

In the end: the first page of the statement of a random account, its balance at a random date and the totals of all accounts at
one, each asked for by one client that waits for the answer; and the time from start to ready.

Afterwards everything that was acknowledged must be there, once, and debits must equal credits.`
}

// Validate refuses what cannot be measured.
func (c *benchGrowthCmd) Validate() error {
	if c.Duration <= 0 || c.Steps < 1 || c.Accounts < 2 || c.Transactions < c.Accounts {
		return errors.New("--duration and --steps must be above zero, --accounts at least 2, and --transactions no fewer than that")
	}
	return c.benchOptions.Validate()
}

// Run measures and reports.
func (c *benchGrowthCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchGrowthCmd) measure(ctx context.Context, lab *lab) ([]row, error) {
	return lab.repeat(ctx, func(ctx context.Context) (rows []row, err error) {
		err = lab.inNewDirectory(func(dir string) error {
			h := &history{dir: dir}
			rows, err = c.grow(ctx, lab, h)
			if err != nil {
				return err
			}
			start, err := lab.start(ctx, h, "start after a stop", func(s *benchServer) error { return s.Stop() })
			rows = append(rows, start)
			return err
		})
		return rows, err
	})
}

// accountsAtFirst is how many accounts a ledger has that counts as empty.
const accountsAtFirst = 10_000

// grow fills a ledger step by step, and leaves the directory without a server.
func (c *benchGrowthCmd) grow(ctx context.Context, lab *lab, h *history) (rows []row, err error) {
	s, err := lab.startProfiled(ctx, h.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	g := &growth{benchGrowthCmd: c, server: s, held: h, done: lab.progress("growing", c.Transactions)}
	if err := g.addAccounts(ctx, min(accountsAtFirst, c.Accounts)); err != nil {
		return nil, err
	}
	for step := range c.Steps + 1 {
		if step == c.Steps {
			lab.profileTo = c.CPUProfile
		}
		r, err := g.step(ctx, step)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
		lab.sayf("%s: %.0f bulk/s, %.0f post/s, %.0f MiB", r.name, r.get(colBulkRate), r.get(colPostRate), r.get(colResident))
	}
	queries, err := g.queries(ctx)
	if err != nil {
		return nil, err
	}
	return append(rows, queries...), s.verify(ctx)
}
