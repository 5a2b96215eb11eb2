// Package runs finds in files what is too much for memory: at which place something was seen that has a given digest. It
// serves engines, which look in it for idempotency keys and references that were used long ago; the log, in which the
// places are revisions, stays the truth, and from it everything here can be made again.
//
// A run is a file of entries in the order of their digests, written once and never changed. Of each run a filter is in
// memory, some 1.6 bytes an entry, so that what was never seen costs no read but once in a hundred times; what was seen
// costs one of 4 KiB. New entries come as new runs, and runs are merged as they become many ([Pick]).
//
// Digests have 64 bits and may be equal by chance: whoever finds a place looks there whether it is the right one.
//
// Reading order: runs.go, run.go, filter.go, write.go, merge.go, dir.go, receive.go.
package runs

import "errors"

// Entry says that something with that digest was seen at that place.
type Entry struct{ Digest, Place uint64 }

func (e Entry) compare(f Entry) int {
	switch {
	case e.Digest < f.Digest, e.Digest == f.Digest && e.Place < f.Place:
		return -1
	case e == f:
		return 0
	default:
		return 1
	}
}

// ErrDamaged tells that a run is not what was written. It has to be made again.
var ErrDamaged = errors.New("the run is damaged")

// Pick tells which runs are worth merging, given the numbers of their entries, oldest first: those from the one at that
// place to the last, or none where from is their number. The last three are left alone until the one before them is no
// longer than they are together; then it is merged with them, and so is each one before that is no longer than all after
// it. So the runs' lengths fall off from the oldest to the newest, and there are few: a dozen where there are half a billion
// entries in the end, of which each was written seven times.
func Pick(entries []int) (from int) {
	const left = 3
	sum := 0
	for from = len(entries); from > 0; from-- {
		if len(entries)-from >= left && entries[from-1] > sum {
			break
		}
		sum += entries[from-1]
	}
	if len(entries)-from <= left {
		return len(entries)
	}
	return from
}
