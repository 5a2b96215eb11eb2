package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alecthomas/kong"
)

// benchCmd is `daybook bench`: Daybook measured against baselines in the same run, by the program itself, so that
// anybody can repeat the figures.
type benchCmd struct {
	Post    benchPostCmd    `cmd:"" set:"duration=5s" help:"Single transactions over many connections, against a no-op Echo handler; with -c 1 against the disk as well."`
	Bulk    benchBulkCmd    `cmd:"" set:"duration=30s" help:"Transactions in bulk requests: accepted, and until every read model has them."`
	Lag     benchLagCmd     `cmd:"" set:"duration=10s" help:"How far the read models are behind what was acknowledged, at half of the highest rate."`
	Get     benchGetCmd     `cmd:"" set:"duration=5s" help:"Reads of accounts, against a no-op Echo handler that answers with the same."`
	Start   benchStartCmd   `cmd:"" help:"From start to ready with many transactions behind it, after a stop and after a crash."`
	Rebuild benchRebuildCmd `cmd:"" help:"All read models built again from the log."`
	Growth  benchGrowthCmd  `cmd:"" set:"runs=1" help:"Speed, memory and disk while a ledger grows to millions of transactions."`
	Shapes  benchShapesCmd  `cmd:"" set:"duration=5s" help:"Postings, bulks and lag with everything inside, beside a NATS cluster, on PostgreSQL, and by two nodes."`
	Ledgers benchLedgersCmd `cmd:"" set:"duration=5s" help:"One load on more and more ledgers, and on more and more nodes."`
	All     benchAllCmd     `cmd:"" help:"Everything but growth, shapes and ledgers, some minutes long, as one report."`
	NATS    benchNATSCmd    `cmd:"" name:"nats" hidden:"" help:"Serve NATS for the benchmarks that need it outside."`
	Noop    benchNoopCmd    `cmd:"" hidden:"" help:"Serve the no-op handlers that the others are compared with."`
}

// benchmark is one of the commands of `daybook bench`.
type benchmark interface {
	settings() *benchOptions
	// measure gives the lines of the report; where something is measured several times, their medians.
	measure(ctx context.Context, lab *lab) ([]row, error)
}

// benchOptions are common to all benchmarks.
type benchOptions struct {
	Runs int    `default:"${runs}" help:"How many times everything is measured; the medians are reported (default: ${default})."`
	JSON bool   `name:"json" help:"Report as JSON."`
	Out  string `placeholder:"FILE" help:"Write the report to a file as well: Markdown (.md) or JSON (.json)."`
	Dir  string `placeholder:"DIR" help:"Where the data directories are made, and removed again: on the disk to be measured (default: the directory for temporary files)."`
}

func (o *benchOptions) settings() *benchOptions { return o }

// Validate refuses what cannot be measured, before anything is.
func (o *benchOptions) Validate() error {
	if o.Runs < 1 {
		return errors.New("--runs must be at least 1")
	}
	if o.Out != "" && !strings.HasSuffix(o.Out, ".md") && !strings.HasSuffix(o.Out, ".json") {
		return fmt.Errorf("--out %s: want a name that ends with .md or .json", o.Out)
	}
	return nil
}

// loadOptions are those of benchmarks that put load on a server for a time.
type loadOptions struct {
	benchOptions `embed:""`

	Duration   time.Duration `default:"${duration}" help:"How long each load lasts (default: ${default})."`
	Accounts   int           `default:"10000" help:"Funded accounts that transfers go between (default: ${default})."`
	Rate       float64       `help:"Requests due each second while latencies are measured (default: half of what was found possible)."`
	CPUProfile string        `name:"cpu-profile" placeholder:"FILE" help:"Write a CPU profile of the server during its first load."`
}

// Validate refuses what cannot be measured.
func (o *loadOptions) Validate() error {
	if o.Duration <= 0 || o.Accounts < 2 || o.Rate < 0 {
		return errors.New("--duration must be above zero, --accounts at least 2, --rate not below zero")
	}
	return o.benchOptions.Validate() // which kong does not find where it is embedded
}

// runBenchmark measures and reports.
func runBenchmark(ctx context.Context, std *streams, parsed *kong.Context, b benchmark) error {
	lab := newLab(std, b.settings())
	rows, err := b.measure(ctx, lab)
	if err != nil {
		return err
	}
	return lab.report(std.out, []section{{Command: "daybook " + strings.Join(parsed.Args, " "), Runs: b.settings().Runs, Rows: rows}})
}

// lab is what benchmarks work with.
type lab struct {
	options *benchOptions
	// log takes what is done, line by line, and what servers log. Several processes write to it.
	log io.Writer
	tty bool
	// flags are what servers are started with besides.
	flags []string
	// run is the number of the run under way, from 1, or 0 where there is nothing to repeat.
	run int
	// profileTo is where a CPU profile of the first load goes that asks for one, if any still does.
	profileTo string
}

func newLab(std *streams, options *benchOptions) *lab {
	return &lab{options: options, log: &lockedWriter{to: std.err}, tty: std.tty}
}

// with is the lab with further flags for its servers. A profile that is still to be taken is taken there.
func (l *lab) with(flags ...string) *lab {
	other := *l
	other.flags = slices.Concat(l.flags, flags)
	l.profileTo = ""
	return &other
}

// sayf tells what is being done.
func (l *lab) sayf(format string, args ...any) {
	at := "bench: "
	if l.run > 0 && l.options.Runs > 1 {
		at = fmt.Sprintf("bench: run %d of %d: ", l.run, l.options.Runs)
	}
	if l.tty {
		at = "\r\x1b[K" + at // there may be a bar on the line
	}
	fmt.Fprintf(l.log, at+format+"\n", args...)
}

// repeat measures as many times as was asked for, and gives the medians.
func (l *lab) repeat(ctx context.Context, once func(context.Context) ([]row, error)) ([]row, error) {
	var runs [][]row
	defer func() { l.run = 0 }()
	for l.run = 1; l.run <= l.options.Runs; l.run++ {
		rows, err := once(ctx)
		if err != nil {
			return nil, err
		}
		runs = append(runs, rows)
	}
	return medians(runs), nil
}

// inNewDirectory makes a directory for the time of some work.
func (l *lab) inNewDirectory(work func(dir string) error) (err error) {
	dir, err := os.MkdirTemp(l.options.Dir, "daybook-bench-*")
	if err != nil {
		return fmt.Errorf("make a data directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return work(dir)
}

// lockedWriter passes on one piece after the other.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements [io.Writer].
func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
