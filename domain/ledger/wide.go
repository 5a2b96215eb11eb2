package ledger

import (
	"math/big"
	"math/bits"

	"github.com/daybook-ledger/daybook/domain/money"
)

// wide is a whole number of 256 bits, lowest word first, in two's complement where it is signed. It holds the sum of as
// many amounts as a ledger can ever have: 2^64 transactions of 2,000 entries below 2^128 come to less than 2^203.
type wide [4]uint64

// maxWideBits leaves room to add all that a ledger can post to a number that came from elsewhere.
const maxWideBits = 250

func wideOf(a money.Amount) wide {
	hi, lo := a.Words()
	return wide{lo, hi}
}

func wideOfSigned(s money.Signed) wide {
	n := wideOf(s.Abs())
	if s.IsNegative() {
		return wide{}.minus(n)
	}
	return n
}

// wideOfBig gives n, nil standing for zero, and whether it is neither negative nor too great.
func wideOfBig(n *big.Int) (wide, bool) {
	if n == nil {
		return wide{}, true
	}
	if n.Sign() < 0 || n.BitLen() > maxWideBits {
		return wide{}, false
	}
	var x wide
	var digits [len(x) * 8]byte
	n.FillBytes(digits[:])
	for i := range digits {
		place := len(digits) - 1 - i
		x[place/8] |= uint64(digits[i]) << (place % 8 * 8)
	}
	return x, true
}

func (x wide) plus(y wide) (sum wide) {
	var carry uint64
	for i := range x {
		sum[i], carry = bits.Add64(x[i], y[i], carry)
	}
	return sum
}

func (x wide) minus(y wide) (difference wide) {
	var borrow uint64
	for i := range x {
		difference[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	return difference
}

func (x wide) negative() bool { return x[len(x)-1]>>63 != 0 }

// cmp compares signed numbers that are far from the ends of their range.
func (x wide) cmp(y wide) int {
	switch d := x.minus(y); {
	case d == wide{}:
		return 0
	case d.negative():
		return -1
	default:
		return 1
	}
}

// big gives the number in memory of its own.
func (x wide) big() *big.Int {
	if x.negative() {
		n := wide{}.minus(x).big()
		return n.Neg(n)
	}
	n := new(big.Int)
	for i := len(x) - 1; i >= 0; i-- {
		n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(x[i]))
	}
	return n
}
