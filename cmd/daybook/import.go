package main

import (
	"context"
	"fmt"

	"github.com/schollz/progressbar/v3"
)

// importCmd is `daybook import`: a journal, or NDJSON of commands, is checked as a whole and then posted.
type importCmd struct {
	remote

	Template string `default:"general" enum:"general,wallets" help:"Chart of the ledger where it is created: general or wallets. An export has its own."`
	Format   string `default:"auto" enum:"auto,journal,ndjson" help:"What FILE is: journal or ndjson. By default its name or its first byte tells."`
	Real     bool   `help:"Leave virtual postings out of a journal, as hledger --real does."`
	File     string `arg:"" placeholder:"FILE" help:"File to import; - is standard input."`
}

// Run checks everything, then writes. Running it again is safe: each transaction and hold has a reference, and what is
// there already is compared and passed over; other commands have an idempotency key.
func (c *importCmd) Run(ctx context.Context, io *streams) error {
	source, err := openSource(c.File, io.in)
	if err != nil {
		return err
	}
	defer source.close()
	batch, err := c.read(source)
	if err != nil {
		return err
	}
	s := &sender{client: c.client(), ledger: c.Ledger, errs: io.err}
	if err := s.open(ctx, c.Template, batch, io.out); err != nil {
		return err
	}
	s.bar = importBar(io, batch.count)
	err = s.sendAll(ctx, batch)
	_ = s.bar.Finish() // the bar is for show
	if err != nil {
		return fmt.Errorf("%w\n%d transactions were imported before that (%d more were already there); importing again"+
			" goes on from there", err, s.imported, s.present)
	}
	if err := s.settle(ctx); err != nil {
		fmt.Fprintf(io.err, "daybook: everything was imported, but reads do not show it yet: %v\n", err)
	}
	_, err = fmt.Fprintf(io.out, "imported %d transactions (%d already there), revision %d\n", s.imported, s.present, s.revision)
	return err
}

// importBar shows how far the import is, on a terminal.
func importBar(io *streams, count int) *progressbar.ProgressBar {
	return progressbar.NewOptions(count,
		progressbar.OptionSetWriter(io.err),
		progressbar.OptionSetVisibility(io.tty),
		progressbar.OptionSetDescription("importing"),
		progressbar.OptionShowCount(),
		progressbar.OptionClearOnFinish(),
	)
}
