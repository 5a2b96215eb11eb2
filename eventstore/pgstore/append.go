package pgstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

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
}

func newRequest(stream string, expected eventstore.Expected, records []eventstore.Record) *request {
	r := &request{stream: stream, expected: expected, parts: rowlog.Encode(records), records: len(records)}
	for _, part := range r.parts {
		r.counts = append(r.counts, int32(part.Count))
		r.payloads = append(r.payloads, part.Payload)
		r.bytes += len(part.Payload)
	}
	return r
}

// seal makes the payloads those of rows that follow a revision; -1 for none.
func (r *request) seal(last int64) {
	next := last + 1
	for _, part := range r.parts {
		part.Seal(r.stream, next)
		next += int64(part.Count)
	}
}

// take waits for a connection and writes. Until it has one nothing was written.
func (s *Store) take(ctx context.Context, r *request) (eventstore.Appended, error) {
	if err := ctx.Err(); err != nil {
		return eventstore.Appended{}, err //nolint:wrapcheck // wrapped by Append
	}
	if err := s.gate.enter(r.bytes); err != nil {
		return eventstore.Appended{}, err
	}
	defer s.gate.leave()
	conn, err := s.appends.Acquire(ctx)
	s.gate.pass(r.bytes)
	if err != nil {
		if ctx.Err() != nil {
			return eventstore.Appended{}, ctx.Err() //nolint:wrapcheck // wrapped by Append
		}
		err = fmt.Errorf("%w: connect: %w", eventstore.ErrUnavailable, err)
		s.metrics.Failed(1, err)
		return eventstore.Appended{}, err
	}
	defer conn.Release()
	return s.write(context.WithoutCancel(ctx), conn, r)
}

// write writes until the outcome is known, or cannot be known.
func (s *Store) write(ctx context.Context, conn *pgxpool.Conn, r *request) (eventstore.Appended, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	start := time.Now()
	last, known := lastOf(r.expected)
	for {
		r.seal(last)
		var position, actual *int64
		err := conn.QueryRow(ctx, `SELECT written, actual FROM eventstore.append($1, $2, $3, $4)`,
			r.stream, last, r.counts, r.payloads).Scan(&position, &actual)
		switch {
		case err != nil:
			s.distrust(err)
			s.tell() // it may be there
			err = outcome(err)
			s.metrics.Failed(1, err)
			return eventstore.Appended{}, err
		case position != nil:
			s.metrics.Committed(time.Since(start), 1, r.records, 0)
			s.tell()
			return eventstore.Appended{
				Last:     eventstore.Revision(last) + eventstore.Revision(r.records),
				Position: eventstore.NewPosition(uint64(*position), uint64(r.counts[len(r.counts)-1]-1)),
			}, nil
		case known:
			s.metrics.Committed(time.Since(start), 0, 0, 1)
			return eventstore.Appended{}, &eventstore.ConflictError{
				Stream: r.stream, Expected: r.expected, Exists: *actual >= 0, Actual: eventstore.Revision(max(*actual, 0)),
			}
		}
		last = *actual // any will do: that which is there
	}
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
