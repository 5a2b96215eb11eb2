package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"github.com/alecthomas/kong"

	"github.com/daybook-ledger/daybook/projections/runner"
)

// benchRebuildCmd is `daybook bench rebuild`.
type benchRebuildCmd struct {
	historyOptions `embed:""`

	CPUProfile string `name:"cpu-profile" placeholder:"FILE" help:"Write a CPU profile of the first rebuild."`
}

// Help says what is measured.
func (*benchRebuildCmd) Help() string {
	return `A data directory with many transactions is built (or taken with --data). Then all read models are built again from the log, as
"daybook projections rebuild" does it, with no server beside it: the events of the log over the whole time, in which indexes
are made and the new tables shown in place of the old ones. Afterwards a server must find everything in them, and debits must
equal credits.`
}

// Run measures and reports.
func (c *benchRebuildCmd) Run(ctx context.Context, std *streams, parsed *kong.Context) error {
	return runBenchmark(ctx, std, parsed, c)
}

func (c *benchRebuildCmd) measure(ctx context.Context, lab *lab) (rows []row, err error) {
	lab.profileTo = c.CPUProfile
	err = c.withHistory(ctx, lab, func(h *history) error {
		rows, err = lab.repeat(ctx, func(ctx context.Context) ([]row, error) {
			r, err := lab.rebuild(ctx, h)
			return []row{r}, err
		})
		return err
	})
	return rows, err
}

func (l *lab) rebuild(ctx context.Context, h *history) (row, error) {
	r := row{name: "rebuild of all read models"}
	l.sayf("%s", r.name)
	var last runner.Progress
	begun := time.Now()
	err := l.profiled(func() error {
		return withRunner(ctx, &logFlags{Data: h.dir, Store: inside, Views: inside}, func(r *runner.Runner) error {
			var done func(int)
			return r.Rebuild(ctx, nil, func(p runner.Progress) {
				if done == nil {
					done = l.progress("rebuilding", int(p.Total))
				}
				done(int(p.Done - last.Done))
				last = p
			})
		})
	})
	took := time.Since(begun)
	if err != nil {
		return r, err
	}
	r.set(colEvents, float64(last.Done))
	r.set(colSeconds, took.Seconds())
	r.set(colPerSecond, float64(last.Done)/took.Seconds())
	_, err = l.start(ctx, h, "a look at the rebuilt read models", func(s *benchServer) error { return s.Stop() })
	return r, err
}

// profiled does work in this process, with a CPU profile of it if one was asked for and none was taken.
func (l *lab) profiled(work func() error) (err error) {
	if l.profileTo == "" {
		return work()
	}
	file, err := os.Create(l.profileTo)
	if err != nil {
		return fmt.Errorf("take a CPU profile: %w", err)
	}
	l.profileTo = ""
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return fmt.Errorf("take a CPU profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	return work()
}
