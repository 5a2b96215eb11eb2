package sqlstore

import "sync"

// tailBytes bounds the payloads that a tail holds.
const tailBytes = 8 << 20

// tail has the rows that were committed last, one after the other without a gap, so that a subscription which keeps up need
// not read them back from the file: that cost more than handing them out.
type tail struct {
	mu    sync.Mutex
	rows  []storedRow
	bytes int
}

// add takes rows that are committed, in the order of their positions. Where another process has written in between, what
// came before is dropped: a reader that lacks it finds it in the file.
func (t *tail) add(rows []storedRow) {
	if len(rows) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.rows); n > 0 && t.rows[n-1].position+1 != rows[0].position {
		t.drop(n)
	}
	for i := range rows {
		t.bytes += len(rows[i].payload)
	}
	t.rows = append(t.rows, rows...)
	old := 0
	for bytes := t.bytes; bytes > tailBytes && old < len(t.rows)-1; old++ {
		bytes -= len(t.rows[old].payload)
	}
	t.drop(old)
}

// drop forgets the first n rows.
func (t *tail) drop(n int) {
	for i := range n {
		t.bytes -= len(t.rows[i].payload)
	}
	clear(t.rows[:n])
	t.rows = t.rows[n:]
}

// from gives the rows from a position on; none where it does not have that very row.
func (t *tail) from(position int64) []storedRow {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		return nil
	}
	skip := position - t.rows[0].position
	if skip < 0 || skip >= int64(len(t.rows)) {
		return nil
	}
	return append([]storedRow(nil), t.rows[skip:]...)
}
