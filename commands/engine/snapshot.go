package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
)

// A snapshot is, with big-endian integers:
//
//	16 bytes  "daybook snap v1\n"
//	text      the stream: 4 bytes of length, then the name
//	 8 bytes  the revision of its last event
//	32 bytes  that event's hash
//	12 bytes  its recorded time: 8 bytes of seconds, 4 of nanoseconds
//	 8 bytes  the number of keys, then each key in 52 bytes: digest (16), request (16), recorded seconds (8),
//	          first revision (8), number of events (4); in the order of the table
//	 rest     what the decider wrote
//	32 bytes  SHA-256 of everything before
const snapshotMagic = "daybook snap v1\n"

const snapshotKeySize = 52

var errBadSnapshot = errors.New("the snapshot is damaged, or of another kind")

func (s *stream[S, C, E]) appendSnapshot(dst []byte) []byte {
	dst = append(dst, snapshotMagic...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.name)))
	dst = append(dst, s.name...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.head.revision))
	dst = append(dst, s.head.hash[:]...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.head.recordedAt.Unix()))
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.head.recordedAt.Nanosecond()))
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(s.keys.entries)))
	for i := range s.keys.entries {
		k := &s.keys.entries[i]
		dst = append(dst, k.digest[:]...)
		dst = append(dst, k.request[:]...)
		dst = binary.BigEndian.AppendUint64(dst, uint64(k.recorded))
		dst = binary.BigEndian.AppendUint64(dst, uint64(k.first))
		dst = binary.BigEndian.AppendUint32(dst, k.count)
	}
	dst = s.decider.Snapshot(s.state, dst)
	sum := sha256.Sum256(dst)
	return append(dst, sum[:]...)
}

// restoreSnapshot makes the stream what it was when the snapshot was taken; where it fails, the stream is undefined.
func (s *stream[S, C, E]) restoreSnapshot(snapshot []byte) error {
	size := len(snapshot) - sha256.Size
	if size < 0 || sha256.Sum256(snapshot[:size]) != [sha256.Size]byte(snapshot[size:]) {
		return errBadSnapshot
	}
	r := reader{rest: snapshot[:size]}
	magic := r.take(len(snapshotMagic))
	name := r.take(int(r.uint32()))
	if string(magic) != snapshotMagic || string(name) != s.name {
		return errBadSnapshot
	}
	s.head = head{exists: true, revision: eventstore.Revision(r.uint64())}
	copy(s.head.hash[:], r.take(len(s.head.hash)))
	s.head.recordedAt = time.Unix(int64(r.uint64()), int64(r.uint32())).UTC()
	count := r.uint64()
	if count > uint64(len(r.rest))/snapshotKeySize {
		return errBadSnapshot
	}
	s.keys = keyTable{entries: make([]knownKey, 0, count), index: make(map[keyDigest]uint64, count)}
	for range count {
		k := knownKey{digest: keyDigest(r.take(16)), request: [16]byte(r.take(16))}
		k.recorded, k.first, k.count = int64(r.uint64()), eventstore.Revision(r.uint64()), r.uint32()
		s.keys.add(k)
	}
	if r.short {
		return errBadSnapshot
	}
	state, err := s.decider.Restore(r.rest)
	if err != nil {
		return fmt.Errorf("restore the state: %w", err)
	}
	s.state = state
	return nil
}

// reader reads from the front of rest; past the end it reads zeros.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.short, r.rest = true, nil
		return bytes.Repeat([]byte{0}, min(max(n, 0), 64))
	}
	p := r.rest[:n]
	r.rest = r.rest[n:]
	return p
}

func (r *reader) uint32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }
