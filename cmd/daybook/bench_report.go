package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// section is what one benchmark has to report.
type section struct {
	Command string `json:"command"`
	Runs    int    `json:"runs"`
	Rows    []row  `json:"rows"`
}

// MarshalJSON writes one object, its figures in the order of the columns.
func (r row) MarshalJSON() ([]byte, error) {
	name, err := json.Marshal(r.name)
	if err != nil {
		return nil, err
	}
	out := append([]byte(`{"name":`), name...)
	for _, f := range r.figures {
		out = append(out, `,"`+f.key+`":`...)
		out = strconv.AppendFloat(out, f.value, 'f', -1, 64)
	}
	return append(out, '}'), nil
}

// report writes a table for people or JSON for programs, and the file that was asked for.
func (l *lab) report(out io.Writer, sections []section) error {
	full := fullReport{Machine: thisMachine(), Benchmarks: sections}
	if l.options.Out != "" {
		text := full.markdown()
		if strings.HasSuffix(l.options.Out, ".json") {
			text = full.json()
		}
		if err := os.WriteFile(l.options.Out, text, 0o644); err != nil { //nolint:gosec // a report is for everybody to read
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if l.options.JSON {
		_, err := out.Write(full.json())
		return err
	}
	return full.tables(out)
}

// fullReport is all that can be told of some measurements.
type fullReport struct {
	Machine    machine   `json:"machine"`
	Benchmarks []section `json:"benchmarks"`
}

func (r *fullReport) json() []byte {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(err) // it holds numbers and names
	}
	return append(text, '\n')
}

func (r *fullReport) tables(out io.Writer) error {
	for i, s := range r.Benchmarks {
		if len(r.Benchmarks) > 1 {
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintf(out, "%s\n", s.Command)
		}
		for _, lines := range s.tables() {
			table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
			for _, line := range lines {
				fmt.Fprintln(table, strings.Join(line, "\t")+"\t")
			}
			if err := table.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *fullReport) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(r.Machine.markdown())
	for _, s := range r.Benchmarks {
		fmt.Fprintf(&b, "\n`%s`\n", s.Command)
		for _, lines := range s.tables() {
			b.WriteByte('\n')
			for i, line := range lines {
				fmt.Fprintf(&b, "| %s |\n", strings.Join(line, " | "))
				if i == 0 {
					fmt.Fprintf(&b, "|---|%s\n", strings.Repeat("---:|", len(line)-1))
				}
			}
		}
	}
	return b.Bytes()
}

// tables are the cells of one or several tables, each with a head and a line for each row. A row that has no figure in
// common with the one before it begins a table of its own.
func (s *section) tables() [][][]string {
	var tables [][][]string
	for start := 0; start < len(s.Rows); {
		end := start + 1
		for end < len(s.Rows) && s.Rows[end].comparesWith(&s.Rows[end-1]) {
			end++
		}
		tables = append(tables, s.cells(s.Rows[start:end]))
		start = end
	}
	return tables
}

func (r *row) comparesWith(other *row) bool {
	return slices.ContainsFunc(r.figures, func(f figure) bool { return other.find(f.column) >= 0 })
}

// cells: a column stands where it was first set, and has a dash where a row lacks it.
func (s *section) cells(rows []row) [][]string {
	columns := columnsOf(rows)
	head := []string{""}
	if s.Runs > 1 {
		head[0] = fmt.Sprintf("medians of %d", s.Runs)
	}
	for _, c := range columns {
		head = append(head, c.head)
	}
	lines := [][]string{head}
	for i := range rows {
		r := &rows[i]
		line := []string{r.name}
		for _, c := range columns {
			cell := "-"
			if r.find(c) >= 0 {
				cell = fmt.Sprintf(c.format, r.get(c))
			}
			line = append(line, cell)
		}
		lines = append(lines, line)
	}
	return lines
}

func columnsOf(rows []row) []column {
	var columns []column
	for _, r := range rows {
		for _, f := range r.figures {
			if !slices.Contains(columns, f.column) {
				columns = append(columns, f.column)
			}
		}
	}
	return columns
}
