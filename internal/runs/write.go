package runs

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"os"
)

// writer writes a run, entry by entry in their order.
type writer struct {
	run   *Run
	out   *bufio.Writer
	block []byte // the one being filled
}

const (
	bufferBytes = 256 << 10
	// syncBytes: what is written is put on the disk little by little, so that others who wait for the disk, as appends to
	// the log do, never wait for much of it.
	syncBytes = 4 << 20
)

// newWriter writes to a file a run of at most so many entries.
func newWriter(name string, file *os.File, room uint64) *writer {
	run := &Run{id: ID{Name: name}, file: file, filter: newFilter(room)}
	run.room, run.least = room, ^uint64(0)
	return &writer{run: run, out: bufio.NewWriterSize(&syncing{file: file}, bufferBytes), block: make([]byte, 0, blockBytes)}
}

func (w *writer) add(e Entry) error {
	r := w.run
	if len(w.block) == 0 {
		r.fences = append(r.fences, e.Digest)
	}
	w.block = binary.LittleEndian.AppendUint64(w.block, e.Digest)
	w.block = binary.LittleEndian.AppendUint64(w.block, e.Place)
	r.filter.add(e.Digest)
	r.entries++
	r.least, r.most = min(r.least, e.Place), max(r.most, e.Place)
	if len(w.block) < blockRoom*entryBytes {
		return nil
	}
	return w.flush()
}

// flush writes the block.
func (w *writer) flush() error {
	block := w.block[:blockBytes]
	clear(block[len(w.block):])
	sum := blockBytes - sumBytes
	binary.LittleEndian.PutUint32(block[sum:], crc32.Checksum(block[:sum], castagnoli))
	w.block = w.block[:0]
	// Without the sum: what ends with its own sum has always the same one.
	w.run.content = uint64(crc32.Update(uint32(w.run.content), castagnoli, block[:sum]))
	_, err := w.out.Write(block)
	return err
}

// finish writes what comes after the entries, and has all of it on the disk.
func (w *writer) finish() error {
	if len(w.block) > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	r := w.run
	b := make([]byte, 0, 8*(len(r.filter)+len(r.fences))+footerBytes)
	for _, words := range [][]uint64{r.filter, r.fences} {
		for _, word := range words {
			b = binary.LittleEndian.AppendUint64(b, word)
		}
	}
	b = r.append(b)
	r.id.Sum = crc32.Checksum(b, castagnoli)
	b = binary.LittleEndian.AppendUint32(b, r.id.Sum)
	if _, err := w.out.Write(b); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	return r.file.Sync()
}

// syncing puts on the disk what it writes, little by little.
type syncing struct {
	file  *os.File
	dirty int // bytes since the last sync
}

// Write implements [io.Writer].
func (s *syncing) Write(p []byte) (int, error) {
	n, err := s.file.Write(p)
	if s.dirty += n; err != nil || s.dirty < syncBytes {
		return n, err
	}
	s.dirty = 0
	return n, s.file.Sync()
}
