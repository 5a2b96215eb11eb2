package engine

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"github.com/daybook-ledger/daybook/eventstore"
	"github.com/daybook-ledger/daybook/internal/runs"
)

// SnapshotKind tells snapshots of this form from others, which cannot be read. What the decider writes has a form of its own.
const SnapshotKind = "2"

// Open opens the snapshot of a stream that was saved last, at its beginning, and tells the revision of its last event and the runs
// that it refers to. It gives an error that is [fs.ErrNotExist] where there is none. The caller closes the file, which stays what it is
// when others are saved.
func (f *SnapshotFiles) Open(stream string) (file *os.File, revision eventstore.Revision, needs []runs.ID, err error) {
	if file, err = os.Open(f.path(stream)); err != nil {
		return nil, 0, nil, fmt.Errorf("open a snapshot: %w", err)
	}
	s := skimmer{in: bufio.NewReaderSize(file, 64<<10)}
	revision, needs = s.skim(stream)
	if s.err == nil {
		_, s.err = file.Seek(0, io.SeekStart)
	}
	if s.err != nil {
		_ = file.Close() // nothing was written
		return nil, 0, nil, fmt.Errorf("open a snapshot: %w", s.err)
	}
	return file, revision, needs, nil
}

// skimmer reads what there is to know of a snapshot without taking it into memory. After an error it reads zeros.
type skimmer struct {
	in  *bufio.Reader
	err error
}

// skim reads on to the end of the register.
func (s *skimmer) skim(stream string) (revision eventstore.Revision, needs []runs.ID) {
	if string(s.take(len(snapshotMagic))) != snapshotMagic || s.text() != stream {
		s.fail(errBadSnapshot)
	}
	revision = eventstore.Revision(s.uint64())
	s.skip(1, 32+12+8+12+8) // hash, recorded time, secret, the timeline's last time and what had passed
	s.skip(uint64(s.uint32()), snapshotPairSize)
	s.skip(s.uint64(), snapshotKeySize)
	s.skip(s.uint64(), snapshotPairSize)
	for range 2 {
		for n := s.uint32(); n > 0 && s.err == nil; n-- {
			needs = append(needs, runs.ID{Name: s.text(), Sum: s.uint32()})
		}
	}
	return revision, needs
}

func (s *skimmer) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *skimmer) take(n int) []byte {
	const most = 4096 // no text is longer
	if n < 0 || n > most {
		s.fail(errBadSnapshot)
		n = 0
	}
	p := make([]byte, n)
	if s.err == nil {
		_, s.err = io.ReadFull(s.in, p)
	}
	return p
}

// skip passes over so many items of a size.
func (s *skimmer) skip(n uint64, size int) {
	const most = 1 << 32 // more than a file has
	if n > most {
		s.fail(errBadSnapshot)
	}
	for ; n > 0 && s.err == nil; n-- {
		_, s.err = s.in.Discard(size)
	}
}

func (s *skimmer) uint32() uint32 { return binary.BigEndian.Uint32(s.take(4)) }
func (s *skimmer) uint64() uint64 { return binary.BigEndian.Uint64(s.take(8)) }
func (s *skimmer) text() string   { return string(s.take(int(s.uint32()))) }
