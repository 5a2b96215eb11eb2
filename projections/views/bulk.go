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
	action  action
	table   string
	key     []string
	columns []string
	// text is the statement for SQLite, by which a bulk is also known. It reads the rows from the batch.
	text string
}

// action is what a bulk does with its rows.
type action uint8

const (
	inserting action = iota
	replacing
	updating
	deleting
)

// Insert writes rows that are not there yet.
func Insert(table string, columns []string) Bulk {
	return Bulk{
		action: inserting, table: table, columns: columns,
		text: "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") SELECT " + batchList(len(columns)) +
			" FROM " + batchTable,
	}
}

// Replace writes whole rows that may be there already under the same key, and then take their place. Unlike an upsert it
// does not read the columns of what was there. No two of the rows have the same key.
func Replace(table string, columns []string) Bulk {
	bulk := Insert(table, columns)
	bulk.action, bulk.text = replacing, "REPLACE"+strings.TrimPrefix(bulk.text, "INSERT")
	return bulk
}

// width is how many values a row has: its key's, then those of the columns.
func (b Bulk) width() int { return len(b.key) + len(b.columns) }

// exact tells whether the rows are of ones that must be there.
func (b Bulk) exact() bool { return b.action == updating || b.action == deleting }

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
	if len(values)%b.width() != 0 {
		return fmt.Errorf("%s: %w", brief(b.text), errPartialRow)
	}
	changed, err := tx.db.backend.write(tx, &b, values)
	if err != nil {
		return err
	}
	if b.exact() && changed != int64(len(values)/b.width()) {
		return fmt.Errorf("%s: %w", brief(b.text), errNoRow)
	}
	return nil
}

// In is the text "(?, ?, …)" for n values.
func In(n int) string { return "(" + strings.TrimSuffix(strings.Repeat("?, ", n), ", ") + ")" }
