package pgstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// Append implements [eventstore.Store]. Expecting [eventstore.Any] costs a round trip more where the stream exists, and
// one for each append to it that comes in between.
//
// A context that ends while the database works on the append ends nothing: that takes no longer than its statement
// timeout, and then the outcome is known.
func (s *Store) Append(
	ctx context.Context, stream string, expected eventstore.Expected, records []eventstore.Record,
) (eventstore.Appended, error) {
	if err := eventstore.CheckAppend(stream, records, s.options.MaxAppendBytes); err != nil {
		return eventstore.Appended{}, err //nolint:wrapcheck // says all there is to say
	}
	appended, err := s.take(ctx, newRequest(stream, expected, records))
	if err != nil && !errors.Is(err, eventstore.ErrConflict) { // which says all there is to say
		err = fmt.Errorf("append to stream %q: %w", stream, err)
	}
	return appended, err
}

// request is an append on its way.
type request struct {
	stream   string
	expected eventstore.Expected
	parts    []rowlog.Part
	counts   []int32
	payloads [][]byte
	records  int
	bytes    int // of all payloads

	last  int64 // the stream's last revision, as far as that is known
	known bool  // it is, or else another one will do
	// What the database says: where the last row was written, or what the last revision is instead.
	position, actual *int64

	alone    bool          // it is not to be written together with others
	done     chan struct{} // closed when there is an answer
	appended eventstore.Appended
	err      error
}

func newRequest(stream string, expected eventstore.Expected, records []eventstore.Record) *request {
	r := &request{stream: stream, expected: expected, parts: rowlog.Encode(records), records: len(records), done: make(chan struct{})}
	r.last, r.known = lastOf(expected)
	for _, part := range r.parts {
		r.counts = append(r.counts, int32(part.Count))
		r.payloads = append(r.payloads, part.Payload)
		r.bytes += len(part.Payload)
	}
	return r
}

// seal makes the payloads those of rows that follow the stream's last revision.
func (r *request) seal() {
	next := r.last + 1
	for _, part := range r.parts {
		part.Seal(r.stream, next)
		next += int64(part.Count)
	}
}

// take waits until a connection has carried the append to the database, and with it what else waited. Until one takes it nothing was
// written, and who gives up has withdrawn it.
func (s *Store) take(ctx context.Context, r *request) (eventstore.Appended, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Appended{}, err //nolint:wrapcheck // wrapped by Append
	}
	carrier, err := s.queue.enter(r)
	if err != nil {
		return eventstore.Appended{}, err
	}
	if carrier {
		go s.carry()
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if s.queue.withdraw(r) {
			return eventstore.Appended{}, ctx.Err() //nolint:wrapcheck // wrapped by Append
		}
		<-r.done
	}
	return r.appended, r.err
}

// carry carries what waits to the database, by one connection at a time, until nothing waits. For a connection it waits as long as
// one statement may take.
func (s *Store) carry() {
	for {
		waiting, cancel := s.bounded(s.life)
		conn, err := s.appends.Acquire(waiting)
		cancel()
		together := s.queue.take()
		if err == nil && len(together) > 0 {
			s.write(conn, together)
		}
		if err == nil {
			conn.Release()
		}
		if len(together) == 0 {
			return
		}
		if err != nil {
			s.fail(together, fmt.Errorf("%w: connect: %w", eventstore.ErrUnavailable, err))
		}
	}
}

// answer gives a request its answer.
func (s *Store) answer(r *request, appended eventstore.Appended, err error) {
	r.appended, r.err = appended, err
	close(r.done)
	s.queue.answered()
}

func (s *Store) fail(together []*request, err error) {
	s.metrics.Failed(len(together), err)
	for _, r := range together {
		s.answer(r, eventstore.Appended{}, err)
	}
}

// write writes appends until the outcome of each is known, or cannot be known. Other processes may write to the same streams in the same
// way: all do it in the order of the streams' names, lest they wait for each other.
func (s *Store) write(conn *pgxpool.Conn, together []*request) {
	slices.SortStableFunc(together, func(a, b *request) int { return cmp.Compare(a.stream, b.stream) })
	for len(together) > 0 {
		start := time.Now()
		err := s.commit(conn, together)
		switch {
		case err == nil:
		case len(together) > 1 && !lost(err): // it is about one of them, and nothing was written
			for range s.queue.again(together) {
				go s.carry()
			}
			return
		default:
			s.distrust(err)
			s.tell() // it may be there
			s.fail(together, outcome(err))
			return
		}
		together = s.settleAll(together, time.Since(start))
		s.tell()
	}
}

// held is how long appends wait together for another writer of one of the streams, who may have died without the database knowing. Then
// each waits by itself, and those that have not to wait at all do not wait for it.
const held = "100ms"

// commit has the database carry out appends in one transaction, and takes down what it says of each. It has succeeded only when all have.
func (s *Store) commit(conn *pgxpool.Conn, together []*request) error {
	ctx, cancel := s.bounded(context.Background())
	defer cancel()
	batch := &pgx.Batch{}
	if len(together) > 1 {
		batch.Queue(`SELECT set_config('lock_timeout', $1, true)`, held)
	}
	for _, r := range together {
		r.seal()
		r.position, r.actual = nil, nil
		batch.Queue(`SELECT written, actual FROM eventstore.append($1, $2, $3, $4)`, r.stream, r.last, r.counts, r.payloads).
			QueryRow(func(row pgx.Row) error { return row.Scan(&r.position, &r.actual) })
	}
	return conn.SendBatch(ctx, batch).Close() //nolint:wrapcheck // told by outcome
}

// settleAll answers what was committed or conflicts, and gives back what has to be written again.
func (s *Store) settleAll(together []*request, took time.Duration) (again []*request) {
	appends, records, conflicts := 0, 0, 0
	for _, r := range together {
		switch {
		case r.position != nil:
			appends++
			records += r.records
		case r.known:
			conflicts++
		}
	}
	s.metrics.Committed(took, appends, records, conflicts)
	for _, r := range together {
		switch {
		case r.position != nil:
			s.answer(r, eventstore.Appended{
				Last:     eventstore.Revision(r.last) + eventstore.Revision(r.records),
				Position: eventstore.NewPosition(uint64(*r.position), uint64(r.counts[len(r.counts)-1]-1)),
			}, nil)
		case r.known:
			s.answer(r, eventstore.Appended{}, &eventstore.ConflictError{
				Stream: r.stream, Expected: r.expected, Exists: *r.actual >= 0, Actual: eventstore.Revision(max(*r.actual, 0)),
			})
		default:
			r.last = *r.actual // any will do: that which is there
			again = append(again, r)
		}
	}
	return again
}

// lastOf is the last revision of a stream that is as expected: -1 for one that does not exist. It is not known where any is
// expected; then most streams that are written so are new.
func lastOf(expected eventstore.Expected) (last int64, known bool) {
	if expected == eventstore.Any() {
		return -1, false
	}
	if r, ok := expected.Revision(); ok {
		return int64(min(r, math.MaxInt64-1)), true // no stream is as long as that
	}
	return -1, true
}
