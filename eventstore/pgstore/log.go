package pgstore

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// Log is a store opened to see what is in it, while others may be appending. Nothing in it is changed, and what is damaged
// is given with the damage, so that all of it can be told, where a [Store] stops at the first.
type Log struct{ store *Store }

// OpenLog opens the log in the database at a URL, as [Open] has it. It has to be there already, with the given identity if
// that is not empty.
func OpenLog(ctx context.Context, url, id string) (*Log, error) {
	c, err := parse(url)
	if err != nil {
		return nil, err
	}
	s, err := attach(ctx, c, Options{}, require(id))
	if err != nil {
		return nil, err
	}
	return &Log{store: s}, nil
}

// ID is as that of [Store.ID].
func (l *Log) ID() string { return l.store.id }

// Close ends the connections.
func (l *Log) Close() error {
	l.store.release()
	return nil
}

// logPageBytes is how much is read together: enough to be worth a goroutine's while.
const logPageBytes = 1 << 20

// All yields what the log has after a position, in the order of positions and in pieces, up to the end as it is when it gets
// there. Positions that are missing between others say nothing: those of appends that came to nothing are. An error ends
// it.
func (l *Log) All(ctx context.Context, after eventstore.Position) iter.Seq2[[]eventstore.Chunk, error] {
	row, _ := after.Parts()
	return l.pages(func(s *source, last *rowlog.Row) ([]rowlog.Row, error) {
		at := int64(min(row, math.MaxInt64-1))
		if last != nil {
			at = last.Position
		}
		end, err := s.LogEnd(ctx)
		if err != nil {
			return nil, err
		}
		return s.LogRows(ctx, at+1, end, logPageBytes)
	})
}

// Stream is All of one stream: the chunks that begin at a revision or after it.
func (l *Log) Stream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[[]eventstore.Chunk, error] {
	return l.pages(func(s *source, last *rowlog.Row) ([]rowlog.Row, error) {
		next := int64(min(from, math.MaxInt64))
		if last != nil {
			next = last.FirstRevision + 1
		}
		return s.rows(ctx, `stream = $3 AND first_revision >= $4`, `first_revision`, logPageBytes, stream, next)
	})
}

// pages yields what read gives, which is given the last row that it gave before, until there is no more.
func (l *Log) pages(read func(s *source, last *rowlog.Row) ([]rowlog.Row, error)) iter.Seq2[[]eventstore.Chunk, error] {
	return func(yield func([]eventstore.Chunk, error) bool) {
		s := &source{Store: l.store}
		var last *rowlog.Row
		for {
			rows, err := read(s, last)
			if err != nil {
				yield(nil, fmt.Errorf("read the log: %w", err))
				return
			}
			if len(rows) == 0 || !yield(rowlog.Chunks(rows), nil) {
				return
			}
			last = &rows[len(rows)-1]
		}
	}
}
