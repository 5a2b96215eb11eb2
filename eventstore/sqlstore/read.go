package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
)

// A page is what is read in one go: whole rows, up to a sum of payload bytes. The first pages are small, for those who
// want one record. No transaction is open while a page is handed out, however slow whoever takes it: an open one would
// keep the write-ahead log from being emptied.
const (
	firstPageBytes = 64 << 10
	maxPageBytes   = 4 << 20
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

// ReadStream implements [eventstore.Store]. While the outcome of an append is not settled it fails with ErrUnavailable,
// because a record that it does not show might still turn up.
func (s *Store) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		err := s.readStream(ctx, stream, from, func(r eventstore.Recorded) bool { return yield(r, nil) })
		if err != nil {
			yield(eventstore.Recorded{}, fmt.Errorf("read stream %q: %w", stream, err))
		}
	}
}

func (s *Store) readStream(
	ctx context.Context, stream string, from eventstore.Revision, yield func(eventstore.Recorded) bool,
) error {
	if s.unsettled.Load() {
		return fmt.Errorf("%w: the outcome of an append is not settled", eventstore.ErrUnavailable)
	}
	var at head
	err := s.get(ctx, `SELECT s.stream_id, a.first_revision + a.count FROM streams s
		JOIN appends a ON a.stream_id = s.stream_id WHERE s.name = ? ORDER BY a.first_revision DESC LIMIT 1`,
		[]any{stream}, &at.streamID, &at.next)
	if errors.Is(err, sql.ErrNoRows) {
		return eventstore.ErrStreamNotFound
	}
	if err != nil {
		return err
	}
	if from >= eventstore.Revision(at.next) { //nolint:gosec // not negative
		return nil
	}
	p := pager{store: s, ctx: ctx, size: firstPageBytes}
	for next := int64(from); next < at.next; { //nolint:gosec // below at.next
		// The first row may begin before from.
		rows, err := p.page(`SELECT position, stream_id, ?, first_revision, count, payload FROM appends
			WHERE stream_id = ? AND first_revision < ? AND first_revision >= coalesce((SELECT max(first_revision)
				FROM appends WHERE stream_id = ? AND first_revision <= ?), 0)
			ORDER BY first_revision`, stream, at.streamID, at.next, at.streamID, next)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("%w: revision %d is missing", eventstore.ErrCorrupt, next)
		}
		for _, row := range rows {
			if row.firstRevision > next || row.firstRevision+row.count <= next {
				return fmt.Errorf("%w: revision %d is missing: row %d begins with %d",
					eventstore.ErrCorrupt, next, row.position, row.firstRevision)
			}
			if goOn, err := p.yield(row, next-row.firstRevision, yield); err != nil || !goOn {
				return err
			}
			next = row.firstRevision + row.count
		}
	}
	return nil
}

// ReadAll implements [eventstore.Store].
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		c := newCursor(s, ctx, after)
		_, err := c.drain(func(r eventstore.Recorded) bool { return yield(r, nil) })
		if err != nil {
			yield(eventstore.Recorded{}, fmt.Errorf("read the log: %w", err))
		}
	}
}

// cursor is a place in the whole log: the next record is the item-th of the row, if there is one.
type cursor struct {
	pager

	row, item int64
}

func newCursor(s *Store, ctx context.Context, after eventstore.Position) *cursor { //nolint:revive // of one loop
	row, item := after.Parts()
	c := &cursor{pager: pager{store: s, ctx: ctx, size: firstPageBytes}}
	c.row = int64(min(row, math.MaxInt64-1)) //nolint:gosec // bounded
	c.item = int64(min(item, math.MaxInt32)) + 1
	return c
}

// drain yields all records from the cursor to the end as it is now, and moves the cursor there. It tells whether to go
// on: false after yield has returned false.
func (c *cursor) drain(yield func(eventstore.Recorded) bool) (bool, error) {
	var end int64
	if err := c.store.get(c.ctx, `SELECT coalesce(max(position), 0) FROM appends`, nil, &end); err != nil {
		return false, err
	}
	for c.row <= end {
		rows, err := c.page(`SELECT a.position, a.stream_id, s.name, a.first_revision, a.count, a.payload FROM appends a
			LEFT JOIN streams s ON s.stream_id = a.stream_id
			WHERE a.position BETWEEN ? AND ? ORDER BY a.position`, c.row, end)
		if err != nil {
			return false, err
		}
		if len(rows) == 0 {
			return true, nil
		}
		for _, row := range rows {
			if row.position > c.row {
				c.item = 0
			}
			if goOn, err := c.yield(row, c.item, yield); err != nil || !goOn {
				return false, err
			}
			c.row, c.item = row.position+1, 0
		}
	}
	return true, nil
}

// pager reads pages for one loop over a sequence.
type pager struct {
	store *Store
	ctx   context.Context //nolint:containedctx // lives as long as the loop
	size  int             // of the next page
	types names
}

// storedRow is a row with all its columns.
type storedRow struct {
	position, streamID   int64
	stream               sql.NullString
	firstRevision, count int64
	payload              []byte
}

// page reads rows until they have the page's size, or there are no more.
func (p *pager) page(query string, args ...any) (page []storedRow, err error) {
	bytes := 0
	err = p.store.query(p.ctx, func(rows *sqlx.Rows) (bool, error) {
		var r storedRow
		err := rows.Scan(&r.position, &r.streamID, &r.stream, &r.firstRevision, &r.count, &r.payload)
		page = append(page, r)
		bytes += len(r.payload)
		return bytes < p.size, err //nolint:wrapcheck // wrapped by query
	}, query, args...)
	p.size = min(2*p.size, maxPageBytes)
	return page, err
}

// yield hands out the records of a row from the item-th, and tells whether to go on.
func (p *pager) yield(row storedRow, item int64, yield func(eventstore.Recorded) bool) (bool, error) {
	corrupt := func(err error) error {
		return fmt.Errorf("%w: row %d (stream %q, id %d, revision %d and %d more): %w", eventstore.ErrCorrupt,
			row.position, row.stream.String, row.streamID, row.firstRevision, row.count-1, err)
	}
	if !row.stream.Valid {
		return false, corrupt(errors.New("no stream has this id"))
	}
	records, err := openPayload(row.payload, row.streamID, row.firstRevision, int(row.count))
	if err != nil {
		return false, corrupt(err)
	}
	for i := range row.count {
		record, err := records.next(&p.types)
		if err != nil {
			return false, corrupt(err)
		}
		if i < item {
			continue
		}
		if err := p.store.ended(p.ctx); err != nil {
			return false, err
		}
		if !yield(eventstore.Recorded{
			Record:   record,
			Stream:   row.stream.String,
			Revision: eventstore.Revision(row.firstRevision + i),              //nolint:gosec // not negative
			Position: eventstore.NewPosition(uint64(row.position), uint64(i)), //nolint:gosec // not negative
		}) {
			return false, nil
		}
	}
	if len(records.rest) > 0 {
		return false, corrupt(fmt.Errorf("%d bytes after the last record", len(records.rest)))
	}
	return true, nil
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
		err = errors.Join(err, rows.Err(), rows.Close())
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
