package queries

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/internal/effective"
	"github.com/daybook-ledger/daybook/internal/wire"
)

const transactionColumns = `t.transaction_id, t.revision, t.day, t.nanos, t.recorded_at, t.actor, t.reference, t.description, t.metadata, t.entries,
	t.intended_day, t.intended_nanos, t.reverts, t.reverted_by, t.hold, t.forced, t.reason`

const transactionSQL = `SELECT c.revision, ` + transactionColumns + `
FROM ledger_ids l CROSS JOIN transactions t CROSS JOIN live_checkpoints c
WHERE l.name = ? AND t.ledger_id = l.ledger_id AND t.transaction_id = ?
	AND c.projection = 'transactions' AND c.ledger_id = l.ledger_id`

// transaction reads one transaction and the revision that the answer reflects.
func (r *reader) transaction(ctx context.Context, ledger string, id uint64) (t wire.Transaction, revision uint64, err error) {
	err = r.numbered(ctx, transactionSQL, ledger, id, projectionTransactions, errTransactionNotFound, func(rows *sql.Rows) (err error) {
		t, err = scanTransaction(rows, ledger, &revision)
		return err
	})
	return t, revision, err
}

// transactions reads up to limit transactions, those with the greatest ids first, and the revision that they reflect.
func (r *reader) transactions(ctx context.Context, ledger string, f transactionFilter) (found []wire.Transaction, revision uint64, err error) {
	projections := []string{projectionTransactions}
	if f.account != "" {
		projections = append(projections, projectionEntries)
	}
	err = r.view(ctx, ledger, projections, func(s *snapshot) error {
		revision = s.revision
		source, err := s.transactionSource(&f)
		if err != nil || source.nothing {
			return err
		}
		return s.eachTransaction(ledger, &f, source, func(t wire.Transaction) bool {
			found = append(found, t)
			return len(found) < f.limit
		})
	})
	return found, revision, err
}

// Where rows may be refused, a statement reads so many at first, or as many as are wanted, and then so many at a time.
const (
	portionFirst = 64
	portionMost  = 1000
)

// eachTransaction walks a source in portions until visit has enough.
func (s *snapshot) eachTransaction(ledger string, f *transactionFilter, source transactionSource, visit func(wire.Transaction) (more bool)) error {
	portion := f.limit
	if f.picky() {
		portion = max(portion, portionFirst)
	}
	before := f.before
	for {
		text, args := source.statement(s.reader.dialect, s.ledger, f, before, portion)
		read, goOn := 0, true
		err := s.each(text, args, func(rows *sql.Rows) error {
			read++
			t, err := scanTransaction(rows, ledger)
			if err != nil {
				return err
			}
			before = int64(t.ID)
			if t.Revision > s.revision || !f.takes(&t) {
				return nil
			}
			if goOn = visit(t); !goOn {
				return errEnough
			}
			return nil
		})
		if err != nil || !goOn || read < portion {
			return err
		}
		portion = max(portion, portionMost)
	}
}

// scanTransaction reads the transactionColumns, after others if there are some.
func scanTransaction(rows *sql.Rows, ledger string, others ...any) (t wire.Transaction, err error) {
	t.Ledger, t.Status = ledger, "posted"
	var day, nanos int64
	var intendedDay, intendedNanos sql.NullInt64
	var recordedAt, metadata string
	var reason sql.NullString
	var entries []byte
	err = rows.Scan(append(others, &t.ID, &t.Revision, &day, &nanos, &recordedAt, &t.Actor, &t.Reference, &t.Description, &metadata, &entries,
		&intendedDay, &intendedNanos, &t.Reverts, &t.RevertedBy, &t.Hold, &t.Forced, &reason)...)
	if err != nil {
		return t, err
	}
	t.EffectiveAt, t.IntendedAt, t.Reason = effective.Join(day, nanos), joinOptional(intendedDay, intendedNanos), reason.String
	if t.RecordedAt, err = time.Parse(time.RFC3339Nano, recordedAt); err != nil {
		return t, err
	}
	if t.Metadata, err = readMetadata(metadata); err != nil {
		return t, err
	}
	if err := json.Unmarshal(entries, &t.Entries); err != nil {
		return t, fmt.Errorf("the entries of transaction %d: %w", t.ID, err)
	}
	return t, nil
}
