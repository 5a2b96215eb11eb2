package ledger

import "strings"

// texts keeps many short strings in few pieces of memory, so that a million addresses are not a million objects for
// the garbage collector. What it has given out is never overwritten.
type texts struct{ piece strings.Builder }

const pieceBytes = 8 << 10

// keep gives a copy of s that holds no other memory than the texts' own.
func (t *texts) keep(s string) string {
	if t.piece.Cap()-t.piece.Len() < len(s) {
		t.piece = strings.Builder{}
		t.piece.Grow(max(pieceBytes, len(s)))
	}
	start := t.piece.Len()
	t.piece.WriteString(s)
	return t.piece.String()[start:]
}
