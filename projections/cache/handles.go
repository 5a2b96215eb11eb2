package cache

import "unique"

// Handles makes handles of values, which make better keys than texts do: two handles are compared by one word. It spares
// looking for the handle where the same value comes again and again. It is not safe for concurrent use.
type Handles[T comparable] struct {
	last unique.Handle[T]
	any  bool
}

// Of is the handle of a value. It does not keep alive what the value is a part of.
func (h *Handles[T]) Of(value T) unique.Handle[T] {
	if !h.any || h.last.Value() != value {
		h.last, h.any = unique.Make(value), true
	}
	return h.last
}
