package views

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"

	"modernc.org/sqlite"
	"modernc.org/sqlite/vtab"
)

// batch is rows in memory that SQLite reads as a table, named temp.batch, with the columns c1, c2 and so on. One statement
// thus writes any number of rows without an argument bound for each of their values, which was half of what a row cost.
//
// Each file has one. Its writing connection alone knows it, and fills it for one statement at a time.
type batch struct {
	width  int
	values []any
}

const (
	batchTable   = "temp.batch"
	batchColumns = 24 // as many as what is written from it may have
)

// fill sets the rows, given one after the other as the values of their columns.
func (b *batch) fill(width int, values []any) { b.width, b.values = width, values }

func (b *batch) empty() { b.fill(0, nil) }

// batchColumn is the name of a column, counted from 0.
func batchColumn(i int) string { return "c" + strconv.Itoa(i+1) }

// batchList names the first columns, for a SELECT.
func batchList(count int) string {
	names := make([]string, count)
	for i := range names {
		names[i] = batchColumn(i)
	}
	return strings.Join(names, ", ")
}

// pool opens connections that know the batch. The driver keeps what was registered as long as the process lives.
func (b *batch) pool(dsn string) (*sql.DB, error) {
	c := connector{driver: &sqlite.Driver{}, dsn: dsn}
	if err := c.driver.RegisterModule("batch", module{b}); err != nil {
		return nil, fmt.Errorf("register the table of a batch: %w", err)
	}
	return sql.OpenDB(c), nil
}

type connector struct {
	driver *sqlite.Driver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// module and the cursor below are how SQLite reads a batch: row by row, from the first to the last.
type module struct{ batch *batch }

func (m module) Create(c vtab.Context, args []string) (vtab.Table, error) { return m.Connect(c, args) }

func (m module) Connect(c vtab.Context, _ []string) (vtab.Table, error) {
	return m, c.Declare("CREATE TABLE batch (" + batchList(batchColumns) + ")")
}

// BestIndex makes the batch what a join begins with, so that the rows to be changed are looked up by their keys.
func (m module) BestIndex(info *vtab.IndexInfo) error {
	info.EstimatedCost, info.EstimatedRows = 1, 1
	return nil
}

func (m module) Open() (vtab.Cursor, error) { return &cursor{batch: m.batch}, nil }
func (m module) Disconnect() error          { return nil }
func (m module) Destroy() error             { return nil }

type cursor struct {
	batch *batch
	at    int // of the row's first value
}

func (c *cursor) Filter(int, string, []vtab.Value) error {
	c.at = 0
	return nil
}

func (c *cursor) Next() error {
	c.at += c.batch.width
	return nil
}

func (c *cursor) Eof() bool                        { return c.at >= len(c.batch.values) }
func (c *cursor) Column(i int) (vtab.Value, error) { return c.batch.values[c.at+i], nil }
func (c *cursor) Rowid() (int64, error)            { return int64(c.at), nil }
func (c *cursor) Close() error                     { return nil }
