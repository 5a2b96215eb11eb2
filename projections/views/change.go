package views

import (
	"errors"
	"strings"
)

// errNoRow: a row that was to be changed or deleted is not there.
var errNoRow = errors.New("a row that the log says is there is missing")

// Delete removes rows that are there, each given by its key.
func Delete(table string, key []string) Bulk {
	return Bulk{
		action: deleting, table: table, key: key,
		text: "DELETE FROM " + table + " WHERE (" + strings.Join(key, ", ") + ") IN (SELECT " + batchList(len(key)) +
			" FROM " + batchTable + ")",
	}
}

// Changes gathers what a batch changes in rows that are there, to write it with few statements. Where a row is changed
// several times the last one counts.
type Changes struct {
	bulk   Bulk
	keys   int
	at     map[[2]any]int
	values []any
}

// NewChanges changes the columns of rows that are found by a key of one or two columns.
func NewChanges(table string, key, columns []string) *Changes {
	bulk := Bulk{
		action: updating, table: table, key: key, columns: columns,
		text: "UPDATE " + table + " SET " + equalities(columns, len(key), ", ") + " FROM " + batchTable + " AS v WHERE " +
			equalities(key, 0, " AND "),
	}
	return &Changes{bulk: bulk, keys: len(key), at: make(map[[2]any]int)}
}

// equalities are the columns, each with "=" and a column of the batch, which is called v; the first of these is given by its
// number.
func equalities(columns []string, first int, between string) string {
	texts := make([]string, len(columns))
	for i, column := range columns {
		texts[i] = column + " = v." + batchColumn(first+i)
	}
	return strings.Join(texts, between)
}

// Set notes the new values of a row: those of its key, then those of the columns.
func (c *Changes) Set(values ...any) {
	var key [2]any
	copy(key[:], values[:c.keys])
	if i, found := c.at[key]; found {
		copy(c.values[i:], values)
		return
	}
	c.at[key] = len(c.values)
	c.values = append(c.values, values...)
}

// Write changes the rows, and forgets what was noted. It fails where one of them is not there.
func (c *Changes) Write(tx *Tx) error {
	defer c.Reset()
	return c.bulk.Write(tx, c.values)
}

// Reset forgets what was noted.
func (c *Changes) Reset() {
	clear(c.at)
	clear(c.values)
	c.values = c.values[:0]
}
