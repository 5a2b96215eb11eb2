package runs

import (
	"fmt"
	"io"
)

// reader reads a run from its beginning to its end.
type reader struct {
	run     *Run
	blocks  io.Reader
	at      uint64 // blocks that were read
	buffer  []byte
	entries []byte // of the present block, from the next one on
}

func newReader(r *Run) *reader {
	whole := io.NewSectionReader(r.file, 0, int64(r.blocks())*blockBytes)
	return &reader{run: r, blocks: whole, buffer: make([]byte, blockBytes)}
}

// next gives the next entry, and whether there is one.
func (r *reader) next() (e Entry, ok bool, err error) {
	if len(r.entries) == 0 {
		if r.at == r.run.blocks() {
			return e, false, nil
		}
		if _, err := io.ReadFull(r.blocks, r.buffer); err != nil {
			return e, false, fmt.Errorf("%w: %s: %w", ErrDamaged, r.run.Name(), err)
		}
		if r.entries, err = r.run.open(r.buffer, r.at); err != nil {
			return e, false, err
		}
		r.at++
	}
	e = entryOf(r.entries)
	r.entries = r.entries[entryBytes:]
	return e, true, nil
}

// merge calls add with the entries of all runs, in order.
func merge(runs []*Run, add func(Entry) error) error {
	type head struct {
		Entry
		*reader
	}
	var heads []head
	for _, run := range runs {
		r := newReader(run)
		e, ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			heads = append(heads, head{e, r})
		}
	}
	for len(heads) > 0 {
		least := 0
		for i := range heads {
			if heads[i].compare(heads[least].Entry) < 0 {
				least = i
			}
		}
		h := &heads[least]
		if err := add(h.Entry); err != nil {
			return err
		}
		e, ok, err := h.next()
		if err != nil {
			return err
		}
		if h.Entry = e; !ok {
			heads = append(heads[:least], heads[least+1:]...)
		}
	}
	return nil
}
