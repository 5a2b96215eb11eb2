package main

import (
	"context"
	"errors"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// gauge is a load measured twice: first as much of it as the server takes, in a closed loop, then its latencies at a fixed
// rate, in an open loop.
type gauge struct {
	loadOptions

	load loadgen.Load
	send func(context.Context, loadgen.Load) (*loadgen.Result, error)
	// between, if not nil, is called between the two and may set figures too.
	between func(*row) error
}

func (g *gauge) read(ctx context.Context, name string) (row, error) {
	r := row{name: name}
	load := g.load
	load.Duration = g.Duration
	most, err := g.send(ctx, load)
	if err != nil {
		return r, err
	}
	r.set(colPerSecond, most.PerSecond())
	r.addRefused(most)
	if g.between != nil {
		if err := g.between(&r); err != nil {
			return r, err
		}
	}
	if len(load.Sources) == 1 && g.Rate == 0 {
		r.setClosed(most) // one client that waits for each answer: its latencies are those of a closed loop
		return r, nil
	}
	load.Rate = g.openRate(most)
	paced, err := g.send(ctx, load)
	if err != nil {
		return r, err
	}
	r.setOpen(load.Rate, paced)
	return r, nil
}

// openRate is the rate that was asked for, or half of the one found.
func (o *loadOptions) openRate(most *loadgen.Result) float64 {
	if o.Rate > 0 {
		return o.Rate
	}
	return float64(most.Requests) / most.Elapsed.Seconds() / 2
}

// gauge gauges a load against Daybook. Between its two loads the read models catch up.
func (s *benchServer) gauge(ctx context.Context, g *gauge, name string) (row, error) {
	g.send = s.send
	g.between = func(r *row) error {
		took, err := s.settle(ctx)
		r.set(colBehind, milliseconds(took))
		return err
	}
	return g.read(ctx, name)
}

func atLeastOne(connections int) error {
	if connections < 1 {
		return errors.New("--connections must be at least 1")
	}
	return nil
}
