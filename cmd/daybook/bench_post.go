package main

import (
	"cmp"
	"context"

	"github.com/alecthomas/kong"
)

// benchPostCmd is `daybook bench post`. In each run the no-op handler, Daybook on random pairs of accounts, and Daybook
// on one hot account get the same load in turn, each in a process of its own beside this one.
type benchPostCmd struct {
	loadOptions `embed:""`

	Connections int `short:"c" default:"64" help:"Keep-alive connections; 1 measures what one client that waits for each answer sees, and what the disk needs (default: ${default})."`
}

// Help says what is measured.
func (*benchPostCmd) Help() string {
	return `Each server gets two loads. The first is a closed loop, in which every connection posts as fast as its answers come: it
finds how many requests a second are possible. The second is an open loop at half of that (or --rate): latencies count from
when a request was due, so that a stall is in the latency of all that had to wait for it. "behind" is how long the read models
needed after the first load had stopped.

With -c 1 there is one load, and the latencies are those of one client that waits for each answer. The disk is measured as
well: an append of 4 KiB with fdatasync. The limit for a posting is twice that and a no-op request.

Afterwards everything that was acknowledged must be there, once, and debits must equal credits.`
}

// Validate refuses what cannot be measured.
func (c *benchPostCmd) Validate() error {
	return cmp.Or(c.loadOptions.Validate(), atLeastOne(c.Connections))
}

// Run measures and reports.
func (c *benchPostCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchPostCmd) measure(ctx context.Context, lab *lab) ([]row, error) {
	lab.profileTo = c.CPUProfile
	return lab.repeat(ctx, func(ctx context.Context) ([]row, error) {
		noop, err := c.noop(ctx, lab)
		if err != nil {
			return nil, err
		}
		random, err := c.daybook(ctx, lab, "post, random pairs", false)
		if err != nil {
			return nil, err
		}
		hot, err := c.daybook(ctx, lab, "post, one hot account", true)
		if err != nil {
			return nil, err
		}
		random.set(colOfNoop, ratio(random.get(colPerSecond), noop.get(colPerSecond)))
		hot.set(colOfNoop, ratio(hot.get(colPerSecond), noop.get(colPerSecond)))
		hot.set(colOfPairs, ratio(hot.get(colPerSecond), random.get(colPerSecond)))
		if c.Connections > 1 {
			return []row{noop, random, hot}, nil
		}
		limits, err := c.limits(ctx, lab, &noop)
		if err != nil {
			return nil, err
		}
		limit := limits[1].get(colClosedP50)
		random.set(colOfLimit, ratio(random.get(colClosedP50), limit))
		hot.set(colOfLimit, ratio(hot.get(colClosedP50), limit))
		return append([]row{noop, random, hot}, limits...), nil
	})
}

func (c *benchPostCmd) gauge(address string, hot bool) *gauge {
	return &gauge{loadOptions: c.loadOptions, load: postLoad(address, c.Connections, c.Accounts, hot)}
}

func (c *benchPostCmd) noop(ctx context.Context, lab *lab) (r row, err error) {
	err = lab.withNoop(ctx, func(address string) error {
		r, err = lab.readNoop(ctx, c.gauge(address, false), "no-op Echo POST")
		return err
	})
	return r, err
}

func (c *benchPostCmd) daybook(ctx context.Context, lab *lab, name string, hot bool) (r row, err error) {
	lab.sayf("%s", name)
	err = lab.withLedger(ctx, c.Accounts, func(s *benchServer) error {
		r, err = s.gauge(ctx, c.gauge(s.Address, hot), name)
		return err
	})
	return r, err
}

// limits are rows of what the disk needs, and of the latency that one client at a time should see at most.
func (c *benchPostCmd) limits(ctx context.Context, lab *lab, noop *row) ([]row, error) {
	disk, limit := row{name: "append of 4 KiB + fdatasync"}, row{name: "limit: 2 of those + no-op"}
	lab.sayf("%s", disk.name)
	err := lab.inNewDirectory(func(dir string) error {
		took, err := measureSync(ctx, dir, c.Duration)
		if err != nil {
			return err
		}
		disk.set(colClosedP50, milliseconds(took.Percentile(50)))
		disk.set(colClosedP99, milliseconds(took.Percentile(99)))
		limit.set(colClosedP50, 2*disk.get(colClosedP50)+noop.get(colClosedP50))
		return nil
	})
	return []row{disk, limit}, err
}
