package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// benchAllCmd is `daybook bench all`: the benchmarks that take a few minutes together, in one report.
type benchAllCmd struct {
	benchOptions `embed:""`

	Duration     time.Duration `default:"3s" help:"How long each load lasts (default: ${default})."`
	Bulk         time.Duration `name:"bulk-duration" default:"10s" help:"How long bulks are posted for (default: ${default})."`
	Accounts     int           `default:"10000" help:"Funded accounts that transfers go between (default: ${default})."`
	Transactions int           `default:"200000" help:"Transactions behind the server that is started, and of the read models that are rebuilt (default: ${default})."`
}

// Help says what is measured.
func (*benchAllCmd) Help() string {
	return `Each table of the report begins with the command that repeats it; the commands' own help says what they measure. Growth is not
among them, which takes much longer, nor are shapes and ledgers, which need a PostgreSQL server.`
}

// Validate refuses what cannot be measured.
func (c *benchAllCmd) Validate() error {
	if c.Duration <= 0 || c.Bulk <= 0 || c.Accounts < 2 || c.Transactions < c.Accounts {
		return errors.New("durations must be above zero, --accounts at least 2, and --transactions no fewer than that")
	}
	return c.benchOptions.Validate()
}

// Run measures and reports.
func (c *benchAllCmd) Run(ctx context.Context, std *streams) error {
	lab := newLab(std, &c.benchOptions)
	var sections []section
	err := lab.inNewDirectory(func(dir string) error {
		for _, line := range c.lines() {
			lab.sayf("daybook bench %s", strings.Join(line, " "))
			one, err := c.one(ctx, std, line, dir)
			if err != nil {
				return err
			}
			sections = append(sections, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return lab.report(std.out, sections)
}

// lines are the command lines after "daybook bench".
func (c *benchAllCmd) lines() [][]string {
	load := []string{"--duration", c.Duration.String(), "--accounts", strconv.Itoa(c.Accounts)}
	bulk := []string{"--duration", c.Bulk.String(), "--accounts", strconv.Itoa(c.Accounts)}
	history := []string{"--transactions", strconv.Itoa(c.Transactions), "--accounts", strconv.Itoa(c.Accounts)}
	lines := [][]string{
		append([]string{"post"}, load...), append([]string{"post", "-c", "1"}, load...), append([]string{"bulk"}, bulk...),
		append([]string{"lag"}, load...), append([]string{"get"}, load...),
		append([]string{"start", "--tail", strconv.Itoa(c.Transactions / 8)}, history...), append([]string{"rebuild"}, history...),
	}
	for i := range lines {
		lines[i] = append(lines[i], "--runs", strconv.Itoa(c.Runs))
	}
	return lines
}

// one measures what a command line says. Those that need a history share one, below a directory.
func (c *benchAllCmd) one(ctx context.Context, std *streams, line []string, dir string) (section, error) {
	args := append([]string{"bench"}, line...)
	if c.Dir != "" {
		args = append(args, "--dir", c.Dir)
	}
	parsed, err := parse(ctx, args, nil, std)
	if err != nil {
		return section{}, err
	}
	b, ok := parsed.Selected().Target.Addr().Interface().(benchmark)
	if !ok {
		return section{}, fmt.Errorf("daybook %s is no benchmark", strings.Join(args, " "))
	}
	if o, ok := b.(interface{ keepIn(dir string) }); ok {
		o.keepIn(filepath.Join(dir, "history"))
	}
	rows, err := b.measure(ctx, newLab(std, b.settings()))
	return section{Command: "daybook bench " + strings.Join(line, " "), Runs: c.Runs, Rows: rows}, err
}
