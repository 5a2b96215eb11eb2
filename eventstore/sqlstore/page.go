package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
			Revision: eventstore.Revision(row.firstRevision + i),
			Position: eventstore.NewPosition(uint64(row.position), uint64(i)),
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
