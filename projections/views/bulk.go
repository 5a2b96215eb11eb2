package views

import (
	"fmt"
	"strings"
)

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
	if len(values) == 0 {
		return nil
	}
	tx.db.batch.fill(b.width, values)
	defer tx.db.batch.empty()
	changed, err := tx.Exec(b.text)
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

// Buffer gathers rows for a bulk and writes some hundreds at a time, which the processor still has at hand then.
type Buffer struct {
	Bulk

	// Values are the rows that are not written yet: whoever adds one appends the values of its columns, and then calls
	// [Buffer.Spill].
	Values []any
}

const bufferedValues = 1 << 12

// Spill writes what has gathered, if that is much.
func (b *Buffer) Spill(tx *Tx) error {
	if len(b.Values) < bufferedValues {
		return nil
	}
	return b.Flush(tx)
}

// Flush writes what has gathered.
func (b *Buffer) Flush(tx *Tx) error {
	err := b.Write(tx, b.Values)
	b.Reset()
	return err
}

// Reset forgets what has gathered.
func (b *Buffer) Reset() {
	clear(b.Values) // not to keep alive what they came from
	b.Values = b.Values[:0]
}
