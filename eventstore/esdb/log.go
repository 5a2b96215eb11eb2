package esdb

import (
	"context"
	"errors"
	"iter"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Log is a store opened to see what is in it, while others may be appending. Nothing in it is changed. EventStoreDB tests
// itself what it sends: where it says that there is damage, all ends with ErrCorrupt.
type Log struct{ store *Store }

// OpenLog opens the log at a URL, as [Open] has it. It has to be there already, with the given identity if that is not empty.
func OpenLog(ctx context.Context, url, id string) (*Log, error) {
	s, err := attach(ctx, url, Options{ID: id}, true)
	if err != nil {
		return nil, err
	}
	return &Log{store: s}, nil
}

// ID is as that of [Store.ID].
func (l *Log) ID() string { return l.store.ID() }

// Close ends the connection.
func (l *Log) Close() error { return l.store.Close() }

// All yields what the log has after a position, in commit order and in pieces, up to the end as it was when it began. An
// error ends it.
func (l *Log) All(ctx context.Context, after eventstore.Position) iter.Seq2[[]eventstore.Chunk, error] {
	return pieces(l.store.ReadAll(ctx, after))
}

// Stream is All of one stream: the records from a revision on, and nothing where there is no such stream.
func (l *Log) Stream(ctx context.Context, stream string, from eventstore.Revision) iter.Seq2[[]eventstore.Chunk, error] {
	return pieces(l.store.ReadStream(ctx, stream, from))
}

// What is given together: enough to be worth a goroutine's while.
const (
	pieceRecords = 1000
	pieceBytes   = 1 << 20
)

// pieces divides records into pieces, each with a chunk for neighbours of one stream.
func pieces(records iter.Seq2[eventstore.Recorded, error]) iter.Seq2[[]eventstore.Chunk, error] {
	return func(yield func([]eventstore.Chunk, error) bool) {
		var piece []eventstore.Recorded
		size := 0
		for r, err := range records {
			if errors.Is(err, eventstore.ErrStreamNotFound) {
				return
			}
			if err != nil {
				if len(piece) == 0 || yield(chunks(piece), nil) {
					yield(nil, err)
				}
				return
			}
			piece = append(piece, r)
			size += len(r.Data) + len(r.Metadata)
			if len(piece) == pieceRecords || size >= pieceBytes {
				if !yield(chunks(piece), nil) {
					return
				}
				piece, size = nil, 0
			}
		}
		if len(piece) > 0 {
			yield(chunks(piece), nil)
		}
	}
}

// chunks are records, of which there is at least one, with those together that follow each other in one stream.
func chunks(records []eventstore.Recorded) (all []eventstore.Chunk) {
	for first, end := 0, 1; first < len(records); end++ {
		if end < len(records) && records[end].Stream == records[first].Stream &&
			records[end].Revision == records[end-1].Revision+1 {
			continue
		}
		run := records[first:end]
		all = append(all, eventstore.Chunk{
			Stream: run[0].Stream, First: run[0].Revision, Count: len(run), Last: run[len(run)-1].Position,
			Open: func(dst []eventstore.Recorded) ([]eventstore.Recorded, error) { return append(dst, run...), nil },
		})
		first = end
	}
	return all
}
