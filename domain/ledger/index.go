package ledger

// index finds the items of a slice by their keys, where the slice is only ever added to and taken from at its end. It
// keeps item numbers alone, not keys: a slot is the upper half of a 64-bit word for part of the item's hash and the
// lower half for its number, counted from 1 so that an empty slot is 0. Half the memory of a map, and the slice gives
// it an order that is the same in every process.
//
// It probes linearly. Removing only what was added last makes it safe to just empty the slot: no item that is still
// there was ever probed past it.
type index struct {
	slots []uint64
	items int
}

// find gives the number of the item with this hash for which same is true.
func (x *index) find(hash uint64, same func(item uint32) bool) (item uint32, found bool) {
	if len(x.slots) == 0 {
		return 0, false
	}
	mask := uint64(len(x.slots) - 1)
	tag := hash >> 32
	for at := tag & mask; ; at = (at + 1) & mask {
		slot := x.slots[at]
		if slot == 0 {
			return 0, false
		}
		if slot>>32 == tag && same(uint32(slot)-1) {
			return uint32(slot) - 1, true
		}
	}
}

// add adds an item that is not there.
func (x *index) add(hash uint64, item uint32) {
	if (x.items+1)*4 > len(x.slots)*3 {
		x.grow()
	}
	x.put(hash&^uint64(1<<32-1) | uint64(item+1))
	x.items++
}

// remove takes out the item that was added last of those that are there.
func (x *index) remove(hash uint64, item uint32) {
	mask := uint64(len(x.slots) - 1)
	wanted := hash&^uint64(1<<32-1) | uint64(item+1)
	for at := hash >> 32 & mask; ; at = (at + 1) & mask {
		if x.slots[at] == wanted {
			x.slots[at] = 0
			x.items--
			return
		}
	}
}

// reset empties the index and makes room for a number of items.
func (x *index) reset(items int) {
	size := 16
	for size*3 < items*4 {
		size *= 2
	}
	if size > cap(x.slots) {
		x.slots = make([]uint64, size)
	}
	x.slots = x.slots[:size]
	clear(x.slots)
	x.items = 0
}

func (x *index) put(word uint64) {
	mask := uint64(len(x.slots) - 1)
	at := word >> 32 & mask
	for x.slots[at] != 0 {
		at = (at + 1) & mask
	}
	x.slots[at] = word
}

// grow doubles the slots. Items move in the order of their numbers, which keeps the last one added the last to probe.
func (x *index) grow() {
	old := x.slots
	x.slots = make([]uint64, max(16, 2*len(old)))
	byItem := make([]uint64, x.items)
	for _, word := range old {
		if word != 0 {
			byItem[uint32(word)-1] = word
		}
	}
	for _, word := range byItem {
		x.put(word)
	}
}

// reserve makes room for a number of items in an index that has none.
func (x *index) reserve(items int) {
	if items > 0 {
		x.reset(items)
	}
}
