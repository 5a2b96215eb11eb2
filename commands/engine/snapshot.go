package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// A snapshot is, with big-endian integers, a text being 4 bytes of length and then its bytes:
//
//	16 bytes  "daybook snap v2\n"
//	text      the stream
//	 8 bytes  the revision of its last event
//	32 bytes  that event's hash
//	12 bytes  its recorded time: 8 bytes of seconds, 4 of nanoseconds
//	 8 bytes  the register's secret
//	          its timeline: 12 bytes of the last time, 8 of how much had passed by then, 4 bytes the number of marks, then
//	          each mark in 16 bytes: revision, how much had passed
//	 8 bytes  the number of keys in memory, then each key in 44 bytes: digest (16), request (16), first revision (8), number
//	          of events (4); in the order of the table
//	 8 bytes  the number of names in memory, then each in 16 bytes: digest, revision
//	          the runs of keys, and then those of names: 4 bytes their number, then each, oldest first: its name as a text, and
//	          4 bytes of its checksum
//	 rest     what the decider wrote
//	32 bytes  SHA-256 of everything before
const snapshotMagic = "daybook snap v" + SnapshotKind + "\n"

const (
	snapshotKeySize  = 44
	snapshotPairSize = 16
)

var errBadSnapshot = errors.New("the snapshot is damaged, or of another kind")

// contents is what a snapshot has, as it was at one moment. It is written while the stream goes on.
type contents struct {
	stream   string
	head     head
	secret   [8]byte
	time     timeline
	keys     [][]knownKey
	names    []runs.Entry
	keyRuns  []runs.ID
	nameRuns []runs.ID
	state    Frozen
}

// write writes the snapshot, and tells its length.
func (c *contents) write(to io.Writer) (int, error) {
	sum := sha256.New()
	w := &countingWriter{to: io.MultiWriter(to, sum)}
	if _, err := w.Write(c.appendRegister(nil)); err != nil {
		return w.n, err
	}
	if err := c.state.WriteSnapshot(w); err != nil {
		return w.n, err //nolint:wrapcheck // says what could not be written
	}
	_, err := w.Write(sum.Sum(nil))
	return w.n, err
}

func (c *contents) appendRegister(dst []byte) []byte {
	dst = append(dst, snapshotMagic...)
	dst = appendText(dst, c.stream)
	dst = binary.BigEndian.AppendUint64(dst, uint64(c.head.revision))
	dst = append(dst, c.head.hash[:]...)
	dst = appendTime(dst, c.head.recordedAt)
	dst = append(dst, c.secret[:]...)
	dst = appendTime(dst, c.time.last)
	dst = binary.BigEndian.AppendUint64(dst, uint64(c.time.passed))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(c.time.marks)))
	for _, m := range c.time.marks {
		dst = appendPair(dst, uint64(m.revision), uint64(m.passed))
	}
	count := 0
	for _, keys := range c.keys {
		count += len(keys)
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(count))
	for _, keys := range c.keys {
		for i := range keys {
			k := &keys[i]
			dst = append(dst, k.digest[:]...)
			dst = append(dst, k.request[:]...)
			dst = binary.BigEndian.AppendUint64(dst, uint64(k.first))
			dst = binary.BigEndian.AppendUint32(dst, k.count)
		}
	}
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(c.names)))
	for _, n := range c.names {
		dst = appendPair(dst, n.Digest, n.Place)
	}
	for _, list := range [...][]runs.ID{c.keyRuns, c.nameRuns} {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(list)))
		for _, id := range list {
			dst = binary.BigEndian.AppendUint32(appendText(dst, id.Name), id.Sum)
		}
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
}

func appendPair(dst []byte, a, b uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, a), b)
}

func appendTime(dst []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst, uint64(t.Unix())), uint32(t.Nanosecond()))
}

