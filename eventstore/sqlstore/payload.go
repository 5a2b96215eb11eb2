package sqlstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/daybook-ledger/daybook/eventstore"
)

// The payload of a row, all numbers big-endian:
//
//	version   1 byte   1
//	count     4 bytes  number of records
//	count ×   id       16 bytes
//	          type     1 byte length, then the bytes
//	          data     4 bytes length, then the bytes
//	          metadata 4 bytes length, then the bytes
//	checksum  4 bytes  CRC-32C of all before it, then the row's stream_id and first_revision, 8 bytes each
//
// The checksum covers where the row stands too, so that a payload that got into another row is noticed.
const (
	payloadVersion = 1
	headerBytes    = 1 + 4
	recordBytes    = 16 + 1 + 4 + 4 // of a record, besides type, data and metadata
	checksumBytes  = 4

	// The records of one append are split into rows at these. A larger record has a row of its own.
	maxRowRecords = 1000
	maxRowBytes   = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // a constant

// row is a part of an append, as it is stored.
type row struct {
	count   int
	payload []byte
}

// encodeRows encodes the records of one append. The checksums are left to [row.seal].
func encodeRows(records []eventstore.Record) []row {
	var rows []row
	for first := 0; first < len(records); {
		size, end := headerBytes+checksumBytes, first
		for end < len(records) && end-first < maxRowRecords {
			next := encodedBytes(&records[end])
			if end > first && size+next > maxRowBytes {
				break
			}
			size += next
			end++
		}
		rows = append(rows, row{count: end - first, payload: encode(records[first:end], size)})
		first = end
	}
	return rows
}

func encodedBytes(r *eventstore.Record) int {
	return recordBytes + len(r.Type) + len(r.Data) + len(r.Metadata)
}

func encode(records []eventstore.Record, size int) []byte {
	p := make([]byte, 0, size)
	p = append(p, payloadVersion)
	p = binary.BigEndian.AppendUint32(p, uint32(len(records)))
	for i := range records {
		r := &records[i]
		p = append(p, r.ID[:]...)
		p = append(p, byte(len(r.Type)))
		p = append(p, r.Type...)
		p = binary.BigEndian.AppendUint32(p, uint32(len(r.Data)))
		p = append(p, r.Data...)
		p = binary.BigEndian.AppendUint32(p, uint32(len(r.Metadata)))
		p = append(p, r.Metadata...)
	}
	return p[:size]
}

// seal writes the checksum, now that it is known where the row comes to stand.
func (r row) seal(streamID, firstRevision int64) {
	body := len(r.payload) - checksumBytes
	binary.BigEndian.PutUint32(r.payload[body:], checksum(r.payload[:body], streamID, firstRevision))
}

func checksum(body []byte, streamID, firstRevision int64) uint32 {
	var place [16]byte
	binary.BigEndian.PutUint64(place[:8], uint64(streamID))
	binary.BigEndian.PutUint64(place[8:], uint64(firstRevision))
	return crc32.Update(crc32.Checksum(body, castagnoli), castagnoli, place[:])
}

// openPayload tests a payload against its checksum and its row, and gives its records to be read one by one.
func openPayload(payload []byte, streamID, firstRevision int64, count int) (payloadReader, error) {
	body := len(payload) - checksumBytes
	if body < headerBytes {
		return payloadReader{}, fmt.Errorf("a payload of %d bytes", len(payload))
	}
	if payload[0] != payloadVersion {
		return payloadReader{}, fmt.Errorf("a payload of version %d, known is %d", payload[0], payloadVersion)
	}
	if want := binary.BigEndian.Uint32(payload[body:]); want != checksum(payload[:body], streamID, firstRevision) {
		return payloadReader{}, errors.New("the checksum does not match")
	}
	if held := binary.BigEndian.Uint32(payload[1:headerBytes]); int64(held) != int64(count) {
		return payloadReader{}, fmt.Errorf("the payload holds %d records, the row says %d", held, count)
	}
	return payloadReader{rest: payload[headerBytes:body:body]}, nil
}

// payloadReader reads records off a payload. Their slices share its bytes, each with no room to grow into the next.
type payloadReader struct{ rest []byte }

var errTruncated = errors.New("a record ends early")

func (p *payloadReader) next(types *names) (r eventstore.Record, err error) {
	if len(p.rest) < recordBytes {
		return r, errTruncated
	}
	copy(r.ID[:], p.rest)
	typeEnd := 17 + int(p.rest[16])
	if len(p.rest) < typeEnd {
		return r, errTruncated
	}
	r.Type = types.name(p.rest[17:typeEnd])
	p.rest = p.rest[typeEnd:]
	if r.Data, err = p.bytes(); err != nil {
		return r, err
	}
	r.Metadata, err = p.bytes()
	return r, err
}

func (p *payloadReader) bytes() ([]byte, error) {
	if len(p.rest) < 4 {
		return nil, errTruncated
	}
	n := uint64(binary.BigEndian.Uint32(p.rest))
	if uint64(len(p.rest)-4) < n {
		return nil, errTruncated
	}
	b := p.rest[4 : 4+n : 4+n]
	p.rest = p.rest[4+n:]
	return b, nil
}

// names makes strings of bytes, the same one for the same bytes while there are few: types are.
type names struct{ known map[string]string }

func (n *names) name(b []byte) string {
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	s := string(b)
	if n.known == nil {
		n.known = map[string]string{}
	}
	if len(n.known) < 256 {
		n.known[s] = s
	}
	return s
}
