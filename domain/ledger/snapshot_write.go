package ledger

import (
	"encoding/binary"
	"io"

	"github.com/daybook-ledger/daybook/domain/money"
)

// snapshotWriter writes what a snapshot is made of: into b, or by way of that to somewhere else.
type snapshotWriter struct {
	b   []byte
	to  io.Writer // nil for nowhere
	err error     // of to
}

const snapshotPiece = 64 << 10

// pass passes on what has come together, if that is worth it.
func (w *snapshotWriter) pass() {
	if len(w.b) >= snapshotPiece && w.to != nil {
		w.flush()
	}
}

func (w *snapshotWriter) flush() {
	if w.err == nil {
		_, w.err = w.to.Write(w.b)
	}
	w.b = w.b[:0]
}

func (w *snapshotWriter) byte(b byte) { w.b = append(w.b, b) }

func (w *snapshotWriter) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *snapshotWriter) text(s string) {
	w.number(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *snapshotWriter) amount(a money.Amount) {
	hi, lo := a.Words()
	w.number(hi)
	w.number(lo)
}

func (w *snapshotWriter) sums(s sums) {
	w.amount(s.debits)
	w.amount(s.credits)
}

func (w *snapshotWriter) signed(s *money.Signed) {
	if s == nil {
		return
	}
	sign := byte(0)
	if s.IsNegative() {
		sign = 1
	}
	w.b = append(w.b, sign)
	w.amount(s.Abs())
}
