package rowlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Row is a row of the log with all its columns.
type Row struct {
	Position int64
	// Stream is the name of the row's stream; empty where it is lost, which makes the row corrupt.
	Stream string
	// Key stands for the stream in the row's checksum: its name, or its number, as the store has it.
	Key string
	// FirstRevision is the revision of the first of Count records.
	FirstRevision, Count int64
	Payload              []byte
}

// Source is where rows are read from. Its errors are those of the port.
type Source interface {
	// StreamEnd is the revision that a stream's next record will have; 0 for a stream without records.
	StreamEnd(ctx context.Context, stream string) (next int64, err error)
	// StreamRows gives rows of a stream in order, the first being that which has the revision from, none of them with
	// revisions at or after end. It may stop after so many bytes of payload, but gives at least one row where there is one.
	StreamRows(ctx context.Context, stream string, from, end int64, bytes int) ([]Row, error)
	// LogEnd is the last position that may be read: no row will ever become visible at or before it that is not so now.
	LogEnd(ctx context.Context) (int64, error)
	// LogRows gives rows in the order of their positions, between from and end, both included. It may stop as above.
	LogRows(ctx context.Context, from, end int64, bytes int) ([]Row, error)
	// LogRowsBackwards gives rows in the reverse order of their positions, from the one at or before last. It may stop as
	// above.
	LogRowsBackwards(ctx context.Context, last int64, bytes int) ([]Row, error)
	// Ended is why reading cannot go on: the store is closed or ctx has ended. It is asked before each record.
	Ended(ctx context.Context) error
}

// A page is what is read in one go: whole rows, up to a sum of payload bytes. The first pages are small, for those who
// want one record. Nothing is held open while a page is handed out, however slow whoever takes it.
const (
	firstPageBytes = 64 << 10
	maxPageBytes   = 4 << 20
)

// pager turns rows into records for one loop over a sequence.
type pager struct {
	source Source
	ctx    context.Context //nolint:containedctx // lives as long as the loop
	size   int             // of the last page
	types  names
}

// next is how large the page to come may be.
func (p *pager) next() int {
	p.size = min(max(firstPageBytes, 2*p.size), maxPageBytes)
	return p.size
}

// yield hands out the records of a row from the item-th, and tells whether to go on.
func (p *pager) yield(row *Row, item int64, yield func(eventstore.Recorded) bool) (bool, error) {
	corrupt := func(err error) error {
		return fmt.Errorf("%w: row %d (stream %q, revision %d and %d more): %w", eventstore.ErrCorrupt,
			row.Position, row.Stream, row.FirstRevision, row.Count-1, err)
	}
	if row.Stream == "" {
		return false, corrupt(errNoStream)
	}
	records, err := row.open()
	if err != nil {
		return false, corrupt(err)
	}
	for i := range row.Count {
		record, err := records.next(&p.types)
		if err != nil {
			return false, corrupt(err)
		}
		if i < item {
			continue
		}
		if err := p.source.Ended(p.ctx); err != nil {
			return false, err
		}
		if !yield(row.recorded(record, i)) {
			return false, nil
		}
	}
	if err := records.finish(); err != nil {
		return false, corrupt(err)
	}
	return true, nil
}

var errNoStream = errors.New("no stream has its id")

// recorded puts the item-th record of a row in its place.
func (r *Row) recorded(record eventstore.Record, item int64) eventstore.Recorded {
	return eventstore.Recorded{
		Record: record, Stream: r.Stream, Revision: eventstore.Revision(r.FirstRevision + item), Position: r.place(item),
	}
}

// place is the position of the item-th record.
func (r *Row) place(item int64) eventstore.Position {
	return eventstore.NewPosition(uint64(r.Position), uint64(item))
}
