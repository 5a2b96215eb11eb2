package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/daybook-ledger/daybook/eventstore"
)

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
	if from >= eventstore.Revision(at.next) {
		return nil
	}
	p := pager{store: s, ctx: ctx, size: firstPageBytes}
	for next := int64(from); next < at.next; {
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
	c.row = int64(min(row, math.MaxInt64-1))
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
		if goOn, err := c.yieldAll(rows, yield); err != nil || !goOn {
			return false, err
		}
	}
	return true, nil
}

// yieldAll yields the records of the rows that come next, and moves the cursor behind them.
func (c *cursor) yieldAll(rows []storedRow, yield func(eventstore.Recorded) bool) (bool, error) {
	for _, row := range rows {
		if row.position > c.row {
			c.item = 0
		}
		if goOn, err := c.yield(row, c.item, yield); err != nil || !goOn {
			return false, err
		}
		c.row, c.item = row.position+1, 0
	}
	return true, nil
}
