package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// benchPostCmd is `daybook bench post`. In each run the no-op handler, Daybook on random pairs of accounts, and Daybook
// on one hot account get the same load in turn, each in a process of its own beside this one.
type benchPostCmd struct {
	benchOptions `embed:""`

	Connections int `short:"c" default:"64" help:"Keep-alive connections."`
}

// Run measures and reports.
func (c *benchPostCmd) Run(ctx context.Context, std *streams) error {
	var runs [][]measure
	for range c.Runs {
		measures, err := c.measure(ctx, std)
		if err != nil {
			return err
		}
		runs = append(runs, measures)
	}
	return c.report(std.out, medians(runs))
}

func (c *benchPostCmd) measure(ctx context.Context, std *streams) ([]measure, error) {
	base, err := measureNoop(ctx, std, loadOf(c.benchOptions, c.Connections, false, 0, http.StatusCreated))
	if err != nil {
		return nil, err
	}
	noop := newMeasure("no-op Echo handler", "requests", base, 1)
	pairs, err := measureDaybook(ctx, std, c.benchOptions, "post, random pairs", 1, loadOf(c.benchOptions, c.Connections, false, 0, http.StatusCreated))
	if err != nil {
		return nil, err
	}
	hot, err := measureDaybook(ctx, std, c.benchOptions, "post, one hot account", 1, loadOf(c.benchOptions, c.Connections, true, 0, http.StatusCreated))
	if err != nil {
		return nil, err
	}
	pairs.Ratio, hot.Ratio = pairs.PerSecond/noop.PerSecond, hot.PerSecond/noop.PerSecond
	return []measure{noop, pairs, hot}, nil
}

// measureDaybook runs a load against a new server, waits until its read models have caught up, and verifies the books.
func measureDaybook(ctx context.Context, std *streams, o benchOptions, name string, perRequest int, load func(string) loadgen.Load) (m measure, err error) {
	server, err := startBenchServer(ctx, std, o.Accounts)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	result, err := loadgen.Run(ctx, load(server.Address))
	if err != nil {
		return m, err
	}
	behind, err := server.settle(ctx)
	if err != nil {
		return m, err
	}
	m = newMeasure(name, "transactions", result, perRequest)
	m.Behind = milliseconds(behind)
	return m, server.verify(ctx, result.Requests*perRequest)
}
