package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
)

// ReadAllBackwards implements [eventstore.Store].
func (s *Store) ReadAllBackwards(
	ctx context.Context, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		err := s.readAllBackwards(ctx, before, func(r eventstore.Recorded) bool { return yield(r, nil) })
		if err != nil {
			yield(eventstore.Recorded{}, fmt.Errorf("read the log backwards: %w", err))
		}
	}
}

func (s *Store) readAllBackwards(
	ctx context.Context, before eventstore.Position, yield func(eventstore.Recorded) bool,
) error {
	row, _ := before.Parts()
	p := pager{store: s, ctx: ctx, size: firstPageBytes}
	for last := int64(min(row, math.MaxInt64)); ; {
		rows, err := p.page(`SELECT a.position, a.stream_id, s.name, a.first_revision, a.count, a.payload FROM appends a
			LEFT JOIN streams s ON s.stream_id = a.stream_id
			WHERE a.position <= ? ORDER BY a.position DESC`, last)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if goOn, err := p.yieldBackwards(row, before, yield); err != nil || !goOn {
				return err
			}
			last = row.position - 1
		}
	}
}

// yieldBackwards hands out the records of a row that are before a position, the last first, and tells whether to go on.
func (p *pager) yieldBackwards(
	row storedRow, before eventstore.Position, yield func(eventstore.Recorded) bool,
) (bool, error) {
	var records []eventstore.Recorded
	if _, err := p.yield(row, 0, func(r eventstore.Recorded) bool {
		records = append(records, r)
		return true
	}); err != nil {
		return false, err
	}
	for _, r := range slices.Backward(records) {
		if r.Position.Compare(before) >= 0 {
			continue
		}
		if err := p.store.ended(p.ctx); err != nil {
			return false, err
		}
		if !yield(r) {
			return false, nil
		}
	}
	return true, nil
}
