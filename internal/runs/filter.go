package runs

import "math/bits"

// filter tells of a digest that it is not there, or that it may be: a Bloom filter in blocks of 64 bytes, so that a look
// costs one miss of the processor's cache.
type filter []uint64

const (
	filterBits   = 12 // of each entry
	blockWords   = 8
	probes       = 6
	probeBits    = 9 // to choose one of a block's 512 bits
	spreadFactor = 0x9E3779B97F4A7C15
)

func newFilter(entries uint64) filter { return make(filter, filterWords(entries)) }

func filterWords(entries uint64) uint64 {
	const blockBits = blockWords * 64
	return (entries*filterBits + blockBits - 1) / blockBits * blockWords
}

// block gives the block that a digest belongs to, and the bits that choose in it.
func (f filter) block(digest uint64) (block []uint64, choice uint64) {
	at, _ := bits.Mul64(digest, uint64(len(f)/blockWords))
	return f[at*blockWords:][:blockWords], digest * spreadFactor
}

func (f filter) add(digest uint64) {
	block, choice := f.block(digest)
	for range probes {
		bit := choice >> (64 - probeBits)
		block[bit/64] |= 1 << (bit % 64)
		choice <<= probeBits
	}
}

func (f filter) has(digest uint64) bool {
	if len(f) == 0 {
		return false
	}
	block, choice := f.block(digest)
	for range probes {
		bit := choice >> (64 - probeBits)
		if block[bit/64]&(1<<(bit%64)) == 0 {
			return false
		}
		choice <<= probeBits
	}
	return true
}
