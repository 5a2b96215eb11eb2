package views

import (
	"errors"
	"fmt"
	"strings"
)

// errPartialRow: not all rows that were to be written have all columns.
var errPartialRow = errors.New("a row lacks columns")

// Bulk writes many rows of one shape with one statement.
type Bulk struct {
	text  string
	width int
	// exact bulks are of rows that must be there.
	exact bool
}

// Insert writes rows that are not there yet.
func Insert(table string, columns []string) Bulk {
	return Bulk{
		text: "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") SELECT " + batchList(len(columns)) +
			" FROM " + batchTable,
		width: len(columns),
	}
}

// Replace writes whole rows that may be there already under the same key, and then take their place. Unlike an upsert it
// does not read the columns of what was there.
func Replace(table string, columns []string) Bulk {
	bulk := Insert(table, columns)
	bulk.text = "REPLACE" + strings.TrimPrefix(bulk.text, "INSERT")
	return bulk
}

// Write writes rows, given one after the other as the values of their columns: an int64, a string, a bool or nil each.
func (b Bulk) Write(tx *Tx, values []any) error {
	if err := tx.wait(); err != nil {
		return err
	}
	return b.write(tx, values)
}

func (b Bulk) write(tx *Tx, values []any) error {
	if len(values) == 0 {
		return nil
	}
	if len(values)%b.width != 0 {
		return fmt.Errorf("%s: %w", brief(b.text), errPartialRow)
	}
	tx.db.batch.fill(b.width, values)
	defer tx.db.batch.empty()
	changed, err := tx.exec(b.text)
	if err != nil {
		return err
	}
	if b.exact && changed != int64(len(values)/b.width) {
		return fmt.Errorf("%s: %w", brief(b.text), errNoRow)
	}
	return nil
}

// In is the text "(?, ?, …)" for n values.
func In(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")" }
