package ledger

// table is a small index by itself: it doubles when it is full.
type table struct {
	slots []uint64
	items int
}

const leastSlots = 16

func (t *table) find(hash uint64, same func(item uint32) bool) (item uint32, found bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	return find(t.slots, hash, same)
}

// add adds an item that is not there.
func (t *table) add(hash uint64, item uint32) {
	if full(t.items, len(t.slots)) {
		old := t.slots
		t.slots = make([]uint64, max(leastSlots, 2*len(old)))
		for _, word := range old {
			if word != 0 {
				put(t.slots, word)
			}
		}
	}
	put(t.slots, wordOf(hash, item))
	t.items++
}

// reset empties the table and makes room for a number of items.
func (t *table) reset(items int) {
	size := leastSlots
	for full(items-1, size) {
		size *= 2
	}
	if size > cap(t.slots) {
		t.slots = make([]uint64, size)
	}
	t.slots = t.slots[:size]
	clear(t.slots)
	t.items = 0
}

// The rest is about slots, of which there is a power of two. They are probed linearly.

// full tells whether so many slots have no room for another item.
func full(items, slots int) bool { return (items+1)*4 > slots*3 }

func wordOf(hash uint64, item uint32) uint64 { return hash&^uint64(1<<tagBits-1) | uint64(item+1) }

func find(slots []uint64, hash uint64, same func(item uint32) bool) (item uint32, found bool) {
	mask := uint64(len(slots) - 1)
	tag := hash >> tagBits
	for at := tag & mask; ; at = (at + 1) & mask {
		slot := slots[at]
		if slot == 0 {
			return 0, false
		}
		if slot>>tagBits == tag && same(uint32(slot)-1) {
			return uint32(slot) - 1, true
		}
	}
}

func put(slots []uint64, word uint64) {
	mask := uint64(len(slots) - 1)
	at := word >> tagBits & mask
	for slots[at] != 0 {
		at = (at + 1) & mask
	}
	slots[at] = word
}

// remove empties the slot of a word that is there, and moves into it whatever would not be found any more across an
// empty one.
func remove(slots []uint64, word uint64) {
	mask := uint64(len(slots) - 1)
	at := word >> tagBits & mask
	for slots[at] != word {
		at = (at + 1) & mask
	}
	for next := (at + 1) & mask; slots[next] != 0; next = (next + 1) & mask {
		home := slots[next] >> tagBits & mask
		if (next-home)&mask >= (next-at)&mask {
			slots[at] = slots[next]
			at = next
		}
	}
	slots[at] = 0
}
