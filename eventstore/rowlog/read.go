package rowlog

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/daybook-ledger/daybook/eventstore"
)

// ReadStream is [eventstore.Store.ReadStream] over the rows of a source.
func ReadStream(
	ctx context.Context, source Source, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		err := readStream(ctx, source, stream, from, func(r eventstore.Recorded) bool { return yield(r, nil) })
		if err != nil {
			yield(eventstore.Recorded{}, fmt.Errorf("read stream %q: %w", stream, err))
		}
	}
}

func readStream(
	ctx context.Context, source Source, stream string, from eventstore.Revision, yield func(eventstore.Recorded) bool,
) error {
	end, err := source.StreamEnd(ctx, stream)
	if err != nil {
		return err
	}
	if end == 0 {
		return eventstore.ErrStreamNotFound
	}
	if from >= eventstore.Revision(end) {
		return nil
	}
	p := pager{source: source, ctx: ctx}
	for next := int64(from); next < end; {
		rows, err := source.StreamRows(ctx, stream, next, end, p.next())
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("%w: revision %d is missing", eventstore.ErrCorrupt, next)
		}
		for i := range rows {
			row := &rows[i]
			if row.FirstRevision > next || row.FirstRevision+row.Count <= next {
				return fmt.Errorf("%w: revision %d is missing: row %d begins with %d",
					eventstore.ErrCorrupt, next, row.Position, row.FirstRevision)
			}
			if goOn, err := p.yield(row, next-row.FirstRevision, yield); err != nil || !goOn {
				return err
			}
			next = row.FirstRevision + row.Count
		}
	}
	return nil
}

// ReadAll is [eventstore.Store.ReadAll] over the rows of a source.
func ReadAll(ctx context.Context, source Source, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		c := NewCursor(ctx, source, after)
		_, err := c.Drain(func(r eventstore.Recorded) bool { return yield(r, nil) })
		if err != nil {
			yield(eventstore.Recorded{}, fmt.Errorf("read the log: %w", err))
		}
	}
}

// Cursor is a place in the whole log, for one loop over it.
type Cursor struct {
	pager

	row, item int64 // the next record is the item-th of the row, if there is one
}

// NewCursor makes the cursor that stands behind a position.
func NewCursor(ctx context.Context, source Source, after eventstore.Position) *Cursor {
	row, item := after.Parts()
	c := &Cursor{pager: pager{source: source, ctx: ctx}}
	c.row = int64(min(row, math.MaxInt64-1))
	c.item = int64(min(item, math.MaxInt32)) + 1
	return c
}

// Row is the least position that the row which comes next can have.
func (c *Cursor) Row() int64 { return c.row }

// Drain yields all records from the cursor to the end as it is now, and moves the cursor behind the last of them. It tells
// whether to go on: false after yield has returned false.
func (c *Cursor) Drain(yield func(eventstore.Recorded) bool) (bool, error) {
	end, err := c.source.LogEnd(c.ctx)
	if err != nil {
		return false, err
	}
	for c.row <= end {
		rows, err := c.source.LogRows(c.ctx, c.row, end, c.next())
		if err != nil {
			return false, err
		}
		if len(rows) == 0 {
			return true, nil
		}
		if goOn, err := c.Yield(rows, yield); err != nil || !goOn {
			return false, err
		}
	}
	return true, nil
}

// Yield yields the records of the rows that come next, and moves the cursor behind them. It tells whether to go on.
func (c *Cursor) Yield(rows []Row, yield func(eventstore.Recorded) bool) (bool, error) {
	for i := range rows {
		row := &rows[i]
		if row.Position > c.row {
			c.item = 0
		}
		if goOn, err := c.yield(row, c.item, yield); err != nil || !goOn {
			return false, err
		}
		c.row, c.item = row.Position+1, 0
	}
	return true, nil
}
