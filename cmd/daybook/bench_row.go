package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/internal/loadgen"
)

// column is a kind of figure: its name in JSON, its head in a table, and how it is written there.
type column struct{ key, head, format string }

var (
	colPerSecond = column{"per_second", "per second", "%.0f"}
	// Latencies of an open loop, which count from when a request was due.
	colOpenRate     = column{"open_rate", "at rate", "%.0f"}
	colOpenP50      = column{"open_p50_ms", "p50 ms", "%.2f"}
	colOpenP99      = column{"open_p99_ms", "p99 ms", "%.2f"}
	colOpenP999     = column{"open_p999_ms", "p99.9 ms", "%.2f"}
	colOpenLateness = column{"open_late_p99_ms", "sent late p99 ms", "%.2f"}
	// Latencies of a closed loop, in which nothing is sent while the server stalls.
	colClosedP50 = column{"closed_p50_ms", "closed p50 ms", "%.2f"}
	colClosedP99 = column{"closed_p99_ms", "closed p99 ms", "%.2f"}
	// Ratios, each within its run.
	colOfNoop  = column{"of_noop", "of no-op", "%.2f"}
	colOfPairs = column{"of_pairs", "of pairs", "%.2f"}
	colOfLimit = column{"of_limit", "of limit", "%.2f"}

	colBehind  = column{"behind_ms", "behind ms", "%.0f"} // how long the read models needed after the load had stopped
	colRefused = column{"refused", "refused", "%.0f"}     // answers 503
	colLongest = column{"max_ms", "max ms", "%.2f"}

	colTransactions = column{"transactions", "transactions", "%.0f"}
	colAccounts     = column{"accounts", "accounts", "%.0f"}
	colEvents       = column{"events", "events", "%.0f"}
	colSeconds      = column{"seconds", "seconds", "%.2f"}
	colReady        = column{"ready_ms", "ready ms", "%.0f"}
	colFirstAnswer  = column{"first_command_ms", "first command ms", "%.0f"} // from the start as well
	colCaughtUp     = column{"caught_up_ms", "caught up ms", "%.0f"}         // likewise
	colResident     = column{"rss_mib", "RSS MiB", "%.0f"}
	colLiveHeap     = column{"heap_mib", "heap MiB", "%.0f"}
	colEngineEach   = column{"engine_bytes_per_account", "engine B/account", "%.0f"}
	colOnDisk       = column{"disk_mib", "disk MiB", "%.0f"}
	colDiskEach     = column{"disk_bytes_per_transaction", "disk B/tx", "%.0f"}
	colLogEach      = column{"log_bytes_per_transaction", "log B/tx", "%.0f"}
	colViewsEach    = column{"views_bytes_per_transaction", "views B/tx", "%.0f"}
	colBulkRate     = column{"bulk_per_second", "bulk/s", "%.0f"}
	colBulkOfEmpty  = column{"bulk_of_empty", "bulk of empty", "%.2f"}
	colPostOfEmpty  = column{"post_of_empty", "post of empty", "%.2f"}
	colPostRate     = column{"post_per_second", "post/s", "%.0f"}
	colPostOfFirst  = column{"post_of_first", "of the first", "%.2f"}
	colBulkThrough  = column{"bulk_in_read_models_per_second", "in read models/s", "%.0f"}
	colHandOver     = column{"hand_over_ms", "hand-over ms", "%.0f"}
	colSeenP50      = column{"seen_p50_ms", "seen p50 ms", "%.2f"}
	colSeenP99      = column{"seen_p99_ms", "seen p99 ms", "%.2f"}
)

// row is a line of a report: what was measured, and its figures in the order of the columns.
type row struct {
	name    string
	figures []figure
}

type figure struct {
	column

	value float64
}

func (r *row) set(c column, value float64) {
	if i := r.find(c); i >= 0 {
		r.figures[i].value = value
		return
	}
	r.figures = append(r.figures, figure{c, value})
}

func (r *row) get(c column) float64 {
	if i := r.find(c); i >= 0 {
		return r.figures[i].value
	}
	return 0
}

func (r *row) find(c column) int {
	return slices.IndexFunc(r.figures, func(f figure) bool { return f.column == c })
}

// setOpen sets the latencies of an open loop.
func (r *row) setOpen(rate float64, result *loadgen.Result) {
	r.set(colOpenRate, rate)
	r.set(colOpenP50, milliseconds(result.Latencies.Percentile(50)))
	r.set(colOpenP99, milliseconds(result.Latencies.Percentile(99)))
	r.set(colOpenP999, milliseconds(result.Latencies.Percentile(99.9)))
	r.set(colOpenLateness, milliseconds(result.Lateness.Percentile(99)))
	r.addRefused(result)
}

// setClosed sets the latencies of a closed loop.
func (r *row) setClosed(result *loadgen.Result) {
	r.set(colClosedP50, milliseconds(result.Latencies.Percentile(50)))
	r.set(colClosedP99, milliseconds(result.Latencies.Percentile(99)))
}

func (r *row) addRefused(result *loadgen.Result) {
	if result.Refused > 0 {
		r.set(colRefused, r.get(colRefused)+float64(result.Refused))
	}
}

// ratio is 0 where there is nothing to compare with.
func ratio(of, to float64) float64 {
	if to == 0 {
		return 0
	}
	return of / to
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

const mib = 1 << 20

// medians folds several runs, each with the same rows in the same order, into one.
func medians(runs [][]row) []row {
	folded := make([]row, len(runs[0]))
	for i := range folded {
		folded[i].name = runs[0][i].name
		for _, run := range runs {
			for _, f := range run[i].figures {
				folded[i].set(f.column, median(runs, i, f.column))
			}
		}
	}
	return folded
}

// median is that of the runs that have the figure: one that is seldom there, such as of refusals, is not lost.
func median(runs [][]row, i int, c column) float64 {
	var values []float64
	for _, run := range runs {
		if run[i].find(c) >= 0 {
			values = append(values, run[i].get(c))
		}
	}
	slices.SortFunc(values, cmp.Compare[float64])
	return values[len(values)/2]
}
