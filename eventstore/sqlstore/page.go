package sqlstore

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

func openReaders(path string) (*sqlx.DB, error) {
	db, err := sqlx.Open("sqlite", dsn(path, "ro", busyTimeout, "query_only(1)"))
	if err != nil {
		return nil, fmt.Errorf("open the reading connections: %w", err)
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	return db, nil
}

// source reads the rows of a store. No transaction is open while a page of them is handed out: an open one would keep the
// write-ahead log from being emptied.
type source struct{ *Store }

var _ rowlog.Source = source{}

// StreamEnd implements [rowlog.Source].
func (s source) StreamEnd(ctx context.Context, stream string) (next int64, err error) {
	err = s.get(ctx, `SELECT a.first_revision + a.count FROM streams s
		JOIN appends a ON a.stream_id = s.stream_id WHERE s.name = ? ORDER BY a.first_revision DESC LIMIT 1`,
		[]any{stream}, &next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return next, err
}

// StreamRows implements [rowlog.Source]. The first row may begin before from.
func (s source) StreamRows(ctx context.Context, stream string, from, end int64, bytes int) ([]rowlog.Row, error) {
	return s.rows(ctx, bytes, `SELECT a.position, a.stream_id, s.name, a.first_revision, a.count, a.payload
		FROM streams s JOIN appends a ON a.stream_id = s.stream_id
		WHERE s.name = ? AND a.first_revision < ? AND a.first_revision >= coalesce((SELECT max(b.first_revision)
			FROM appends b WHERE b.stream_id = s.stream_id AND b.first_revision <= ?), 0)
		ORDER BY a.first_revision`, stream, end, from)
}

// LogEnd implements [rowlog.Source]. Positions grow in commit order, so that the last one there is will do.
func (s source) LogEnd(ctx context.Context) (end int64, err error) {
	err = s.get(ctx, `SELECT coalesce(max(position), 0) FROM appends`, nil, &end)
	return end, err
}

// LogRows implements [rowlog.Source].
func (s source) LogRows(ctx context.Context, from, end int64, bytes int) ([]rowlog.Row, error) {
	return s.rows(ctx, bytes, `SELECT a.position, a.stream_id, s.name, a.first_revision, a.count, a.payload FROM appends a
		LEFT JOIN streams s ON s.stream_id = a.stream_id
		WHERE a.position BETWEEN ? AND ? ORDER BY a.position`, from, end)
}

// LogRowsBackwards implements [rowlog.Source].
func (s source) LogRowsBackwards(ctx context.Context, last int64, bytes int) ([]rowlog.Row, error) {
	return s.rows(ctx, bytes, `SELECT a.position, a.stream_id, s.name, a.first_revision, a.count, a.payload FROM appends a
		LEFT JOIN streams s ON s.stream_id = a.stream_id
		WHERE a.position <= ? ORDER BY a.position DESC`, last)
}

// Ended implements [rowlog.Source].
func (s source) Ended(ctx context.Context) error { return s.ended(ctx) }

// rows reads rows until they have so many bytes, or there are no more.
func (s source) rows(ctx context.Context, bytes int, query string, args ...any) (page []rowlog.Row, err error) {
	err = s.query(ctx, func(rows *sqlx.Rows) (bool, error) {
		r, err := scanRow(rows)
		page = append(page, r)
		bytes -= len(r.Payload)
		return bytes > 0, err
	}, query, args...)
	return page, err
}

// scanRow reads a row: position, id and name of the stream, first revision, count and payload.
func scanRow(rows *sqlx.Rows) (r rowlog.Row, err error) {
	var streamID int64
	var stream sql.NullString
	err = rows.Scan(&r.Position, &streamID, &stream, &r.FirstRevision, &r.Count, &r.Payload)
	r.Stream, r.Key = stream.String, keyOf(streamID)
	return r, err //nolint:wrapcheck // wrapped by who asked
}

// keyOf is what stands for a stream in the checksums of its rows.
func keyOf(streamID int64) string {
	return string(binary.BigEndian.AppendUint64(make([]byte, 0, 8), uint64(streamID)))
}

// get reads one row.
func (s *Store) get(ctx context.Context, query string, args []any, into ...any) error {
	found := false
	err := s.query(ctx, func(rows *sqlx.Rows) (bool, error) {
		found = true
		return false, rows.Scan(into...)
	}, query, args...)
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

// query gives each row to scan, until that says that it has enough. The read transaction ends with it.
func (s *Store) query(ctx context.Context, scan func(*sqlx.Rows) (bool, error), query string, args ...any) (err error) {
	s.alive.RLock()
	defer s.alive.RUnlock()
	if err := s.ended(ctx); err != nil {
		return err
	}
	rows, err := s.readers.QueryxContext(ctx, query, args...)
	if err == nil {
		goOn := true
		for goOn && err == nil && rows.Next() {
			goOn, err = scan(rows)
		}
		err = errors.Join(err, rows.Err(), rows.Close()) //nolint:sqlclosecheck // scan does not panic, and Close can fail
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() //nolint:wrapcheck // wrapped by the sequence
	default:
		return classify(err)
	}
}

// ended is the reason why a read cannot go on: the store is closed, or the context has ended.
func (s *Store) ended(ctx context.Context) error {
	if s.isClosing() {
		return eventstore.ErrClosed
	}
	return ctx.Err() //nolint:wrapcheck // wrapped by the sequence
}
