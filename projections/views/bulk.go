package views

import (
	"fmt"
	"strings"
)

// Bulk writes many rows of one shape with few statements.
type Bulk struct {
	head, row, tail string
	width           int
	// exact bulks are of rows that must be there.
	exact bool
}

// bulkRows are the numbers of rows that one statement writes, so that few statements have to be kept prepared. Beyond a
// hundred the gain is small, and SQLite's parser gets slow.
var bulkRows = [...]int{100, 10, 1} //nolint:gochecknoglobals // a constant table

// Insert writes rows that are not there yet.
func Insert(table string, columns []string) Bulk {
	return Bulk{
		head:  "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ",
		row:   "(" + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")",
		width: len(columns),
	}
}

// Upsert writes rows that may be there already under the same key, and then takes their place.
func Upsert(table string, columns, key []string) Bulk {
	bulk := Insert(table, columns)
	var sets []string
	for _, column := range columns[len(key):] {
		sets = append(sets, column+" = excluded."+column)
	}
	bulk.tail = " ON CONFLICT (" + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ")
	return bulk
}

// Write writes rows, given one after the other as the values of their columns.
func (b Bulk) Write(tx *Tx, values []any) error {
	for _, rows := range bulkRows {
		text := ""
		for size := rows * b.width; len(values) >= size; values = values[size:] {
			if text == "" {
				text = b.text(rows)
			}
			changed, err := tx.Exec(text, values[:size]...)
			if err != nil {
				return err
			}
			if b.exact && changed != int64(rows) {
				return fmt.Errorf("%s: %w", brief(text), errNoRow)
			}
		}
	}
	return nil
}

func (b Bulk) text(rows int) string {
	return b.head + strings.TrimSuffix(strings.Repeat(b.row+", ", rows), ", ") + b.tail
}

// In is the text "(?, ?, …)" for n values.
func In(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")" }
