package views

import (
	"strconv"
	"strings"
)

// Table is a read model's table. Each generation of the read model has its own, named after the generation, and the SQL
// view of the plain name shows the live one.
type Table struct {
	Name    string
	Columns []Column
	// Key is the primary key: the order in which rows are stored.
	Key []string
	// RowID says that the key is one integer, by which the database itself numbers rows. Such a table is the quickest to
	// append to, and in SQLite its indexes name a row by that number alone.
	RowID   bool
	Indexes []Index
}

// Column is a column: its name and its type in SQL, such as "TEXT NOT NULL". There are INTEGER and TEXT.
type Column struct{ Name, Type string }

// Index is an index beside the primary key. Where is empty, or the condition of a partial index.
type Index struct {
	Columns []string
	Unique  bool
	Where   string
	// Sparse says that only few rows meet the condition. Such an index is kept while a generation is being filled; the
	// others are made afterwards, which is cheaper than to keep them, but reads the table once for each.
	Sparse bool
}

// Of is the table's name in a generation, such as "entries_3".
func (t Table) Of(generation int64) string { return t.Name + "_" + strconv.FormatInt(generation, 10) }

// Names are those of the columns, in order.
func (t Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		names[i] = column.Name
	}
	return names
}

// create makes the table, with its sparse indexes.
func (t Table) create(in *dialect, generation int64) []string {
	var text strings.Builder
	text.WriteString("CREATE TABLE " + t.Of(generation) + " (")
	for _, column := range t.Columns {
		text.WriteString(column.Name + " " + column.Type + ", ")
	}
	text.WriteString("PRIMARY KEY (" + strings.Join(t.Key, ", ") + "))")
	if !t.RowID { // its rows are stored in the order of its key
		text.WriteString(" WITHOUT ROWID")
	}
	return append([]string{in.define.Replace(text.String())}, t.indexes(generation, true)...)
}

// complete makes the other indexes.
func (t Table) complete(in *dialect, generation int64) []string {
	texts := t.indexes(generation, false)
	if in.measure != "" {
		texts = append(texts, in.measure+t.Of(generation))
	}
	return texts
}

func (t Table) indexes(generation int64, sparse bool) []string {
	var texts []string
	for i, index := range t.Indexes {
		if index.Sparse != sparse {
			continue
		}
		kind := "INDEX "
		if index.Unique {
			kind = "UNIQUE INDEX "
		}
		text := "CREATE " + kind + t.Of(generation) + "_" + strconv.Itoa(i+1) +
			" ON " + t.Of(generation) + " (" + strings.Join(index.Columns, ", ") + ")"
		if index.Where != "" {
			text += " WHERE " + index.Where
		}
		texts = append(texts, text)
	}
	return texts
}

func (t Table) drop(generation int64) string { return "DROP TABLE IF EXISTS " + t.Of(generation) }

// show makes the view of the plain name show a generation.
func (t Table) show(generation int64) []string {
	return []string{
		"DROP VIEW IF EXISTS " + t.Name,
		"CREATE VIEW " + t.Name + " AS SELECT " + strings.Join(t.Names(), ", ") + " FROM " + t.Of(generation),
	}
}
