package views

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/internal/postgres"
)

// plan is how a bulk is written: the rows are the arguments of a statement, an array for each column, or are copied into the
// table where they are many and new.
type plan struct {
	// texts tells, of each value of a row, whether its column is of texts; the others are of integers.
	texts []bool
	// number is the column of a table that numbers its rows, if the bulk leaves it out.
	number string
	// statement takes the number before the first row's, if it numbers, and then the arrays.
	statement string
	// copying is for rows in PostgreSQL's binary format; empty where rows are not new.
	copying string
}

// copiedLeast is how many rows are worth a COPY, which takes two round trips more.
const copiedLeast = 32

// write implements [backend].
func (p *postgreSQL) write(tx *Tx, bulk *Bulk, values []any) (int64, error) {
	plan, err := p.plan(tx, bulk)
	if err != nil {
		return 0, err
	}
	rows := len(values) / bulk.width()
	if bulk.action == inserting || bulk.action == replacing {
		if err := p.wrote(tx, bulk.table, rows); err != nil {
			return 0, err
		}
	}
	var last int64 // the number of the row before the first
	if plan.number != "" {
		if last, err = p.count(tx, bulk.table, plan.number, rows); err != nil {
			return 0, err
		}
	}
	if plan.copying != "" && rows >= copiedLeast {
		return p.copy(plan, values, last)
	}
	args := make([]any, 0, bulk.width()+1)
	if plan.number != "" {
		args = append(args, last)
	}
	for i, texts := range plan.texts {
		args = append(args, column{values: values[i:], width: bulk.width(), rows: rows, texts: texts})
	}
	return tx.exec(plan.statement, args...)
}

// count gives rows of a table their numbers, which go on from the largest there is: that before the first.
func (p *postgreSQL) count(tx *Tx, table, number string, rows int) (last int64, err error) {
	last, known := p.largest[table]
	if !known {
		last, err = tx.largest(table, number)
	}
	p.largest[table] = last + int64(rows)
	return last, err
}

// copy writes new rows.
func (p *postgreSQL) copy(plan *plan, values []any, last int64) (copied int64, err error) {
	text, err := plan.binary(values, last)
	if err != nil {
		return 0, err
	}
	err = p.raw(func(conn *pgconn.PgConn) error {
		tag, err := conn.CopyFrom(context.Background(), bytes.NewReader(text), plan.copying)
		copied = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", brief(plan.copying), err)
	}
	return copied, nil
}

// binary writes rows in the binary format of COPY: a header, of each row the number of its values and each value after its
// length, and an end.
func (plan *plan) binary(values []any, last int64) (dst []byte, err error) {
	const header, none = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00", 0xffff_ffff
	dst = append(make([]byte, 0, 16*len(values)), header...)
	columns := len(plan.texts)
	if plan.number != "" {
		columns++
	}
	for row := range slices.Chunk(values, len(plan.texts)) {
		dst = binary.BigEndian.AppendUint16(dst, uint16(columns))
		if plan.number != "" {
			last++
			dst = appendInteger(dst, last)
		}
		for i, value := range row {
			switch v := integer(value).(type) {
			case nil:
				dst = binary.BigEndian.AppendUint32(dst, none)
			case int64:
				if plan.texts[i] {
					dst = appendSized(dst, func(dst []byte) []byte { return strconv.AppendInt(dst, v, 10) })
				} else {
					dst = appendInteger(dst, v)
				}
			case string:
				dst = appendSized(dst, func(dst []byte) []byte { return postgres.AppendText(dst, v) })
			default:
				return nil, fmt.Errorf("%s: a value of type %T", brief(plan.copying), value)
			}
		}
	}
	return binary.BigEndian.AppendUint16(dst, 0xffff), nil
}

func appendInteger(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, 8), uint64(n))
}

// appendSized appends what write appends, after its length.
func appendSized(dst []byte, write func([]byte) []byte) []byte {
	at := len(dst)
	dst = write(append(dst, 0, 0, 0, 0))
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// integer makes an integer of a bool.
func integer(value any) any {
	if is, ok := value.(bool); ok {
		if is {
			return int64(1)
		}
		return int64(0)
	}
	return value
}

// column is a column of rows that stand one after the other, as an array.
type column struct {
	values []any // from its first on
	width  int
	rows   int
	texts  bool
}

// Dimensions implements [pgtype.ArrayGetter].
func (c column) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(c.rows), LowerBound: 1}}
}

