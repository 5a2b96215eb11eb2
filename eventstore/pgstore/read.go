package pgstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// maxPageRows bounds the rows of a page, and with them what the database looks at to make one.
const maxPageRows = 1000

// ReadStream implements [eventstore.Store].
func (s *Store) ReadStream(
	ctx context.Context, stream string, from eventstore.Revision,
) iter.Seq2[eventstore.Recorded, error] {
	return rowlog.ReadStream(ctx, &source{Store: s}, stream, from)
}

// ReadAll implements [eventstore.Store].
func (s *Store) ReadAll(ctx context.Context, after eventstore.Position) iter.Seq2[eventstore.Recorded, error] {
	return rowlog.ReadAll(ctx, &source{Store: s}, after)
}

// ReadAllBackwards implements [eventstore.Store].
func (s *Store) ReadAllBackwards(
	ctx context.Context, before eventstore.Position,
) iter.Seq2[eventstore.Recorded, error] {
	return rowlog.ReadAllBackwards(ctx, &source{Store: s}, before)
}

// Heads yields where each stream ends, in no order. It costs a seek or two a stream, however long the log is. All are of
// one moment.
func (s *Store) Heads(ctx context.Context) iter.Seq2[eventstore.Head, error] {
	return func(yield func(eventstore.Head, error) bool) {
		heads, err := s.heads(ctx)
		if err != nil {
			yield(eventstore.Head{}, fmt.Errorf("read where streams end: %w", err))
			return
		}
		for _, head := range heads {
			if !yield(head, nil) {
				return
			}
		}
	}
}

// heads goes from one name of a stream to the next in the index: a DISTINCT would look at all of it.
func (s *Store) heads(ctx context.Context) (heads []eventstore.Head, err error) {
	err = s.query(ctx, func(rows pgx.Rows) error {
		var name string
		var end int64
		err := rows.Scan(&name, &end)
		heads = append(heads, eventstore.Head{Stream: name, Last: eventstore.Revision(end - 1)})
		return err //nolint:wrapcheck // wrapped by query
	}, `WITH RECURSIVE streams (name) AS (
			(SELECT stream FROM eventstore.appends ORDER BY stream LIMIT 1)
			UNION ALL
			SELECT (SELECT stream FROM eventstore.appends WHERE stream > name ORDER BY stream LIMIT 1)
				FROM streams WHERE name IS NOT NULL
		) SELECT name, eventstore.stream_end(name) FROM streams WHERE name IS NOT NULL`)
	return heads, err
}

// source reads rows for one loop over a sequence.
type source struct {
	*Store

	// pending tells whether there were positions on their way when the end of the log was last looked for.
	pending bool
}

var _ rowlog.Source = (*source)(nil)

// StreamEnd implements [rowlog.Source].
func (s *source) StreamEnd(ctx context.Context, stream string) (next int64, err error) {
	err = s.query(ctx, func(rows pgx.Rows) error { return rows.Scan(&next) }, `SELECT eventstore.stream_end($1)`, stream)
	return next, err
}

// StreamRows implements [rowlog.Source]. The first row may begin before from.
func (s *source) StreamRows(ctx context.Context, stream string, from, end int64, bytes int) ([]rowlog.Row, error) {
	return s.rows(ctx, `stream = $3 AND first_revision < $4 AND first_revision >= coalesce((SELECT first_revision
			FROM eventstore.appends WHERE stream = $3 AND first_revision <= $5 ORDER BY first_revision DESC LIMIT 1), 0)`,
		`first_revision`, bytes, stream, end, from)
}

// LogEnd implements [rowlog.Source].
func (s *source) LogEnd(ctx context.Context) (end int64, err error) {
	var given int64
	err = s.query(ctx, func(rows pgx.Rows) error { return rows.Scan(&end, &given) },
		`SELECT settled, given FROM eventstore.settled()`)
	s.pending = end < given
	return end, err
}

// LogRows implements [rowlog.Source].
func (s *source) LogRows(ctx context.Context, from, end int64, bytes int) ([]rowlog.Row, error) {
	return s.rows(ctx, `position BETWEEN $3 AND $4`, `position`, bytes, from, end)
}

// LogRowsBackwards implements [rowlog.Source].
func (s *source) LogRowsBackwards(ctx context.Context, last int64, bytes int) ([]rowlog.Row, error) {
	return s.rows(ctx, `position <= $3`, `position DESC`, bytes, last)
}

// Ended implements [rowlog.Source].
func (s *source) Ended(ctx context.Context) error { return s.ended(ctx) }

// rows reads rows until they have so many bytes. The database adds the sizes up without reading the payloads, and reads
// those of the rows that it sends.
func (s *source) rows(ctx context.Context, where, order string, bytes int, args ...any) (page []rowlog.Row, err error) {
	err = s.query(ctx, func(rows pgx.Rows) error {
		var r rowlog.Row
		err := rows.Scan(&r.Position, &r.Stream, &r.FirstRevision, &r.Count, &r.Payload)
		r.Key = r.Stream
		page = append(page, r)
		return err //nolint:wrapcheck // wrapped by query
	}, `SELECT position, stream, first_revision, count, payload FROM (
			SELECT *, sum(octet_length(payload)) OVER (ORDER BY `+order+` ROWS UNBOUNDED PRECEDING)
				- octet_length(payload) AS before
			FROM (SELECT * FROM eventstore.appends WHERE `+where+` ORDER BY `+order+` LIMIT $1) AS rows
		) AS sized WHERE before < $2 ORDER BY `+order,
		append([]any{maxPageRows, bytes}, args...)...)
	return page, err
}

// query gives each row to scan.
func (s *Store) query(ctx context.Context, scan func(pgx.Rows) error, statement string, args ...any) error {
	if err := s.ended(ctx); err != nil {
		return err
	}
	bounded, cancel := s.bounded(ctx)
	defer cancel()
	rows, err := s.reads.Query(bounded, statement, args...)
	if err == nil {
		for err == nil && rows.Next() {
			err = scan(rows)
		}
		rows.Close()
		if err == nil {
			err = rows.Err()
		}
	}
	if err == nil {
		return nil
	}
	if ended := s.ended(ctx); ended != nil {
		return ended
	}
	s.distrust(err)
	return classify(err)
}
