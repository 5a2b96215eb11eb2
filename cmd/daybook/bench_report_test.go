package main

import (
	"strings"
	"testing"
)

func rowOf(name string, figures ...figure) row { return row{name: name, figures: figures} }

func TestMediansOfRuns(t *testing.T) {
	run := func(rate, waits float64, more ...figure) []row {
		return []row{rowOf("a", append([]figure{{colPerSecond, rate}, {colBehind, waits}}, more...)...)}
	}
	folded := medians([][]row{run(10, 3), run(30, 1, figure{colRefused, 7}), run(20, 2)})
	for c, want := range map[column]float64{colPerSecond: 20, colBehind: 2, colRefused: 7} {
		if got := folded[0].get(c); got != want {
			t.Errorf("%s is %v, want %v", c.head, got, want)
		}
	}
}

// TestTables: a row that has nothing in common with the one before begins a table of its own.
func TestTables(t *testing.T) {
	report := fullReport{Benchmarks: []section{{Command: "daybook bench x", Runs: 3, Rows: []row{
		rowOf("a", figure{colPerSecond, 1234.6}),
		rowOf("b", figure{colPerSecond, 2}, figure{colOfNoop, 0.5}),
		rowOf("c", figure{colReady, 0}),
	}}}}
	var table strings.Builder
	if err := report.tables(&table); err != nil {
		t.Fatal(err)
	}
	equal(t, "the tables", table.String(), ""+
		"  medians of 3  per second  of no-op\n"+
		"             a        1235         -\n"+
		"             b           2      0.50\n"+
		"  medians of 3  ready ms\n"+
		"             c         0\n")
	_, markdown, _ := strings.Cut(string(report.markdown()), "\n\n")
	equal(t, "the Markdown", markdown, "`daybook bench x`\n\n"+
		"| medians of 3 | per second | of no-op |\n|---|---:|---:|\n| a | 1235 | - |\n| b | 2 | 0.50 |\n\n"+
		"| medians of 3 | ready ms |\n|---|---:|\n| c | 0 |\n")
	text := strings.Join(strings.Fields(string(report.json())), "")
	if want := `"rows":[{"name":"a","per_second":1234.6},{"name":"b","per_second":2,"of_noop":0.5},{"name":"c","ready_ms":0}]`; !strings.Contains(text, want) {
		t.Errorf("%s is not in %s", want, text)
	}
}
