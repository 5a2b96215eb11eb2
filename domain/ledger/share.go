package ledger

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

	"github.com/daybook-ledger/daybook/domain/money"
)

var errNotShare = errors.New(`want a fraction above 0 and up to 1 of whole numbers up to 2^64-1, such as "1/3"`)

// ParseShare reads a fraction such as "1/3": two whole numbers in decimal digits without leading zeros, the first from
// 1 to the second. It need not be in lowest terms.
func ParseShare(s string) (Share, error) {
	upper, lower, cut := strings.Cut(s, "/")
	numerator, ok := parseWord(upper)
	denominator, ok2 := parseWord(lower)
	share := Share{Numerator: numerator, Denominator: denominator}
	if !cut || !ok || !ok2 || !share.proper() {
		const most = 64 // of what is said again: it comes from anybody
		return Share{}, fmt.Errorf("share %s: %w", strconv.Quote(s[:min(len(s), most)]), errNotShare)
	}
	return share, nil
}

// String gives what ParseShare reads.
func (s Share) String() string {
	return strconv.FormatUint(s.Numerator, 10) + "/" + strconv.FormatUint(s.Denominator, 10)
}

// parseWord reads a number above 0.
func parseWord(s string) (uint64, bool) {
	if s == "" || s[0] < '1' || s[0] > '9' { // ParseUint takes leading zeros
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil
}

// proper tells whether the share is above 0 and at most 1.
func (s Share) proper() bool { return 0 < s.Numerator && s.Numerator <= s.Denominator }

// of gives the share of a total, rounded down to whole units. The product of 128 and 64 bits is made in full before it
// is divided; as the share is at most 1 the quotient fits, and so does each step of the division.
func (s Share) of(total money.Amount) money.Amount {
	hi, lo := total.Words()
	carry, low := bits.Mul64(lo, s.Numerator)
	top, mid := bits.Mul64(hi, s.Numerator)
	mid, carry = bits.Add64(mid, carry, 0)
	top += carry // at most Numerator-1, and so below Denominator
	hi, rest := bits.Div64(top, mid, s.Denominator)
	lo, _ = bits.Div64(rest, low, s.Denominator)
	return money.FromWords(hi, lo)
}

// wholeOf compares the sum of all shares with 1: negative where it is less. It is exact whatever the denominators.
func wholeOf(to []Destination) int {
	sum, whole := new(big.Int), big.NewInt(1) // of which the quotient is the sum of shares
	var n, d, quotient, rest big.Int
	for i := range to {
		s := to[i].Share
		if s == (Share{}) {
			continue
		}
		n.SetUint64(s.Numerator)
		d.SetUint64(s.Denominator)
		// A denominator that whole is a multiple of, as with equal shares, keeps it as short as it is.
		if quotient.QuoRem(whole, &d, &rest); rest.Sign() == 0 {
			sum.Add(sum, n.Mul(&n, &quotient))
			continue
		}
		n.Mul(&n, whole)
		sum.Add(sum.Mul(sum, &d), &n)
		whole.Mul(whole, &d)
	}
	return sum.Cmp(whole)
}

// divide says what each destination takes of a total, in their order: one without a share takes all of it. Shares are
// rounded down to whole units. What that leaves goes to the remainder; where there is none the shares add up to 1 and
// leave less than one unit for each of them, and the units go to the first ones, one each. Nothing is lost or made.
func divide(total money.Amount, to []Destination, parts []money.Amount) []money.Amount {
	remainder, left := -1, total
	for i := range to {
		var part money.Amount
		switch {
		case to[i].Remainder:
			remainder = i
		case to[i].Share == (Share{}):
			part = total
		default:
			part = to[i].Share.of(total)
		}
		left, _ = left.Sub(part)
		parts = append(parts, part)
	}
	if remainder >= 0 {
		parts[remainder] = left
		return parts
	}
	_, units := left.Words()
	for i := range units {
		parts[i], _ = parts[i].Add(money.NewAmount(1))
	}
	return parts
}
