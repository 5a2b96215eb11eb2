package runs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sort"
)

// A run is, with little-endian integers:
//
//	blocks  4,096 bytes each: up to 255 entries of 16 (digest, place), zeros, and as the last 4 bytes the CRC-32C of the
//	        rest. All but the last are full
//	filter  8 bytes a word
//	fences  8 bytes for each block: its first digest
//	footer  8 bytes  "daybrun1"
//	        8 bytes  number of entries
//	        8 bytes  number of entries that the filter has room for
//	        8 bytes  least place
//	        8 bytes  greatest place
//	        8 bytes  CRC-32C of the blocks, without their last 4 bytes
//	        4 bytes  CRC-32C of filter, fences and footer before it, by which the run is known
const (
	magic       = "daybrun1"
	entryBytes  = 16
	blockBytes  = 4096
	blockRoom   = 255
	sumBytes    = 4
	footerBytes = 8 + 5*8 + sumBytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Run is a run whose filter and fences are in memory. Its methods are safe for concurrent use.
type Run struct {
	footer

	id     ID
	file   *os.File
	filter filter
	fences []uint64
}

type footer struct{ entries, room, least, most, content uint64 }

func (f footer) blocks() uint64 { return (f.entries + blockRoom - 1) / blockRoom }

func (f footer) append(b []byte) []byte {
	b = append(b, magic...)
	for _, n := range []uint64{f.entries, f.room, f.least, f.most, f.content} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// ID tells a run from any other, whatever the names of their files.
type ID struct {
	// Name is that of the file.
	Name string
	// Sum is the checksum of its footer, in which every entry counts.
	Sum uint32
}

// ID tells which run it is.
func (r *Run) ID() ID { return r.id }

// Name is the name of its file.
func (r *Run) Name() string { return r.id.Name }

// Entries is the number of its entries, of which there is at least one.
func (r *Run) Entries() int { return int(r.entries) }

// Most is the greatest place in it.
func (r *Run) Most() uint64 { return r.most }

// Bytes is what it takes of memory.
func (r *Run) Bytes() int { return 8 * (len(r.filter) + len(r.fences)) }

// Close gives its file back.
func (r *Run) Close() error { return r.file.Close() }

// Find appends the places of the entries with a digest, least first.
func (r *Run) Find(places []uint64, digest uint64) ([]uint64, error) {
	if !r.filter.has(digest) {
		return places, nil
	}
	// The first block that may have it is the one before the first that begins with it or after it.
	at := sort.Search(len(r.fences), func(i int) bool { return r.fences[i] >= digest })
	var block [blockBytes]byte
	for at = max(at-1, 0); at < len(r.fences) && r.fences[at] <= digest; at++ {
		if _, err := r.file.ReadAt(block[:], int64(at)*blockBytes); err != nil {
			return places, fmt.Errorf("%w: %s: %w", ErrDamaged, r.Name(), err)
		}
		entries, err := r.open(block[:], uint64(at))
		if err != nil {
			return places, err
		}
		for ; len(entries) > 0; entries = entries[entryBytes:] {
			if e := entryOf(entries); e.Digest == digest {
				places = append(places, e.Place)
			}
		}
	}
	return places, nil
}

// open tests a block, and gives the bytes of its entries.
func (r *Run) open(block []byte, at uint64) ([]byte, error) {
	const sum = blockBytes - sumBytes
	if binary.LittleEndian.Uint32(block[sum:]) != crc32.Checksum(block[:sum], castagnoli) {
		return nil, fmt.Errorf("%w: %s: block %d has another checksum", ErrDamaged, r.Name(), at)
	}
	return block[:entryBytes*min(blockRoom, r.entries-at*blockRoom)], nil
}

func entryOf(b []byte) Entry {
	return Entry{Digest: binary.LittleEndian.Uint64(b), Place: binary.LittleEndian.Uint64(b[8:])}
}

// load reads what is in memory of a run.
func load(name string, file *os.File) (*Run, error) {
	r := &Run{id: ID{Name: name}, file: file}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	b, err := r.readFooter(info.Size())
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	r.filter = make(filter, filterWords(r.room))
	r.fences = make([]uint64, r.blocks())
	for _, words := range [][]uint64{r.filter, r.fences} {
		for i := range words {
			words[i] = binary.LittleEndian.Uint64(b)
			b = b[8:]
		}
	}
	return r, nil
}

var errOther = errors.New("it is cut short, or something else")

// readFooter reads the footer, and gives the bytes of the filter and the fences.
func (r *Run) readFooter(size int64) ([]byte, error) {
	var end [footerBytes]byte
	if _, err := r.file.ReadAt(end[:], max(size-footerBytes, 0)); err != nil {
		return nil, err
	}
	if string(end[:len(magic)]) != magic {
		return nil, errOther
	}
	numbers := end[len(magic):]
	for _, n := range []*uint64{&r.entries, &r.room, &r.least, &r.most, &r.content} {
		*n = binary.LittleEndian.Uint64(numbers)
		numbers = numbers[8:]
	}
	const most = 1 << 40 // no file comes to more; it keeps the sums from overflowing
	if r.entries == 0 || r.entries > r.room || r.room > most {
		return nil, errOther
	}
	first, words := r.blocks()*blockBytes, filterWords(r.room)+r.blocks()
	if size < 0 || uint64(size) != first+8*words+footerBytes {
		return nil, errOther
	}
	b := make([]byte, 8*words+footerBytes)
	if _, err := r.file.ReadAt(b, int64(first)); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	sum := len(b) - sumBytes
	if r.id.Sum = binary.LittleEndian.Uint32(b[sum:]); r.id.Sum != crc32.Checksum(b[:sum], castagnoli) {
		return nil, errOther
	}
	return b, nil
}
