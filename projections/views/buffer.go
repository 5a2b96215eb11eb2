package views

// Buffer gathers rows for a bulk. Some hundreds at a time, which the processor still has at hand then, are written while
// the next are gathered.
type Buffer struct {
	Bulk

	// Values are the rows that are not written yet: whoever adds one appends the values of its columns, and then calls
	// [Buffer.Spill].
	Values []any
	// other is the memory of the rows that are being written, or were last.
	other []any
}

const bufferedValues = 1 << 12

// Spill begins to write what has gathered, if that is much. An error may be that of the rows before.
func (b *Buffer) Spill(tx *Tx) error {
	if len(b.Values) < bufferedValues {
		return nil
	}
	full := b.Values
	err := tx.start(func() error {
		defer clear(full) // not to keep alive what the rows came from
		return b.write(tx, full)
	})
	b.Values, b.other = b.other[:0], full
	return err
}

// Flush writes what has gathered, and waits for what is being written.
func (b *Buffer) Flush(tx *Tx) error {
	err := b.Write(tx, b.Values)
	b.Reset()
	return err
}

// Reset forgets what has gathered.
func (b *Buffer) Reset() {
	clear(b.Values)
	b.Values = b.Values[:0]
}