// Index implements [pgtype.ArrayGetter].
func (c column) Index(i int) any {
	switch v := integer(c.values[i*c.width]).(type) {
	case int64:
		if c.texts {
			return strconv.FormatInt(v, 10)
		}
		return v
	case string:
		return postgres.Stored(v)
	default:
		return v
	}
}

// IndexType implements [pgtype.ArrayGetter].
func (c column) IndexType() any {
	if c.texts {
		return ""
	}
	return int64(0)
}

// plan is made once for each bulk, of what the database says of its table.
func (p *postgreSQL) plan(tx *Tx, bulk *Bulk) (*plan, error) {
	if made, found := p.plans[bulk.text]; found {
		return made, nil
	}
	texts, key, err := describe(tx, bulk.table)
	if err != nil {
		return nil, err
	}
	made := &plan{}
	for _, name := range slices.Concat(bulk.key, bulk.columns) {
		is, known := texts[name]
		if !known {
			return nil, fmt.Errorf("table %s has no column %s", bulk.table, name)
		}
		made.texts = append(made.texts, is)
	}
	if len(key) == 1 && bulk.action == inserting && !slices.Contains(bulk.columns, key[0]) {
		made.number = key[0]
	}
	made.write(bulk, key)
	p.plans[bulk.text] = made
	return made, nil
}

// describe tells of each column of a table whether it is of texts, and which are the primary key's.
func describe(tx *Tx, table string) (texts map[string]bool, key []string, err error) {
	texts = make(map[string]bool)
	err = tx.query(`SELECT a.attname, a.atttypid = CAST('text' AS regtype), coalesce(a.attnum = ANY (i.indkey), false)
		FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
		WHERE a.attrelid = to_regclass(?) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
		[]any{table}, func(rows *sqlx.Rows) error {
			var name string
			var isText, isKey bool
			if err := rows.Scan(&name, &isText, &isKey); err != nil {
				return fmt.Errorf("read a column: %w", err)
			}
			texts[name] = isText
			if isKey {
				key = append(key, name)
			}
			return nil
		})
	return texts, key, err
}

// write makes the statements.
func (plan *plan) write(bulk *Bulk, key []string) {
	arrays := make([]string, len(plan.texts))
	for i, isText := range plan.texts {
		arrays[i] = "CAST(? AS bigint[])"
		if isText {
			arrays[i] = "CAST(? AS text[])"
		}
	}
	from := "unnest(" + strings.Join(arrays, ", ") + ")"
	as := " AS v (" + batchList(len(arrays)) + ")"
	columns := strings.Join(bulk.columns, ", ")
	switch bulk.action {
	case updating:
		plan.statement = "UPDATE " + bulk.table + " SET " + equalities(bulk.columns, len(bulk.key), ", ") + " FROM " + from + as +
			" WHERE " + equalities(bulk.key, 0, " AND ")
	case deleting:
		plan.statement = "DELETE FROM " + bulk.table + " USING " + from + as + " WHERE " + equalities(bulk.key, 0, " AND ")
	case replacing:
		plan.statement = "INSERT INTO " + bulk.table + " (" + columns + ") SELECT * FROM " + from +
			" ON CONFLICT (" + strings.Join(key, ", ") + ") DO UPDATE SET " + excluded(bulk.columns, key)
	case inserting:
		list, numbers := columns, ""
		if plan.number != "" {
			list = plan.number + ", " + columns
			from += " WITH ORDINALITY"
			as = " AS v (" + batchList(len(arrays)) + ", n)"
			numbers = "? + v.n, "
		}
		plan.statement = "INSERT INTO " + bulk.table + " (" + list + ") SELECT " + numbers + batchList(len(arrays)) + " FROM " + from + as
		plan.copying = "COPY " + bulk.table + " (" + list + ") FROM STDIN (FORMAT binary)"
	}
}

// excluded sets the columns that are not the key's to those of the row that could not be inserted.
func excluded(columns, key []string) string {
	var sets []string
	for _, column := range columns {
		if !slices.Contains(key, column) {
			sets = append(sets, column+" = excluded."+column)
		}
	}
	return strings.Join(sets, ", ")
}
