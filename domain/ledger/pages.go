package ledger

import "slices"

// pages keeps items by their numbers 0, 1, 2 … in pieces of the same size. Adding an item moves no other. All items can be
// frozen, to be read by another goroutine as they are, at the cost of a list of the pieces; a piece is copied when one of
// its items is changed for the first time after that.
type pages[T any] struct {
	list   []*[pageItems]T
	length uint32

	// made has for each page how often the items had been frozen when it was made or copied: one that was made before the
	// last time belongs to the frozen items too. frozen is whether somebody may still be reading those.
	made    []uint32
	freezes uint32
	frozen  bool
}

const pageItems = 256

func (x *pages[T]) len() uint32 { return x.length }

// at gives an item to be read.
func (x *pages[T]) at(i uint32) *T { return &x.list[i/pageItems][i%pageItems] }

// edit gives an item to be changed. Pointers to it from before are not to be used any more.
func (x *pages[T]) edit(i uint32) *T {
	if x.frozen {
		x.part(i / pageItems)
	}
	return x.at(i)
}

// part makes sure that a page belongs to nobody else.
func (x *pages[T]) part(page uint32) {
	if x.made[page] != x.freezes {
		items := *x.list[page]
		x.list[page], x.made[page] = &items, x.freezes
	}
}

// add adds an item. Who reads frozen items does not see beyond the last of them, so their last page takes it as it is.
func (x *pages[T]) add(item T) {
	if x.length/pageItems == uint32(len(x.list)) {
		x.list, x.made = append(x.list, new([pageItems]T)), append(x.made, x.freezes)
	}
	*x.at(x.length) = item
	x.length++
}

// truncate keeps the first n items, which are no less than were ever frozen.
func (x *pages[T]) truncate(n uint32) {
	whole := (n + pageItems - 1) / pageItems
	clear(x.list[whole:])
	x.list, x.made, x.length = x.list[:whole], x.made[:whole], n
}

// freeze gives the items as they are now, and as they stay until thaw.
func (x *pages[T]) freeze() pages[T] {
	x.freezes++
	x.frozen = true
	return pages[T]{list: slices.Clone(x.list), length: x.length}
}

// thaw says that nobody reads the frozen items any more.
func (x *pages[T]) thaw() { x.frozen = false }

// all yields the items' numbers and the items, to be read.
func (x *pages[T]) all(yield func(uint32, *T) bool) {
	for i := range x.length {
		if !yield(i, x.at(i)) {
			return
		}
	}
}
