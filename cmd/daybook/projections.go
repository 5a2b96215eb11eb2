package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/daybook-ledger/daybook/projections"
	"github.com/daybook-ledger/daybook/projections/runner"
)

// projectionsCmd is `daybook projections`. It works on the data directory itself, beside a server that may be running.
type projectionsCmd struct {
	List    projectionsListCmd    `cmd:"" default:"1" help:"List the read models: version, state, how far behind the log."`
	Rebuild projectionsRebuildCmd `cmd:"" help:"Build read models again from the log, beside the live ones, and swap them in."`
}

type projectionsListCmd struct{ logFlags }

// Run prints a line for each generation of each read model.
func (c *projectionsListCmd) Run(ctx context.Context, std *streams) error {
	return withRunner(ctx, &c.logFlags, func(r *runner.Runner) error {
		list, err := r.List(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PROJECTION\tVERSION\tGENERATION\tSTATE\tBEHIND\tPOSITION\tDETAIL")
		for _, p := range list {
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", p.Projection, versions(p), p.Number, p.State, behind(p), p.Position, p.Detail)
		}
		return table.Flush()
	})
}

func versions(p runner.Status) string {
	if p.Version == p.Wanted {
		return strconv.Itoa(p.Version)
	}
	return fmt.Sprintf("%d (wanted: %d)", p.Version, p.Wanted)
}

func behind(p runner.Status) string {
	if p.Behind >= runner.BehindMax {
		return fmt.Sprintf("%d or more", runner.BehindMax)
	}
	return strconv.Itoa(p.Behind)
}

type projectionsRebuildCmd struct {
	logFlags
	Name []string `arg:"" optional:"" help:"Read models to rebuild; all where none is named."`
}

// Run rebuilds and says how long it took.
func (c *projectionsRebuildCmd) Run(ctx context.Context, std *streams) error {
	return withRunner(ctx, &c.logFlags, func(r *runner.Runner) error {
		var last runner.Progress
		show := rebuildProgress(std)
		err := r.Rebuild(ctx, c.Name, func(p runner.Progress) {
			last = p
			show(p)
		})
		if errors.Is(err, runner.ErrUnknownProjection) {
			return fmt.Errorf("%w (daybook projections list shows them)", err)
		}
		if err != nil {
			return err
		}
		speed := 0.0
		if last.Elapsed > 0 { // else there were no events
			speed = float64(last.Done) / last.Elapsed.Seconds()
		}
		_, err = fmt.Fprintf(std.out, "rebuilt from %d events in %s (%.0f events/s)\n", last.Done, last.Elapsed.Round(time.Millisecond), speed)
		return err
	})
}

// rebuildProgress draws a bar on a terminal, and nothing elsewhere.
func rebuildProgress(std *streams) func(runner.Progress) {
	if !std.tty {
		return func(runner.Progress) {}
	}
	var bar *progressbar.ProgressBar
	return func(p runner.Progress) {
		if bar == nil {
			bar = progressbar.NewOptions64(int64(p.Total), progressbar.OptionSetWriter(std.err),
				progressbar.OptionSetDescription("rebuilding"), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set64(int64(p.Done)) // a bar that cannot be drawn is no reason to stop
	}
}

// withRunner opens the store and the read models of a data directory for one piece of work.
func withRunner(ctx context.Context, flags *logFlags, work func(*runner.Runner) error) (err error) {
	store, dir, err := flags.openMade(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, store)
	views, err := projections.OpenViews(ctx, flags.views(dir))
	if err != nil {
		return err
	}
	defer closing(&err, views)
	return work(runner.New(runner.Config{
		Views: views, Store: store, Projections: projections.All(), Logger: slog.New(slog.DiscardHandler),
	}))
}

func closing(err *error, c io.Closer) { *err = errors.Join(*err, c.Close()) }
