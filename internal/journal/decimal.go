package journal

import (
	"math/big"
	"strings"
)

// decimal is units × 10^-places, exactly. Trailing zeros count: 1.50 and 1.5 are equal but have other places.
// Its units are never changed in place.
type decimal struct {
	units  *big.Int
	places int
}

func zeroDecimal() decimal { return decimal{units: new(big.Int)} }

func (d decimal) sign() int { return d.units.Sign() }

func (d decimal) neg() decimal { return decimal{new(big.Int).Neg(d.units), d.places} }

// to writes the number with more places, or as many.
func (d decimal) to(places int) decimal {
	if places <= d.places {
		return d
	}
	return decimal{new(big.Int).Mul(d.units, pow10(places-d.places)), places}
}

func (d decimal) add(other decimal) decimal {
	places := max(d.places, other.places)
	return decimal{new(big.Int).Add(d.to(places).units, other.to(places).units), places}
}

func (d decimal) sub(other decimal) decimal { return d.add(other.neg()) }

func (d decimal) mul(other decimal) decimal {
	return decimal{new(big.Int).Mul(d.units, other.units), d.places + other.places}
}

func (d decimal) equal(other decimal) bool { return d.sub(other).sign() == 0 }

// looksZero tells whether the number is at most half a unit of the given places away from zero: hledger's measure of
// whether a transaction balances.
func (d decimal) looksZero(places int) bool {
	if d.places <= places {
		return d.sign() == 0
	}
	twice := new(big.Int).Abs(d.units)
	twice.Lsh(twice, 1)
	return twice.Cmp(pow10(d.places-places)) <= 0
}

// whole is the number in whole units of 10^-scale; false where it does not fit exactly.
func (d decimal) whole(scale int) (*big.Int, bool) {
	if d.places <= scale {
		return d.to(scale).units, true
	}
	units, rest := new(big.Int).QuoRem(d.units, pow10(d.places-scale), new(big.Int))
	return units, rest.Sign() == 0
}

// String writes the number with all its places, such as "-0.50".
func (d decimal) String() string {
	digits := new(big.Int).Abs(d.units).String()
	if missing := d.places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if d.places > 0 {
		digits = digits[:len(digits)-d.places] + "." + digits[len(digits)-d.places:]
	}
	if d.sign() < 0 {
		return "-" + digits
	}
	return digits
}

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }
