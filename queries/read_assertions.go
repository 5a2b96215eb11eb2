package queries

import (
	"context"
	"database/sql"
	"time"

	"github.com/daybook-ledger/daybook/internal/wire"
)

const assertionColumns = `a.assertion_id, a.revision, a.pattern, a.asset, a.at_day, a.at_nanos, a.eq, a.gte, a.lte, a.status,
	a.balance, a.broken_by, a.declared_at, a.changed_at, a.actor`

const assertionSQL = `SELECT c.revision, ` + assertionColumns + `
FROM ledger_ids l CROSS JOIN assertions a CROSS JOIN live_checkpoints c
WHERE l.name = ? AND a.ledger_id = l.ledger_id AND a.assertion_id = ?
	AND c.projection = 'assertions' AND c.ledger_id = l.ledger_id`

// assertion reads one assertion and the revision that the answer reflects.
func (r *reader) assertion(ctx context.Context, ledger string, id uint64) (a wire.Assertion, revision uint64, err error) {
	err = r.numbered(ctx, assertionSQL, ledger, id, projectionAssertions, errAssertionNotFound, func(rows *sql.Rows) (err error) {
		a, err = scanAssertion(rows, &revision)
		return err
	})
	return a, revision, err
}

// assertions reads up to limit assertions below an id, the greatest first, and the revision that they reflect. An empty
// status is any.
func (r *reader) assertions(ctx context.Context, ledger, status string, before int64, limit int) (found []wire.Assertion, revision uint64, err error) {
	err = r.view(ctx, ledger, []string{projectionAssertions}, func(s *snapshot) error {
		revision = s.revision
		var q sqlText
		q.add(`SELECT `+assertionColumns+` FROM assertions a WHERE a.ledger_id = ? AND a.assertion_id < ?`, s.ledger, before)
		if status != "" {
			q.add(` AND a.status = ?`, status)
		}
		q.add(` ORDER BY a.assertion_id DESC LIMIT ? + 0`, limit)
		return s.each(q.String(), q.args, func(rows *sql.Rows) error {
			a, err := scanAssertion(rows)
			found = append(found, a)
			return err
		})
	})
	return found, revision, err
}

// scanAssertion reads the assertionColumns, after others if there are some.
func scanAssertion(rows *sql.Rows, others ...any) (a wire.Assertion, err error) {
	var day, nanos sql.NullInt64
	var declaredAt, changedAt string
	err = rows.Scan(append(others, &a.ID, &a.Revision, &a.Account, &a.Asset, &day, &nanos, &a.Equals, &a.GTE, &a.LTE, &a.Status,
		&a.Balance, &a.BrokenBy, &declaredAt, &changedAt, &a.Actor)...)
	if err != nil {
		return a, err
	}
	a.At = joinOptional(day, nanos)
	if a.DeclaredAt, err = time.Parse(time.RFC3339Nano, declaredAt); err != nil {
		return a, err
	}
	a.ChangedAt, err = time.Parse(time.RFC3339Nano, changedAt)
	return a, err
}
