package queries

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/daybook-ledger/daybook/domain/address"
	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/internal/wire"
)

const holdColumns = `h.hold_id, h.revision, h.day, h.nanos, h.expires_at, h.recorded_at, h.actor, h.reference, h.description,
	h.metadata, h.entries, h.remaining, h.status, h.transactions`

const holdSQL = `SELECT c.revision, ` + holdColumns + `
FROM ledger_ids l CROSS JOIN holds h CROSS JOIN live_checkpoints c
WHERE l.name = ? AND h.ledger_id = l.ledger_id AND h.hold_id = ?
	AND c.projection = 'holds' AND c.ledger_id = l.ledger_id`

// hold reads one hold and the revision that the answer reflects.
func (r *reader) hold(ctx context.Context, ledger string, id uint64) (h wire.Hold, revision uint64, err error) {
	err = r.numbered(ctx, holdSQL, ledger, id, projectionHolds, errHoldNotFound, func(rows *sql.Rows) (err error) {
		h, err = scanHold(rows, ledger, &revision)
		return err
	})
	return h, revision, err
}

// holdFilter says which holds are asked for: those that are as all of its parts say.
type holdFilter struct {
	status    string          // empty for any
	pattern   address.Pattern // one of the entries is of such an account; empty for any
	reference string          // empty for any
	metadata  map[string]string
	before    int64 // ids are below it
	limit     int
}

// picky tells whether rows are read that takes may refuse.
func (f *holdFilter) picky() bool { return f.pattern != "" || len(f.metadata) > 0 }

// takes tests what the statement does not have.
func (f *holdFilter) takes(h *wire.Hold) bool {
	if f.pattern != "" && !slices.ContainsFunc(h.Entries, func(e wire.Entry) bool { return f.pattern.Match(address.Address(e.Account)) }) {
		return false
	}
	return hasAll(h.Metadata, f.metadata)
}

// holds reads up to limit holds, those with the greatest ids first, and the revision that they reflect.
func (r *reader) holds(ctx context.Context, ledger string, f holdFilter) (found []wire.Hold, revision uint64, err error) {
	err = r.view(ctx, ledger, []string{projectionHolds}, func(s *snapshot) error {
		revision = s.revision
		portion := f.limit
		if f.picky() {
			portion = max(portion, portionFirst)
		}
		for {
			text, args := f.statement(s.ledger, portion)
			read := 0
			err := s.each(text, args, func(rows *sql.Rows) error {
				read++
				h, err := scanHold(rows, ledger)
				if err != nil {
					return err
				}
				f.before = int64(h.ID)
				if f.takes(&h) {
					found = append(found, h)
				}
				if len(found) == f.limit {
					return errEnough
				}
				return nil
			})
			if err != nil || len(found) == f.limit || read < portion {
				return err
			}
			portion = max(portion, portionMost)
		}
	})
	return found, revision, err
}

// statement reads candidates, the greatest id first. Each "+", and the coalesce of a text, keeps the database from an index
// that would read more.
func (f *holdFilter) statement(ledger int64, limit int) (text string, args []any) {
	var q sqlText
	q.add(`SELECT `+holdColumns+` FROM holds h WHERE h.ledger_id = ?`, ledger)
	status := ` AND h.status = ?`
	if f.reference == "" {
		q.add(` AND h.hold_id < ?`, f.before)
	} else {
		q.add(` AND h.reference = ? AND +h.hold_id < ?`, f.reference, f.before)
		status = ` AND coalesce(h.status, '') = ?`
	}
	if f.status != "" {
		q.add(status, f.status)
	}
	q.add(` ORDER BY h.hold_id DESC LIMIT ? + 0`, limit)
	return q.String(), q.args
}

// scanHold reads the holdColumns, after others if there are some.
func scanHold(rows *sql.Rows, ledger string, others ...any) (h wire.Hold, err error) {
	h.Ledger = ledger
	var day, nanos int64
	var recordedAt, metadata string
	var expiresAt sql.NullString
	var entries, remaining, transactions []byte
	err = rows.Scan(append(others, &h.ID, &h.Revision, &day, &nanos, &expiresAt, &recordedAt, &h.Actor, &h.Reference, &h.Description,
		&metadata, &entries, &remaining, &h.Status, &transactions)...)
	if err != nil {
		return h, err
	}
	h.EffectiveAt = effective.Join(day, nanos)
	if h.RecordedAt, err = time.Parse(time.RFC3339Nano, recordedAt); err != nil {
		return h, err
	}
	if expiresAt.Valid {
		at, err := time.Parse(time.RFC3339Nano, expiresAt.String)
		if err != nil {
			return h, err
		}
		h.ExpiresAt = &at
	}
	if h.Metadata, err = readMetadata(metadata); err != nil {
		return h, err
	}
	for _, list := range []struct {
		text []byte
		into any
	}{{entries, &h.Entries}, {remaining, &h.Remaining}, {transactions, &h.Transactions}} {
		if err := json.Unmarshal(list.text, list.into); err != nil {
			return h, fmt.Errorf("the lists of hold %d: %w", h.ID, err)
		}
	}
	return h, nil
}
