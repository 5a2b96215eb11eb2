package rowlog

import (
	"errors"
	"fmt"

	"github.com/daybook-ledger/daybook/eventstore"
)

// Chunks gives rows as chunks, one each, without looking into them. The rows share what is remembered of their types: only
// one goroutine at a time may open chunks of the same call.
func Chunks(rows []Row) []eventstore.Chunk {
	types := &names{}
	chunks := make([]eventstore.Chunk, len(rows))
	for i := range rows {
		r := &rows[i]
		chunks[i] = eventstore.Chunk{
			Stream: r.Stream, First: eventstore.Revision(r.FirstRevision), Count: int(r.Count),
			Last: r.place(r.Count - 1),
			Open: func(dst []eventstore.Recorded) ([]eventstore.Recorded, error) {
				dst, fault := r.salvage(dst, types)
				if fault != nil {
					return dst, fmt.Errorf("row %d of the log: %w", r.Position, fault)
				}
				return dst, nil
			},
		}
	}
	return chunks
}

// salvage appends the records of a row; of a damaged one as many as there seem to be.
func (r *Row) salvage(dst []eventstore.Recorded, types *names) ([]eventstore.Recorded, error) {
	records, fault := r.open()
	if fault != nil && len(r.Payload) >= headerBytes+checksumBytes {
		records.rest = r.Payload[headerBytes : len(r.Payload)-checksumBytes]
	}
	if r.Stream == "" {
		fault = errors.Join(fault, errNoStream)
	}
	for i := range r.Count {
		record, err := records.next(types)
		if err != nil {
			return dst, errors.Join(fault, err)
		}
		dst = append(dst, r.recorded(record, i))
	}
	return dst, errors.Join(fault, records.finish())
}
