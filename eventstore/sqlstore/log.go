package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// Log is the file of a store, opened to see what is in it. A server may be running on it. Nothing in it is changed, and
// what is damaged is given with the damage, so that all of it can be told, where a [Store] stops at the first.
type Log struct{ db *sqlx.DB }

// OpenLog opens the file at path, which has to be there.
func OpenLog(ctx context.Context, path string) (*Log, error) {
	l, err := openLog(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open event store %s: %w", path, err)
	}
	return l, nil
}

func openLog(ctx context.Context, path string) (*Log, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // wrapped by OpenLog
	}
	if err := checkPresent(path); err != nil {
		return nil, err
	}
	source := dsn(path, "ro", busyTimeout, "query_only(1)")
	for {
		db, err := sqlx.Open("sqlite", source)
		if err != nil {
			return nil, err //nolint:wrapcheck // wrapped by OpenLog
		}
		if err = checkFormat(ctx, db); err == nil {
			return &Log{db: db}, nil
		}
		err = errors.Join(err, db.Close())
		if strings.HasSuffix(source, immutable) || !isForbidden(err) || hasWAL(path) {
			return nil, err
		}
		source += immutable
	}
}

// immutable tells SQLite that nobody writes to a file. It then needs no room beside it for what readers and writers share,
// which on read-only media there is not. Without a write-ahead log there is no writer.
const immutable = "&immutable=1"

func hasWAL(path string) bool {
	info, err := os.Stat(path + "-wal")
	return !errors.Is(err, fs.ErrNotExist) && (err != nil || info.Size() > 0)
}

// Close ends the connections.
func (l *Log) Close() error { return l.db.Close() }

// All yields what the log has after a position, in commit order and in pieces, up to the end as it is when it gets there.
// Rows that are missing between others are a chunk of no stream, which tells so when it is opened. An error ends it.
func (l *Log) All(ctx context.Context, after eventstore.Position) iter.Seq2[[]eventstore.Chunk, error] {
	return func(yield func([]eventstore.Chunk, error) bool) {
		row, _ := after.Parts()
		at := int64(min(row, math.MaxInt64-1))
		for {
			rows, err := l.read(ctx, `a.position > ? ORDER BY a.position`, at)
			chunks := make([]eventstore.Chunk, 0, len(rows))
			for i, chunk := range rowlog.Chunks(rows) {
				if from, to := at+1, rows[i].Position-1; from <= to { // positions are given out one after the other
					chunks = append(chunks, missing(from, to))
				}
				at = rows[i].Position
				chunks = append(chunks, chunk)
			}
			if !hand(yield, chunks, err) {
				return
			}
		}
	}
}

// Stream is All of one stream: the chunks that begin at a revision or after it.
func (l *Log) Stream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[[]eventstore.Chunk, error] {
	return func(yield func([]eventstore.Chunk, error) bool) {
		next := int64(min(from, math.MaxInt64))
		for {
			rows, err := l.read(ctx, `a.stream_id = (SELECT stream_id FROM streams WHERE name = ?)
				AND a.first_revision >= ? ORDER BY a.first_revision`, stream, next)
			if !hand(yield, rowlog.Chunks(rows), err) {
				return
			}
			next = rows[len(rows)-1].FirstRevision + 1
		}
	}
}

// hand yields what was read, and tells whether to read on.
func hand(yield func([]eventstore.Chunk, error) bool, chunks []eventstore.Chunk, err error) bool {
	if len(chunks) > 0 && !yield(chunks, nil) {
		return false
	}
	if err != nil {
		yield(nil, fmt.Errorf("read the log: %w", err))
	}
	return err == nil && len(chunks) > 0
}

func missing(from, to int64) eventstore.Chunk {
	what := fmt.Errorf("row %d of the log is missing", from)
	if to > from {
		what = fmt.Errorf("rows %d to %d of the log are missing", from, to)
	}
	return eventstore.Chunk{Last: eventstore.NewPosition(uint64(to), 0), Open: func(dst []eventstore.Recorded) ([]eventstore.Recorded, error) {
		return dst, what
	}}
}

// logPageBytes is how much is read together: enough to be worth a goroutine's while.
const logPageBytes = 1 << 20

// read reads a page. With an error it gives the rows before that.
func (l *Log) read(ctx context.Context, which string, args ...any) (page []rowlog.Row, err error) {
	rows, err := l.db.QueryxContext(ctx, `SELECT a.position, a.stream_id, s.name, a.first_revision, a.count, a.payload
		FROM appends a LEFT JOIN streams s ON s.stream_id = a.stream_id WHERE `+which, args...)
	if err != nil {
		return nil, ended(ctx, err)
	}
	defer func() { _ = rows.Close() }() // nothing was written, and Err tells what was not read
	for bytes := 0; bytes < logPageBytes && rows.Next(); {
		r, err := scanRow(rows)
		if err != nil {
			return page, ended(ctx, err)
		}
		bytes += len(r.Payload) + 1
		page = append(page, r)
	}
	return page, ended(ctx, rows.Err())
}

func ended(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // wrapped by hand
	}
	return classify(err)
}
