package queries

import (
	"context"
	"database/sql"
	"time"

	"github.com/daybook-ledger/daybook/internal/wire"
)

const periodsSQL = `SELECT p.revision, p.action, p.through, p.closed, p.in_force, p.recorded_at, p.actor, p.reason
FROM periods p WHERE p.ledger_id = ? ORDER BY p.revision`

// periods reads all that ever happened to a ledger's days, and the revision that it reflects. There are a few rows a month.
func (r *reader) periods(ctx context.Context, ledger string) (p wire.Periods, revision uint64, err error) {
	p.Closings, p.History = []wire.Closing{}, []wire.PeriodChange{}
	err = r.view(ctx, ledger, []string{projectionPeriods}, func(s *snapshot) error {
		revision = s.revision
		return s.each(periodsSQL, []any{s.ledger}, func(rows *sql.Rows) error { return addPeriod(&p, rows) })
	})
	return p, revision, err
}

// addPeriod adds what happened next. The last row says what is closed now.
func addPeriod(p *wire.Periods, rows *sql.Rows) error {
	var change wire.PeriodChange
	var through int64
	var closed sql.NullInt64
	var inForce bool
	var recordedAt string
	err := rows.Scan(&change.Revision, &change.Action, &through, &closed, &inForce, &recordedAt, &change.Actor, &change.Reason)
	if err != nil {
		return err
	}
	if change.RecordedAt, err = time.Parse(time.RFC3339Nano, recordedAt); err != nil {
		return err
	}
	change.Through = dateOf(through)
	p.Period = wire.Period{}
	if closed.Valid {
		last, first := dateOf(closed.Int64), dateOf(closed.Int64+1)
		change.ClosedThrough = &last
		p.Period = wire.Period{ClosedThrough: &last, FirstOpenDay: &first}
	}
	p.History = append(p.History, change)
	if inForce {
		p.Closings = append(p.Closings, wire.Closing{
			Through: change.Through, ClosedAt: change.RecordedAt, Actor: change.Actor, Reason: change.Reason, Revision: change.Revision,
		})
	}
	return nil
}
