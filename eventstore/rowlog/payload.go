package rowlog

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
//	checksum  4 bytes  CRC-32C of all before it, then the key of the row's stream and, in 8 bytes, its first revision
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

// Part is an append, or a part of one, that becomes a row.
type Part struct {
	// Count is the number of its records.
	Count int
	// Payload is what the row holds, complete when the part is sealed.
	Payload []byte
}

// Encode encodes the records of one append. The checksums are left to [Part.Seal].
func Encode(records []eventstore.Record) []Part {
	var parts []Part
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
		parts = append(parts, Part{Count: end - first, Payload: encode(records[first:end], size)})
		first = end
	}
	return parts
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

// Seal writes the checksum, now that it is known where the row comes to stand. A part may be sealed again, for another
// place.
func (p Part) Seal(key string, firstRevision int64) {
	body := len(p.Payload) - checksumBytes
	binary.BigEndian.PutUint32(p.Payload[body:], checksum(p.Payload[:body], key, firstRevision))
}

func checksum(body []byte, key string, firstRevision int64) uint32 {
	place := make([]byte, 0, len(key)+8)
	place = append(place, key...)
	place = binary.BigEndian.AppendUint64(place, uint64(firstRevision))
	return crc32.Update(crc32.Checksum(body, castagnoli), castagnoli, place)
}

// open tests the payload of a row against its checksum and the row, and gives its records to be read one by one.
func (r *Row) open() (payloadReader, error) {
	body := len(r.Payload) - checksumBytes
	if body < headerBytes {
		return payloadReader{}, fmt.Errorf("a payload of %d bytes", len(r.Payload))
	}
	if r.Payload[0] != payloadVersion {
		return payloadReader{}, fmt.Errorf("a payload of version %d, known is %d", r.Payload[0], payloadVersion)
	}
	if want := binary.BigEndian.Uint32(r.Payload[body:]); want != checksum(r.Payload[:body], r.Key, r.FirstRevision) {
		return payloadReader{}, errors.New("the checksum does not match")
	}
	if held := binary.BigEndian.Uint32(r.Payload[1:headerBytes]); int64(held) != r.Count {
		return payloadReader{}, fmt.Errorf("the payload holds %d records, the row says %d", held, r.Count)
	}
	return payloadReader{rest: r.Payload[headerBytes:body:body]}, nil
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

// finish tells whether there is more than records.
func (p *payloadReader) finish() error {
	if len(p.rest) > 0 {
		return fmt.Errorf("%d bytes after the last record", len(p.rest))
	}
	return nil
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