// restoreSnapshot makes the stream what it was when the snapshot was taken; where it fails, the stream is undefined.
func (s *stream[S, C, E]) restoreSnapshot(snapshot []byte) error {
	size := len(snapshot) - sha256.Size
	if size < 0 || sha256.Sum256(snapshot[:size]) != [sha256.Size]byte(snapshot[size:]) {
		return errBadSnapshot
	}
	r := reader{rest: snapshot[:size]}
	magic := r.take(len(snapshotMagic))
	if string(magic) != snapshotMagic || r.text() != s.name {
		return errBadSnapshot
	}
	s.head = head{exists: true, revision: eventstore.Revision(r.uint64())}
	copy(s.head.hash[:], r.take(len(s.head.hash)))
	s.head.recordedAt = r.time()
	s.register = r.register()
	keyRuns, nameRuns := r.runs(), r.runs()
	if r.short {
		return errBadSnapshot
	}
	if err := s.openRuns(keyRuns, nameRuns); err != nil {
		return err
	}
	state, err := s.decider.Restore(r.rest)
	if err != nil {
		return fmt.Errorf("restore the state: %w", err)
	}
	s.state = state
	return nil
}

// openRuns opens the runs that a snapshot names, and removes all others.
func (s *stream[S, C, E]) openRuns(keyRuns, nameRuns []runs.ID) error {
	if s.runs == nil {
		if len(keyRuns)+len(nameRuns) > 0 {
			return errBadSnapshot
		}
		return nil
	}
	var needed []string
	for set, list := range map[*runSet][]runs.ID{&s.register.oldKeys: keyRuns, &s.register.oldNames: nameRuns} {
		for _, id := range list {
			run, err := s.runs.Open(id)
			if err != nil {
				return err //nolint:wrapcheck // names the run
			}
			set.add(run)
			needed = append(needed, id.Name)
		}
	}
	if err := s.runs.Keep(needed); err != nil {
		s.log.Warn("what the snapshot does not need stays", "error", err)
	}
	return nil
}

// reader reads from the front of rest; past the end it reads zeros.
type reader struct {
	rest  []byte
	short bool
}

// register reads all of a register but its runs.
func (r *reader) register() *register {
	made := newRegister()
	copy(made.secret[:], r.take(len(made.secret)))
	made.time.last, made.time.passed = r.time(), time.Duration(r.uint64())
	for range r.count(uint64(r.uint32()), snapshotPairSize) {
		made.time.marks = append(made.time.marks, mark{eventstore.Revision(r.uint64()), time.Duration(r.uint64())})
	}
	count := r.count(r.uint64(), snapshotKeySize)
	keys := &keyTable{entries: make([]knownKey, 0, count), index: make(map[keyDigest]uint64, count)}
	for range count {
		k := knownKey{digest: keyDigest(r.take(16)), request: [16]byte(r.take(16))}
		k.first, k.count = eventstore.Revision(r.uint64()), r.uint32()
		keys.add(k)
	}
	made.keys = []*keyTable{keys}
	for range r.count(r.uint64(), snapshotPairSize) {
		made.names = append(made.names, runs.Entry{Digest: r.uint64(), Place: r.uint64()})
	}
	return made
}

// count tests how many items of a size are said to follow: no more than there can be.
func (r *reader) count(n uint64, size int) uint64 {
	if n > uint64(len(r.rest)/size) {
		r.short = true
		return 0
	}
	return n
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
func (r *reader) text() string   { return string(r.take(int(r.uint32()))) }

func (r *reader) runs() []runs.ID {
	var list []runs.ID
	for range r.count(uint64(r.uint32()), 8) {
		list = append(list, runs.ID{Name: r.text(), Sum: r.uint32()})
	}
	return list
}

func (r *reader) time() time.Time { return time.Unix(int64(r.uint64()), int64(r.uint32())).UTC() }

// countingWriter counts what it passes on.
type countingWriter struct {
	to io.Writer
	n  int
}

// Write implements [io.Writer].
func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.n += n
	return n, err //nolint:wrapcheck // of whoever writes
}
