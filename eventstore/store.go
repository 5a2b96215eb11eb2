// Package eventstore is the port to the log: the truth from which everything else in Daybook can be rebuilt.
//
// A store keeps streams of opaque records. It knows nothing of ledgers, accounts or JSON: whoever appends decides
// what the bytes mean. Backends live in sub-packages (memstore, sqlstore); each passes the suite in storetest.
//
// Data comes in through [Store.Append] from the command side alone. It goes out to the command side (reloading a
// stream), to the relay (the whole log, live), to projections (gaps, rebuilds) and to queries (history).
package eventstore

import (
	"context"
	"iter"
)

// Store is an append-only log of records, ordered within each stream by revision and as a whole by position.
//
// All methods are safe for concurrent use. A sequence returned by a Read or by Subscribe ends after it has yielded
// an error (the context's, where that ended); breaking out of the loop releases what it holds; ranging over it again
// reads again. Records that are yielded belong to the caller. Empty data or metadata may come back nil.
type Store interface {
	// Append adds records to the end of one stream, all or none. When it returns nil they are durable: they survive
	// the loss of the process and of the machine's power, and every later read shows them. The records stay the
	// caller's once it has returned.
	//
	// It fails, changing nothing, with a [*ConflictError] (errors.Is ErrConflict) where the stream is not as expected,
	// with [ErrInvalid] and [ErrTooLarge] where no such append is taken, with [ErrOverloaded] and [ErrUnavailable]
	// where it may be tried again, and with the context's error where that ended before the append was taken up.
	//
	// [ErrOutcomeUnknown] means that the records may or may not be there: read the stream to find out. An append that
	// was on its way to another machine may even arrive after that read; whatever is appended next to the stream, At
	// the revision that was read, shuts it out. A context that ends once the append was taken up gives the append's own
	// outcome, or ErrOutcomeUnknown where the store does not wait for that.
	//
	// The expected revision is what protects from writing twice, not the ids. A store on another machine may recognise an
	// append that is sent again, expecting what it did before, where its very records stand: it answers then as it did
	// the first time instead of with a conflict. Expecting Any, the same records are always appended again.
	Append(ctx context.Context, stream string, expected Expected, records []Record) (Appended, error)

	// ReadStream yields the records of one stream in order, the first being that with revision from, up to the end
	// as it was at some moment after the loop began. A from past the end yields nothing. A stream that does not exist
	// yields ErrStreamNotFound, whatever from is.
	ReadStream(ctx context.Context, stream string, from Revision) iter.Seq2[Recorded, error]

	// ReadAll yields the records of all streams in commit order, the first being the one after the given position
	// ([Start] for the beginning), up to the end as it was at some moment after the loop began. It never passes over a
	// record that becomes visible later with a smaller position.
	ReadAll(ctx context.Context, after Position) iter.Seq2[Recorded, error]

	// ReadAllBackwards yields the records of all streams in the reverse of the order that they were committed in, the first
	// being the last one before the given position ([End] for the last of all), down to the first of the log. It shows
	// none that was appended after the loop began.
	ReadAllBackwards(ctx context.Context, before Position) iter.Seq2[Recorded, error]

	// Subscribe is ReadAll that does not end: at the end of the log it waits for more. It ends when ctx does,
	// yielding the context's error.
	Subscribe(ctx context.Context, after Position) iter.Seq2[Recorded, error]

	// Traits say in what the store differs from others. They never change.
	Traits() Traits

	// Close waits for appends under way and releases what the store holds. After it appends fail with [ErrClosed], and
	// reads and subscriptions yield it, those included that were in the middle. Closing again does nothing.
	Close() error
}
