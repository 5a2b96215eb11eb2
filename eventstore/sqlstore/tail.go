package sqlstore

import (
	"sync"

	"github.com/daybook-ledger/daybook/eventstore/rowlog"
)

// tailBytes bounds the payloads that a tail holds.
const tailBytes = 8 << 20

// tail has the rows that were committed last, one after the other without a gap, so that a subscription which keeps up need
// not read them back from the file: that cost more than handing them out.
type tail struct {
	mu    sync.Mutex
	rows  []rowlog.Row
	bytes int
}

// add takes rows that are committed, in the order of their positions. Where another process has written in between, what
// came before is dropped: a reader that lacks it finds it in the file.
func (t *tail) add(rows []rowlog.Row) {
	if len(rows) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.rows); n > 0 && t.rows[n-1].Position+1 != rows[0].Position {
		t.drop(n)
	}
	for i := range rows {
		t.bytes += len(rows[i].Payload)
	}
	t.rows = append(t.rows, rows...)
	old := 0
	for bytes := t.bytes; bytes > tailBytes && old < len(t.rows)-1; old++ {
		bytes -= len(t.rows[old].Payload)
	}
	t.drop(old)
}

// drop forgets the first n rows.
func (t *tail) drop(n int) {
	for i := range n {
		t.bytes -= len(t.rows[i].Payload)
	}
	clear(t.rows[:n])
	t.rows = t.rows[n:]
}

// from gives the rows from a position on; none where it does not have that very row.
func (t *tail) from(position int64) []rowlog.Row {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.rows) == 0 {
		return nil
	}
	skip := position - t.rows[0].Position
	if skip < 0 || skip >= int64(len(t.rows)) {
		return nil
	}
	return append([]rowlog.Row(nil), t.rows[skip:]...)
}
