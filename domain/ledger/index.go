package ledger

// index finds items by their keys, where items have numbers that are given out in order. It keeps the numbers alone, not
// the keys: a slot is the upper half of a 64-bit word for part of the item's hash, its tag, and the lower half for its
// number, counted from 1 so that an empty slot is 0. Half the memory of a map, and the items stand in an order that is
// the same in every process.
//
// There is one table of slots until it would be larger than a bucket. From then on there are buckets, all of the same
// size, and one that is full is divided into two by the next upper bit of the tags: so an item that is added never moves
// more than some thousand others, however many there are (extendible hashing). An item takes 16 bytes in the mean.
type index struct {
	small table
	// buckets has 1<<depth places, one for each value of the tags' upper bits; nil while there is but the table. A bucket
	// that was divided less often than others stands in several places, one after another.
	buckets []*bucket
	depth   uint8
}

type bucket struct {
	slots [bucketSlots]uint64
	items int
	depth uint8 // how many upper bits its tags have in common
}

const (
	// bucketSlots are divided within some 30 µs.
	bucketSlots = 4096
	// mostDepth is enough for all numbers there are. Where it is not, because hashes are alike, the index is full.
	mostDepth = 20
	tagBits   = 32
)

// find gives the number of the item with this hash for which same is true.
func (x *index) find(hash uint64, same func(item uint32) bool) (item uint32, found bool) {
	if x.buckets == nil {
		return x.small.find(hash, same)
	}
	return find(x.buckets[hash>>(64-x.depth)].slots[:], hash, same)
}

// add adds an item that is not there.
func (x *index) add(hash uint64, item uint32) {
	if x.buckets == nil {
		if !full(x.small.items, bucketSlots) {
			x.small.add(hash, item)
			return
		}
		x.buckets = []*bucket{new(bucket)}
		x.buckets[0].fill(x.small.slots)
		x.small = table{}
	}
	b := x.buckets[hash>>(64-x.depth)]
	for full(b.items, bucketSlots) {
		x.divide(b, hash)
		b = x.buckets[hash>>(64-x.depth)]
	}
	put(b.slots[:], wordOf(hash, item))
	b.items++
}

// remove takes out an item that is there.
func (x *index) remove(hash uint64, item uint32) {
	if x.buckets == nil {
		remove(x.small.slots, wordOf(hash, item))
		x.small.items--
		return
	}
	b := x.buckets[hash>>(64-x.depth)]
	remove(b.slots[:], wordOf(hash, item))
	b.items--
}

// reserve makes room for a number of items in an index that has none.
func (x *index) reserve(items int) {
	if !full(items, bucketSlots) {
		x.small.reset(items)
		return
	}
	for items>>x.depth > bucketSlots*5/8 {
		x.depth++
	}
	x.buckets = make([]*bucket, 1<<x.depth)
	for i := range x.buckets {
		x.buckets[i] = &bucket{depth: x.depth}
	}
}

// divide puts two buckets in the place of the full one that the hash belongs to.
func (x *index) divide(b *bucket, hash uint64) {
	if b.depth == mostDepth {
		panic("ledger: the hashes of an index are alike")
	}
	if b.depth == x.depth {
		doubled := make([]*bucket, 2*len(x.buckets))
		for i, b := range x.buckets {
			doubled[2*i], doubled[2*i+1] = b, b
		}
		x.buckets, x.depth = doubled, x.depth+1
	}
	depth := b.depth + 1
	halves := [2]*bucket{{depth: depth}, {depth: depth}}
	for _, word := range b.slots {
		if word != 0 {
			half := halves[word>>(64-depth)&1]
			put(half.slots[:], word)
			half.items++
		}
	}
	each := 1 << (x.depth - depth)
	first := int(hash>>(64-b.depth)) * 2 * each
	for i := range each {
		x.buckets[first+i], x.buckets[first+each+i] = halves[0], halves[1]
	}
}

func (b *bucket) fill(slots []uint64) {
	for _, word := range slots {
		if word != 0 {
			put(b.slots[:], word)
			b.items++
		}
	}
}
