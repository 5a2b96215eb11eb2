package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// benchCmd is `daybook bench`: Daybook measured against baselines in the same run, by the program itself, so that
// anybody can repeat the figures.
type benchCmd struct {
	Post benchPostCmd `cmd:"" help:"Single transactions over many connections, against a no-op Echo handler."`
	Bulk benchBulkCmd `cmd:"" help:"Transactions in bulk requests, until the read models have caught up."`
	Noop benchNoopCmd `cmd:"" hidden:"" help:"Serve the no-op handler that the others are compared with."`
}

// benchOptions are common to all benchmarks.
type benchOptions struct {
	Duration time.Duration `default:"5s" help:"How long each load lasts."`
	Runs     int           `default:"3" help:"How many times everything is measured; the medians are reported."`
	Accounts int           `default:"10000" help:"Funded accounts that transfers go between."`
	JSON     bool          `name:"json" help:"Report as JSON."`
}

// measure is one figure of a benchmark: the median of its runs.
type measure struct {
	Name string `json:"name"`
	// PerSecond is the rate of what Unit says.
	PerSecond float64 `json:"per_second"`
	Unit      string  `json:"unit"`
	// P50 and P99 are latencies of requests in a closed loop, in milliseconds.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	// Ratio is the median, over the runs, of this rate over the baseline's in the same run; 0 where there is none.
	Ratio float64 `json:"ratio,omitempty"`
	// Behind is how long the read models needed to catch up after the load had stopped, in milliseconds.
	Behind float64 `json:"behind_ms,omitempty"`
}

func newMeasure(name, unit string, result loadgen.Result, perRequest int) measure {
	return measure{
		Name: name, Unit: unit,
		PerSecond: result.PerSecond() * float64(perRequest),
		P50:       milliseconds(result.Percentile(50)),
		P99:       milliseconds(result.Percentile(99)),
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// medians folds several runs, each with the same measures in the same order, into one.
func medians(runs [][]measure) []measure {
	folded := slices.Clone(runs[0])
	for i := range folded {
		folded[i].PerSecond = median(runs, func(r []measure) float64 { return r[i].PerSecond })
		folded[i].P50 = median(runs, func(r []measure) float64 { return r[i].P50 })
		folded[i].P99 = median(runs, func(r []measure) float64 { return r[i].P99 })
		folded[i].Ratio = median(runs, func(r []measure) float64 { return r[i].Ratio })
		folded[i].Behind = median(runs, func(r []measure) float64 { return r[i].Behind })
	}
	return folded
}

func median(runs [][]measure, figure func([]measure) float64) float64 {
	figures := make([]float64, 0, len(runs))
	for _, r := range runs {
		figures = append(figures, figure(r))
	}
	slices.SortFunc(figures, cmp.Compare[float64])
	return figures[len(figures)/2]
}

// report writes a table for people or JSON for programs.
func (o benchOptions) report(out io.Writer, measures []measure) error {
	if o.JSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		return encoder.Encode(measures)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "median of %d\tper second\t\tp50 ms\tp99 ms\tratio\tbehind ms\t\n", o.Runs)
	for _, m := range measures {
		fmt.Fprintf(table, "%s\t%.0f\t%s\t%.2f\t%.2f\t%s\t%s\t\n",
			m.Name, m.PerSecond, m.Unit, m.P50, m.P99, orDash("%.2f", m.Ratio), orDash("%.0f", m.Behind))
	}
	return table.Flush()
}

func orDash(format string, figure float64) string {
	if figure == 0 {
		return "-"
	}
	return fmt.Sprintf(format, figure)
}
