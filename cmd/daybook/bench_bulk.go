package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"github.com/alecthomas/kong"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// benchBulkCmd is `daybook bench bulk`: bulk requests over a few connections. Its second figure is the rate until the
// read models have caught up as well.
type benchBulkCmd struct {
	loadOptions `embed:""`

	Connections int `short:"c" default:"8" help:"Keep-alive connections (default: ${default})."`
	Size        int `default:"100" help:"Transactions in one request (default: ${default})."`
}

// Help says what is measured.
func (*benchBulkCmd) Help() string {
	return `Every connection sends bulks as fast as its answers come. "accepted" is the rate of durable answers; "in the read models" is
the same number of transactions over the time until every read model had all of them, which is the rate that can go on for
ever. The latencies are those of this closed loop; with --rate (bulks a second) an open loop follows, whose latencies count
from when a request was due.

A server whose read models are --max-lag events behind refuses commands until they have caught up a little (column "refused"), so
that "accepted" comes near to the other rate the longer the load lasts. DAYBOOK_MAX_LAG=0 in the environment, or a shorter
--duration, shows what the log alone takes.

Afterwards everything that was acknowledged must be there, once, and debits must equal credits.`
}

// Validate refuses what cannot be measured.
func (c *benchBulkCmd) Validate() error {
	if c.Size < 1 {
		return errors.New("--size must be at least 1")
	}
	return cmp.Or(c.loadOptions.Validate(), atLeastOne(c.Connections))
}

// Run measures and reports.
func (c *benchBulkCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchBulkCmd) measure(ctx context.Context, lab *lab) ([]row, error) {
	lab.profileTo = c.CPUProfile
	return lab.repeat(ctx, func(ctx context.Context) (rows []row, err error) {
		lab.sayf("bulks of %d over %d connections", c.Size, c.Connections)
		err = lab.withLedger(ctx, c.Accounts, func(s *benchServer) error {
			rows, err = c.daybook(ctx, s)
			return err
		})
		return rows, err
	})
}

func (c *benchBulkCmd) load(address string) loadgen.Load {
	load := loadgen.Load{Address: address, Status: http.StatusOK, Accepted: acceptedOf(c.Size), Duration: c.Duration}
	return over(load, c.Connections, func(host string, seed uint64) loadgen.Source {
		return bulkSource(host, []string{benchLedgerName}, seed, c.Size, pairs(c.Accounts, false, seed))
	})
}

func (c *benchBulkCmd) daybook(ctx context.Context, s *benchServer) ([]row, error) {
	accepted, through := row{name: "bulk, accepted"}, row{name: "bulk, in the read models"}
	load := c.load(s.Address)
	result, err := s.send(ctx, load)
	if err != nil {
		return nil, err
	}
	took, err := s.settle(ctx)
	if err != nil {
		return nil, err
	}
	accepted.set(colPerSecond, result.PerSecond())
	accepted.setClosed(result)
	accepted.addRefused(result)
	through.set(colPerSecond, float64(result.Accepted)/(result.Elapsed+took).Seconds())
	through.set(colBehind, milliseconds(took))
	if c.Rate > 0 {
		load.Rate = c.Rate
		paced, err := s.send(ctx, load)
		if err != nil {
			return nil, err
		}
		accepted.setOpen(c.Rate, paced)
	}
	return []row{accepted, through}, nil
}
