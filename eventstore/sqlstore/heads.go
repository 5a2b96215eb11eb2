package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"github.com/jmoiron/sqlx"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Heads yields where each stream ends, in no order. It costs a seek or two a stream, however long the log is. All are of
// one moment, for which a read transaction is open until the loop ends.
func (s *Store) Heads(ctx context.Context) iter.Seq2[eventstore.Head, error] {
	return func(yield func(eventstore.Head, error) bool) {
		goOn := true
		err := s.query(ctx, func(rows *sqlx.Rows) (bool, error) {
			var name string
			var next sql.NullInt64
			if err := rows.Scan(&name, &next); err != nil {
				return false, err //nolint:wrapcheck // wrapped by query
			}
			goOn = !next.Valid || yield(eventstore.Head{Stream: name, Last: eventstore.Revision(next.Int64 - 1)}, nil)
			return goOn, nil
		}, `SELECT s.name, (SELECT a.first_revision + a.count FROM appends a
			WHERE a.stream_id = s.stream_id ORDER BY a.first_revision DESC LIMIT 1) FROM streams s`)
		if err != nil && goOn {
			yield(eventstore.Head{}, fmt.Errorf("read where streams end: %w", err))
		}
	}
}
