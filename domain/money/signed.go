package money

import (
	"database/sql/driver"
	"fmt"
)

// Signed is a whole number of an asset's smallest units from -(2^128-1) to 2^128-1: a balance, or a limit on one.
// The zero value is 0; there is no negative zero.
//
//nolint:recvcheck // a value, that reads itself from JSON and SQL
type Signed struct {
	negative bool
	abs      Amount
}

// NewSigned makes a signed number of its sign and its magnitude.
func NewSigned(negative bool, abs Amount) Signed {
	return Signed{negative: negative && !abs.IsZero(), abs: abs}
}

// Diff gives a-b. It always fits.
func Diff(a, b Amount) Signed {
	if d, ok := a.Sub(b); ok {
		return Signed{abs: d}
	}
	d, _ := b.Sub(a)
	return Signed{negative: true, abs: d}
}

// ParseSigned reads what [ParseAmount] reads, after a "-" where it is negative. "-0" is refused.
func ParseSigned(s string) (Signed, error) {
	digits, negative := s, false
	if s != "" && s[0] == '-' {
		digits, negative = s[1:], true
	}
	abs, err := parseDigits(digits)
	if err == nil && negative && abs.IsZero() {
		err = errNotWhole
	}
	if err != nil {
		return Signed{}, fmt.Errorf("number %s: %w", quoted(s), err)
	}
	return Signed{negative: negative, abs: abs}, nil
}

// IsNegative tells whether s is below 0.
func (s Signed) IsNegative() bool { return s.negative }

// IsZero tells whether s is 0.
func (s Signed) IsZero() bool { return s.abs.IsZero() }

// Abs gives the magnitude.
func (s Signed) Abs() Amount { return s.abs }

// Neg gives -s.
func (s Signed) Neg() Signed { return NewSigned(!s.negative, s.abs) }

// Add gives s+t, and whether it fits.
func (s Signed) Add(t Signed) (sum Signed, ok bool) {
	if s.negative == t.negative {
		abs, ok := s.abs.Add(t.abs)
		return Signed{negative: s.negative, abs: abs}, ok
	}
	if s.negative {
		return Diff(t.abs, s.abs), true
	}
	return Diff(s.abs, t.abs), true
}

// Sub gives s-t, and whether it fits.
func (s Signed) Sub(t Signed) (difference Signed, ok bool) { return s.Add(t.Neg()) }

// Cmp is negative where s < t, zero where they are equal, positive where s > t.
func (s Signed) Cmp(t Signed) int {
	switch {
	case s.negative && t.negative:
		return t.abs.Cmp(s.abs)
	case s.negative:
		return -1
	case t.negative:
		return 1
	default:
		return s.abs.Cmp(t.abs)
	}
}

// String is the number in decimal digits, after a "-" where it is negative.
func (s Signed) String() string { return string(s.appendDigits(make([]byte, 0, maxDigits+1))) }

// AppendText appends what String gives. It never fails.
func (s Signed) AppendText(b []byte) ([]byte, error) { return s.appendDigits(b), nil }

// MarshalJSON writes a JSON string.
func (s Signed) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, maxDigits+3)
	return append(s.appendDigits(append(b, '"')), '"'), nil
}

// UnmarshalJSON reads a JSON string or a JSON integer, both exactly.
func (s *Signed) UnmarshalJSON(b []byte) error {
	parsed, err := ParseSigned(unquoted(b))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// Value stores the number in SQL as decimal text.
func (s Signed) Value() (driver.Value, error) { return s.String(), nil }

// Scan reads what Value stored, and SQL integers.
func (s *Signed) Scan(source any) error {
	text, err := scanned(source)
	if err != nil {
		return fmt.Errorf("scan a signed number: %w", err)
	}
	parsed, err := ParseSigned(text)
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

func (s Signed) appendDigits(b []byte) []byte {
	if s.negative {
		b = append(b, '-')
	}
	return s.abs.appendDigits(b)
}
