package rowlog

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/daybook-ledger/daybook/eventstore"
)

// ReadAllBackwards is [eventstore.Store.ReadAllBackwards] over the rows of a source.
func ReadAllBackwards(
	ctx context.Context, source Source, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return func(yield func(eventstore.Recorded, error) bool) {
		err := readAllBackwards(ctx, source, before, func(r eventstore.Recorded) bool { return yield(r, nil) })
		if err != nil {
			yield(eventstore.Recorded{}, fmt.Errorf("read the log backwards: %w", err))
		}
	}
}

// readAllBackwards begins where the log can be read to: nothing is added before that.
func readAllBackwards(
	ctx context.Context, source Source, before eventstore.Position, yield func(eventstore.Recorded) bool,
) error {
	end, err := source.LogEnd(ctx)
	if err != nil {
		return err
	}
	row, _ := before.Parts()
	p := pager{source: source, ctx: ctx}
	for last := min(end, int64(min(row, math.MaxInt64))); ; {
		rows, err := source.LogRowsBackwards(ctx, last, p.next())
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if goOn, err := p.yieldBackwards(&rows[i], before, yield); err != nil || !goOn {
				return err
			}
			last = rows[i].Position - 1
		}
	}
}

// yieldBackwards hands out the records of a row that are before a position, the last first, and tells whether to go on.
func (p *pager) yieldBackwards(
	row *Row, before eventstore.Position, yield func(eventstore.Recorded) bool,
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
		if err := p.source.Ended(p.ctx); err != nil {
			return false, err
		}
		if !yield(r) {
			return false, nil
		}
	}
	return true, nil
}
