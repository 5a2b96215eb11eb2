package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/audit"
	"github.com/daybook-ledger/daybook/internal/datadir"
)

// auditCmd is `daybook audit`.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Verify the whole log of a data directory: hashes, chain, books, and the balances in the read models."`
}

type auditVerifyCmd struct {
	logFlags

	Ledger   string `placeholder:"NAME" help:"Verify this ledger alone."`
	Earlier  string `placeholder:"FILE" help:"An earlier report (--json): what it saw must still be there, unchanged."`
	JSON     bool   `name:"json" help:"Report as JSON."`
	Findings int    `default:"20" help:"Findings to list, besides the first of each ledger; the others are counted (default: ${default})."`
}

// Help says what the exit codes are.
func (*auditVerifyCmd) Help() string {
	return `Every event's hash is computed again, and the chain of each ledger followed; every event is decoded and the books are made from
the beginning. In the end debits must equal credits, no account may be beyond its limits unless a forced transaction moved it,
and the balances in the read models must be those of the books, where these are as far. Nothing is written.

The hash that a ledger ends with stands for everything before it. Keep the report (--json) where nobody who can write the
data directory can change it, and give it as --earlier the next time: then a log that lost its end is told too, and one that was
written anew with hashes of its own.

Exit codes: 0 where nothing is wrong, 1 where something is, 2 for a wrong command line, 3 where it could not be verified
to the end.`
}

// Validate refuses what cannot be listed.
func (c *auditVerifyCmd) Validate() error {
	if c.Findings < 1 {
		return errors.New("--findings must be at least 1")
	}
	return c.logFlags.Validate()
}

const (
	exitBroken     = exitFailed
	exitUnverified = 3
)

// Run verifies and reports.
func (c *auditVerifyCmd) Run(ctx context.Context, std *streams) error {
	report, err := c.verify(ctx, std)
	if report != nil {
		write := writeAudit
		if c.JSON {
			write = writeAuditJSON
		}
		err = errors.Join(err, write(std.out, report))
		if report.Found > 0 {
			broken := fmt.Errorf("the log of %s is not what was written: %d findings", c.Data, report.Found)
			return &exitError{exitBroken, errors.Join(broken, err)}
		}
	}
	switch {
	case err == nil:
		return nil
	case report == nil && errors.Is(err, eventstore.ErrCorrupt): // so much that not even its beginning can be read
		return &exitError{exitBroken, err}
	default:
		return &exitError{exitUnverified, err}
	}
}

func (c *auditVerifyCmd) verify(ctx context.Context, std *streams) (report *audit.Report, err error) {
	collectLess()
	options := audit.Options{Ledger: c.Ledger, Findings: c.Findings, Progress: auditProgress(std)}
	if options.Earlier, err = readAudit(c.Earlier); err != nil {
		return nil, err
	}
	dir, err := datadir.Inspect(c.Data)
	if err != nil {
		return nil, err
	}
	log, err := c.openAudited(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer closing(&err, log)
	place := c.views(dir)
	switch _, err := os.Stat(dir.Views()); {
	case err == nil, c.Views != inside:
		options.ReadModels = func(ctx context.Context) (audit.ReadModels, error) { return openAuditedViews(ctx, place) }
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	return audit.Verify(ctx, log, options)
}

// readAudit reads what the ledgers came to in an earlier report, if there is one.
func readAudit(path string) ([]audit.Ledger, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the earlier report: %w", err)
	}
	var earlier audit.Report
	if err := json.Unmarshal(text, &earlier); err != nil {
		return nil, fmt.Errorf("read the earlier report %s: %w", path, err)
	}
	if len(earlier.Ledgers) == 0 { // from which nothing would follow
		return nil, fmt.Errorf("%s is no report of an audit, or has no ledger in it", path)
	}
	return earlier.Ledgers, nil
}

// auditProgress counts on a terminal; elsewhere it says now and then how far it is.
func auditProgress(std *streams) func(uint64) {
	if std.tty {
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(std.err), progressbar.OptionSetDescription("verifying"),
			progressbar.OptionShowIts(), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
			progressbar.OptionThrottle(100*time.Millisecond))
		return func(events uint64) { _ = bar.Set64(int64(events)) } // the bar is for show
	}
	const every = 10 * time.Second
	told := time.Now()
	return func(events uint64) {
		if time.Since(told) >= every {
			told = time.Now()
			fmt.Fprintf(std.err, "daybook: %d events verified\n", events)
		}
	}
}

func writeAudit(out io.Writer, r *audit.Report) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LEDGER\tREVISION\tACCOUNTS\tTRANSACTIONS\tREAD MODELS\tFINDINGS\tHASH")
	for i := range r.Ledgers {
		l := &r.Ledgers[i]
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\t%d\t%s\n", l.Name, l.Revision, l.Accounts, l.Transactions, l.ReadModels, l.Found, l.Hash)
	}
	_ = table.Flush() // the last write below fails as well
	for _, f := range r.Findings {
		fmt.Fprintf(out, "WRONG: %s\n", f)
	}
	if more := r.Found - len(r.Findings); more > 0 {
		fmt.Fprintf(out, "and %d findings more\n", more)
	}
	verdict := "nothing is wrong"
	if r.Found > 0 {
		verdict = fmt.Sprintf("%d findings", r.Found)
	}
	if !r.Complete {
		verdict += ", as far as it could be read"
	}
	_, err := fmt.Fprintf(out, "verified %d events of %d ledgers in %s (%.0f events/s): %s\n",
		r.Events, len(r.Ledgers), r.Elapsed.Round(time.Millisecond), r.PerSecond(), verdict)
	return err
}

func writeAuditJSON(out io.Writer, r *audit.Report) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
