package main

import (
	"context"
	"net/http"
)

// benchBulkCmd is `daybook bench bulk`: bulk requests over a few connections. Its second figure is the rate until the
// read models have caught up as well.
type benchBulkCmd struct {
	benchOptions `embed:""`

	Connections int `short:"c" default:"8" help:"Keep-alive connections."`
	Size        int `default:"100" help:"Transactions in one request."`
}

// Run measures and reports.
func (c *benchBulkCmd) Run(ctx context.Context, std *streams) error {
	var runs [][]measure
	for range c.Runs {
		accepted, err := measureDaybook(ctx, std, c.benchOptions, "bulk, accepted", c.Size,
			loadOf(c.benchOptions, c.Connections, false, c.Size, http.StatusOK))
		if err != nil {
			return err
		}
		through := accepted
		through.Name = "bulk, in the read models"
		through.PerSecond *= milliseconds(c.Duration) / (milliseconds(c.Duration) + accepted.Behind)
		runs = append(runs, []measure{accepted, through})
	}
	return c.report(std.out, medians(runs))
}
