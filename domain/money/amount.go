package money

import (
	"cmp"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
)

// Amount is a whole number of an asset's smallest units, from 0 to 2^128-1. The zero value is the amount 0.
//
//nolint:recvcheck // a value, that reads itself from JSON and SQL
type Amount struct{ hi, lo uint64 }

// MaxAmount is 2^128-1, the greatest amount there is: 340282366920938463463374607431768211455.
var MaxAmount = Amount{hi: ^uint64(0), lo: ^uint64(0)} //nolint:gochecknoglobals // a constant that Go cannot declare

// maxDigits is the number of decimal digits of [MaxAmount].
const maxDigits = 39

// What is wrong with a text that is not an amount.
var (
	errNotWhole   = errors.New("want a whole number in decimal digits, without sign, spaces or leading zeros")
	errOutOfRange = errors.New("the number exceeds 340282366920938463463374607431768211455")
)

// NewAmount makes an amount of a number of smallest units.
func NewAmount(units uint64) Amount { return Amount{lo: units} }

// ParseAmount reads decimal digits: "0", or a number that starts with another digit, up to [MaxAmount]. Signs, spaces,
// leading zeros, fractions and exponents are refused.
func ParseAmount(s string) (Amount, error) {
	a, err := parseDigits(s)
	if err != nil {
		return Amount{}, fmt.Errorf("amount %s: %w", quoted(s), err)
	}
	return a, nil
}

// Add gives a+b, and whether it fits.
func (a Amount) Add(b Amount) (sum Amount, ok bool) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, carry := bits.Add64(a.hi, b.hi, carry)
	return Amount{hi, lo}, carry == 0
}

// Sub gives a-b, and whether it fits: b is not greater than a.
func (a Amount) Sub(b Amount) (difference Amount, ok bool) {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	return Amount{hi, lo}, borrow == 0
}

// Cmp is negative where a < b, zero where they are equal, positive where a > b.
func (a Amount) Cmp(b Amount) int {
	if a.hi != b.hi {
		return cmp.Compare(a.hi, b.hi)
	}
	return cmp.Compare(a.lo, b.lo)
}

// IsZero tells whether a is 0.
func (a Amount) IsZero() bool { return a.hi|a.lo == 0 }

// Words gives the upper and the lower 64 bits, for storing an amount in binary; [FromWords] is the inverse.
func (a Amount) Words() (hi, lo uint64) { return a.hi, a.lo }

// FromWords makes the amount hi·2^64 + lo.
func FromWords(hi, lo uint64) Amount { return Amount{hi: hi, lo: lo} }

// String is the amount in decimal digits.
func (a Amount) String() string {
	if a.hi == 0 {
		return strconv.FormatUint(a.lo, 10)
	}
	var buf [maxDigits]byte
	return string(a.appendDigits(buf[:0]))
}

// AppendText appends what String gives. It never fails.
func (a Amount) AppendText(b []byte) ([]byte, error) { return a.appendDigits(b), nil }

// MarshalJSON writes a JSON string: most JSON readers lose digits of numbers beyond 2^53.
func (a Amount) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, maxDigits+2)
	return append(a.appendDigits(append(b, '"')), '"'), nil
}

// UnmarshalJSON reads a JSON string of digits or a JSON integer, both exactly.
func (a *Amount) UnmarshalJSON(b []byte) error {
	parsed, err := ParseAmount(unquoted(b))
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// Value stores the amount in SQL as decimal text.
func (a Amount) Value() (driver.Value, error) { return a.String(), nil }

// Scan reads what Value stored, and SQL integers.
func (a *Amount) Scan(source any) error {
	text, err := scanned(source)
	if err != nil {
		return fmt.Errorf("scan an amount: %w", err)
	}
	parsed, err := ParseAmount(text)
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// tenTo19 is the greatest power of ten in 64 bits; a word below it has at most 19 digits.
const tenTo19 = 10_000_000_000_000_000_000

func (a Amount) appendDigits(b []byte) []byte {
	if a.hi == 0 {
		return strconv.AppendUint(b, a.lo, 10)
	}
	// Split off 19 digits at a time: a = upper·10^19 + lower. The quotient may still exceed 64 bits, by one digit.
	upperHi, rest := bits.Div64(0, a.hi, tenTo19)
	upperLo, lower := bits.Div64(rest, a.lo, tenTo19)
	b = Amount{hi: upperHi, lo: upperLo}.appendDigits(b)
	var digits [19]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + lower%10)
		lower /= 10
	}
	return append(b, digits[:]...)
}

func parseDigits(s string) (Amount, error) {
	if s == "" || (s[0] == '0' && len(s) > 1) {
		return Amount{}, errNotWhole
	}
	// Nineteen digits fit in one word; nearly all amounts are read by this loop alone.
	var lo uint64
	head := min(len(s), 19)
	for i := range head {
		d := s[i] - '0'
		if d > 9 {
			return Amount{}, errNotWhole
		}
		lo = lo*10 + uint64(d)
	}
	if head == len(s) {
		return Amount{lo: lo}, nil
	}
	return parseMoreDigits(Amount{lo: lo}, s[head:])
}

func parseMoreDigits(a Amount, s string) (Amount, error) {
	fits := true
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return Amount{}, errNotWhole
		}
		if !fits {
			continue // it is too great whatever follows, but it may also be no number at all
		}
		over, hi := bits.Mul64(a.hi, 10)
		carry, lo := bits.Mul64(a.lo, 10)
		hi, over2 := bits.Add64(hi, carry, 0)
		var ok bool
		a, ok = Amount{hi, lo}.Add(Amount{lo: uint64(d)})
		fits = ok && over|over2 == 0
	}
	if !fits {
		return Amount{}, errOutOfRange
	}
	return a, nil
}
